"""Figure 3: a ring in the spectrum is not enough: differences of Gaussians inside the annulus condition.

a: the wavenumber of the largest power of a difference of Gaussians of equal volumes, by field width and
surround. b: for which ratios of heights the ring is the top mode of the box (spec 3.3), and where the
networks of the store stand. c, d: their grid scores, beside the difference of softmaxes and noise. e, f: the
difference of softmaxes alone, network by network: how much seeds matter.

Source: spec sweeps_and_figures b.1, other_systems 3.2, 3.3. Published: a from the one-dimensional formula
for equal heights, rounded, which ``--style published`` draws; survival from -1.3 to 1.3.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis.frames import Frame, pd
from gridsweep.figures._ask import Ask
from gridsweep.figures._entry import OPEN, Figure, Verdict, verdict
from gridsweep.figures._page import Page, Panel
from gridsweep.figures._ring_condition import INSIDE, SIDE_M, draw_slice, draw_wavenumbers
from gridsweep.figures._score_panels import compared, foot, key_of, rank
from gridsweep.figures._survival_numbers import MOST_ALONE
from gridsweep.figures._survival_sheet import draw_panel
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import SIZES, house_style
from gridsweep.theory.lattice import admissible

if TYPE_CHECKING:
    from gridsweep.store import Store

KINDS = ("difference_of_softmaxes", "general_difference_of_gaussians", "difference_of_gaussians")
BY = (
    "target.kind",
    "target.field_width_m",
    "target.surround_ratio",
    "target.surround_convention",
    "target.amplitude_excitatory",
    "target.amplitude_inhibitory",
)
CONDITIONS = (
    f'"target.kind" IN ({", ".join(repr(kind) for kind in KINDS)})',
    "\"network.kind\" = 'rnn'",
)
SOFTMAXES, OUTSIDE = "difference_of_softmaxes", "DoG outside the annulus"
X_LIMITS = (-1.3, 1.3)


def fig3(store: "Store", ask: Ask | None = None, axes: Mapping[str, Any] | None = None) -> Drawn:
    """Draws theory and survival. Panels: wavenumber, slice, classes, seeds (and the latter two " linear")."""
    ask = ask or Ask()
    selection = ask.select(store, "grid_score_60", BY, CONDITIONS)
    groups = selection.groups[~selection.groups["null"]]
    settings = [_settings(row) for row in groups.to_dict("records")]
    names = {row["group"]: row["class"] for row in settings}
    order = sorted(names.items(), key=lambda item: (SOFTMAXES, INSIDE, OUTSIDE).index(item[1]))
    classes = rank(selection.regrouped(dict(order), "class.kind"), ask)
    softmaxes = [*CONDITIONS, f"\"target.kind\" = '{SOFTMAXES}'"]
    has_softmaxes = SOFTMAXES in names.values()
    seeds = None
    if has_softmaxes:
        alone = ask.select(store, "grid_score_60", "target.kind", softmaxes)
        thin = alone.networks["run_id"].nunique() <= MOST_ALONE
        seeds = rank(alone, ask, each_network=thin)
    scales = {"": "linear"} if ask.published else {" linear": "linear", "": "log"}
    rows = [
        [
            Panel("wavenumber", "wavenumber of the ring (rad/m)", 44.0),
            Panel("slice", "heights, centre over surround", 44.0),
        ],
        *(
            [Panel(name + suffix, title, 38.0) for suffix in scales]
            for name, title in (
                ("classes", "by target"),
                ("seeds", "difference of softmaxes: all, and each network"),
            )
        ),
    ]
    words = [
        "b: between the lines the ring is the top mode of a box of 2.2 m (dark: and higher than zero); dots: "
        "the networks of the store; ratio of widths 2."
    ]
    with house_style(SIZES[ask.size].font_pt):
        page = Page(ask.size, rows, key=key_of([classes]), words=foot([classes], ask, words), axes=axes)
        table = draw_wavenumbers(page.axes["wavenumber"], page, published=ask.published)
        slice_table = draw_slice(page.axes["slice"], settings, page)
        for suffix, scale in scales.items():
            for name, numbers in (("classes", classes), ("seeds", seeds)):
                if numbers is not None:
                    draw_panel(page.axes[name + suffix], numbers, page.scale, page.small, scale)
                if ask.published:
                    page.axes[name + suffix].set_xlim(*X_LIMITS)
    tables = [classes.data().assign(panel="classes"), compared(classes, ask).assign(panel="classes")]
    if seeds is not None:
        tables.append(seeds.data().assign(panel="seeds"))
    return page.drawn(pd.concat([*tables, table, slice_table], ignore_index=True))


def _settings(row: dict) -> dict:
    """Returns a group's numbers and which class it is of."""
    width_m, ratio = float(row["target.field_width_m"]), float(row["target.surround_ratio"])
    surround = ratio if row["target.surround_convention"] != "variance" else float(np.sqrt(ratio))
    found = {"group": row["group"], "width_m": width_m, "surround_ratio": surround, "heights": float("nan")}
    if row["target.kind"] == SOFTMAXES:
        return {**found, "class": SOFTMAXES}
    if row["target.kind"] == "general_difference_of_gaussians":
        inhibitory = float(row["target.amplitude_inhibitory"])
        heights = float(row["target.amplitude_excitatory"]) / inhibitory if inhibitory else float("inf")
    else:
        heights = 1.0  # the true difference of Gaussians
    slice_ = admissible(width_m, surround, SIDE_M, above_centre=True)
    inside = slice_ is not None and heights in slice_
    return {**found, "heights": heights, "class": INSIDE if inside else OUTSIDE}


def judge(data: Frame) -> Verdict:
    """Whether DoG units inside the annulus are more rarely grid-like than those of the softmaxes."""
    shares = data[(data["panel"] == "classes") & (data["what"] == "units above criterion")]
    shares = shares[np.isclose(shares["threshold"].astype(float), 0.8)].set_index("group")
    if not {SOFTMAXES, INSIDE} <= set(shares.index) or shares.loc[[SOFTMAXES, INSIDE], "low"].isna().any():
        return Verdict(OPEN, "needs softmaxes and differences of Gaussians inside the annulus, several each")
    ours, theirs = shares.loc[INSIDE], shares.loc[SOFTMAXES]
    found = "; ".join(
        f"{name}: {100 * row['fraction']:.1f} % above 0.8 ({100 * row['low']:.1f} – {100 * row['high']:.1f})"
        for name, row in (("inside the annulus", ours), ("softmaxes", theirs))
    )
    return verdict(bool(ours["high"] < theirs["low"]), found)


FIGURE = Figure(
    title="Differences of Gaussians inside the annulus condition",
    draw=fig3,
    sweeps=("dog-annulus",),
    claim="Differences of Gaussians rarely give grid-like units even where the annulus condition holds; the "
    "difference of softmaxes does more often, depending on the seed.",
    rule="the 95 % interval of the share of units above 0.8 of differences of Gaussians inside the annulus "
    "lies below that of the difference of softmaxes",
    judge=judge,
)
