"""Survival functions of grid scores: do these units lie above what noise gives?

Left the curve on a linear axis, where most units are; right on a logarithmic one, where the claim is: each
curve ends at its largest score, at one over its number of units. Below, a line a group: how many networks and
units, which share of units lies above two thresholds, and under the same axis of scores the best unit of each
network, because criteria use best units. The null of smoothed noise is in every figure, and its best are
taken over hands of as many maps as a network has units.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gridsweep.analysis.matched import select_matched
from gridsweep.analysis.selection import Selection, select_units
from gridsweep.figures._ask import NULLS, STYLES, Ask
from gridsweep.figures._entry import Figure
from gridsweep.figures._survival_numbers import CRITERIA, rank_for_drawing
from gridsweep.figures._survival_sheet import Sheet, draw_curves
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import SIZES, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gridsweep.store import Store


def survival(
    source: "Store | Selection",
    by: str | Sequence[str] = "target.kind",
    score: str = "grid_score_60",
    *,
    where: str | None = None,
    evaluation: str | None = None,
    bins: int | None = None,
    max_position_error_cm: float | None = None,
    null_where: str | None = None,
    null: str = "all",
    sweep: str | Sequence[str] | None = None,
    partial: bool = False,
    each_network: bool = False,
    size: str = "slide",
    style: str = "empirical",
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
    axes: "Axes | None" = None,
) -> Drawn:
    """Draws the fraction of units above each grid score, for each group and for the null.

    Args:
        source: a store; or a selection, which then decides all that the arguments up to ``partial`` decide.
        by: what makes a group, see ``select_units``.
        score: grid_score_60 or grid_score_90.
        where: see ``select_units``, like the following up to ``partial``.
        evaluation: of which the scores are.
        bins: of the rate maps.
        max_position_error_cm: keep only networks below it.
        null_where: a condition on runs of the null.
        null: ``all`` nulls, or ``matched``: for each group the one that is as wide.
        sweep: only networks of this sweep.
        partial: draw although networks are missing.
        each_network: also draw a thin curve for every network.
        size: ``single`` (90 mm wide), ``double`` (180 mm) or ``slide``.
        style: ``empirical``; or ``published``, the smoothed curves of the original, without bands.
        draws: bootstrap draws of the bands.
        seed: of the draws.
        level: of the bands.
        axes: draw only the curves, here; the scale of its y axis is left as it is.

    Returns:
        The figure, its axes (linear, log, best; or curves) and the numbers: a row for each point of a curve
        (``what`` is "units above"), for each best unit ("best unit") and for each share in the table below
        ("units above criterion").
    """
    score = source.score if isinstance(source, Selection) else score
    for name, found, known in (
        ("style", style, STYLES),
        ("size", size, SIZES),
        ("score", score, CRITERIA),
        ("null", null, NULLS),
    ):
        if found not in known:
            raise ValueError(f"survival: found the {name} {found!r}, expected {' or '.join(known)}")
    if not isinstance(source, Selection):
        select = select_matched if null == "matched" else select_units
        source = select(
            source,
            score,
            by,
            where=where,
            evaluation=evaluation,
            bins=bins,
            max_position_error_cm=max_position_error_cm,
            null_where=null_where,
            sweep=sweep,
            partial=partial,
        )
    numbers = rank_for_drawing(
        source,
        each_network=each_network,
        smoothed=style == "published",
        draws=draws,
        seed=seed,
        level=level,
    )
    with house_style(SIZES[size].font_pt):
        if axes is None:
            return Sheet(numbers, SIZES[size]).draw()
        draw_curves(axes, numbers, SIZES[size].scale)
        return Drawn(axes.figure.figure, {"curves": axes}, numbers.data())


def _asked(store: "Store", ask: Ask, axes: "Mapping[str, Axes] | None") -> Drawn:
    said = dataclasses.asdict(ask)
    by = said.pop("by") or "target.kind"
    score = said.pop("score") or "grid_score_60"
    return survival(store, by, score, axes=None if axes is None else axes["curves"], **said)


FIGURE = Figure("Survival functions of grid scores", _asked, grouped=True)
