"""Figure 8: difference-of-softmaxes targets, ReLU against tanh: ReLU raises square scores even more.

If rectification made hexagons, square scores would fall when hexagonal ones rise. Beside the curves, the
ReLU units with the highest square scores, from the rate maps that the store keeps.

Source: spec sweeps_and_figures b.1: field width 0.12 m, ratio 2, RNN. Maps as published: unvisited bins are
zero, smoothed with a Gaussian of 2 bins for the eye, each on its own colour scale.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis.frames import Frame, pd
from gridsweep.figures._ask import Ask
from gridsweep.figures._entry import OPEN, Figure, Verdict, verdict
from gridsweep.figures._maps import best_maps, draw_map
from gridsweep.figures._page import Page, Panel
from gridsweep.figures._score_panels import (
    SCORES,
    TITLES,
    compared,
    foot,
    key_of,
    rank,
    score_title,
)
from gridsweep.figures._survival_sheet import draw_panel
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import SIZES, house_style

if TYPE_CHECKING:
    from gridsweep.store import Store

CONDITIONS = ("\"target.kind\" = 'difference_of_softmaxes'", "\"network.kind\" = 'rnn'")
MAPS = (2, 6)  # rows and columns


def fig8(store: "Store", ask: Ask | None = None, axes: Mapping[str, Any] | None = None) -> Drawn:
    """Draws survival by activation and maps.

    Panels: hexagonal, square (and both " linear"), "maps 0" to "maps 11".
    """
    ask = ask or Ask()
    every = {score: rank(ask.select(store, score, "network.activation", CONDITIONS), ask) for score in SCORES}
    selection = every["grid_score_90"].selection
    relu = selection.table[(selection.table["group"] == "relu") & ~selection.table["silent"]]
    maps = best_maps(store, relu, "grid_score_90", MAPS[0] * MAPS[1], ask)
    scales = {"": "log"} if ask.published else {" linear": "linear", "": "log"}
    rows = [
        *(
            [
                Panel(TITLES[score] + suffix, score_title(score) if place == 0 else "", height_mm=38.0)
                for score in SCORES
            ]
            for place, suffix in enumerate(scales)
        ),
        [Panel("maps", "ReLU units with the highest square scores", 58.0, below_mm=2.0, grid=MAPS)],
    ]
    numbers = list(every.values())
    words = (
        []
        if len(maps)
        else ["No maps: the store keeps no rate map of a ReLU unit (keep: {rate_maps: best})."]
    )
    with house_style(SIZES[ask.size].font_pt):
        page = Page(ask.size, rows, key=key_of(numbers), words=foot(numbers, ask, words), axes=axes)
        for suffix, scale in scales.items():
            for score, ranked in every.items():
                draw_panel(page.axes[TITLES[score] + suffix], ranked, page.scale, page.small, scale)
        for place in range(MAPS[0] * MAPS[1]):
            small = page.axes[f"maps {place}"]
            if place >= len(maps):
                small.set_axis_off()
                continue
            row = maps.iloc[place]
            draw_map(small, row["map"], f"{row['grid_score_90']:.2f}", page.small)
    tables = [ranked.data().assign(panel=TITLES[score]) for score, ranked in every.items()]
    tables += [compared(ranked, ask).assign(panel=TITLES[score]) for score, ranked in every.items()]
    drawn_maps = maps[["run_id", "unit", "grid_score_90"]].rename(columns={"grid_score_90": "threshold"})
    tables.append(drawn_maps.assign(what="map", panel="maps", group="relu", score="grid_score_90"))
    return page.drawn(pd.concat(tables, ignore_index=True))


def judge(data: Frame) -> Verdict:
    """Whether ReLU units have the higher mean scores, and more so for squares."""
    gains = {}
    for panel in TITLES.values():
        curves = data[(data["panel"] == panel) & data["what"].astype(str).str.startswith("units above")]
        means = {}
        for name, curve in curves[curves["what"] != "units above criterion"].groupby("group"):
            from_zero = curve[curve["threshold"].astype(float) >= 0]
            means[name] = np.trapezoid(
                from_zero["fraction"].astype(float), from_zero["threshold"].astype(float)
            )
        if not {"relu", "tanh"} <= means.keys():
            return Verdict(OPEN, "there are not both activations")
        gains[panel] = means["relu"] - means["tanh"]
    found = ", ".join(f"{panel} {gain:+.3f}" for panel, gain in gains.items())
    return verdict(
        0 < gains["hexagonal"] < gains["square"], f"mean score above zero, ReLU less tanh: {found}"
    )


FIGURE = Figure(
    title="Difference of softmaxes: ReLU against tanh",
    draw=fig8,
    sweeps=("activation",),
    claim="ReLU raises hexagonal scores over tanh, and raises square scores more: rectification does not "
    "select hexagons.",
    rule="the area under the curve from a score of 0 on, ReLU less tanh, is above zero for hexagonal scores "
    "and larger for square ones",
    judge=judge,
)
