"""Figure 3: a ring in the spectrum is not enough: differences of Gaussians inside the annulus condition.

a: the wavenumber of the largest power of a difference of Gaussians of equal volumes, by field width and
surround. b: for which ratios of heights the ring is the top mode of the box (spec 3.3), and where the
networks of the store stand. c: their grid scores, beside the difference of softmaxes and noise. d: the same
difference of softmaxes, seed by seed.

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
from gridsweep.figures._score_panels import compared, foot, key_of, rank
from gridsweep.figures._survival_sheet import draw_panel
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import BLUE, GREY, INK, PALE, SIZES, VERMILION, house_style
from gridsweep.theory.lattice import admissible, ring_map

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
SOFTMAXES, INSIDE, OUTSIDE = "difference_of_softmaxes", "DoG inside the annulus", "DoG outside the annulus"
SIDE_M = 2.2
X_LIMITS = (-1.3, 1.3)


def fig3(store: "Store", ask: Ask | None = None, axes: Mapping[str, Any] | None = None) -> Drawn:
    """Draws theory and survival. Panels: wavenumber, slice, classes, seeds."""
    ask = ask or Ask()
    selection = ask.select(store, "grid_score_60", BY, CONDITIONS)
    groups = selection.groups[~selection.groups["null"]]
    settings = [_settings(row) for row in groups.to_dict("records")]
    names = {row["group"]: row["class"] for row in settings}
    order = sorted(names.items(), key=lambda item: (SOFTMAXES, INSIDE, OUTSIDE).index(item[1]))
    classes = rank(selection.regrouped(dict(order), "class.kind"), ask)
    softmaxes = [*CONDITIONS, f"\"target.kind\" = '{SOFTMAXES}'"]
    has_softmaxes = SOFTMAXES in names.values()
    seeds = rank(ask.select(store, "grid_score_60", "seed", softmaxes), ask) if has_softmaxes else None
    rows = [
        [
            Panel("wavenumber", "wavenumber of the ring (rad/m)", 44.0),
            Panel("slice", "heights, centre over surround", 44.0),
        ],
        [Panel("classes", "by target", 44.0), Panel("seeds", "difference of softmaxes, by seed", 44.0)],
    ]
    words = [
        "b: between the lines the ring is the top mode of a box of 2.2 m (dark: and higher than zero); dots: "
        "the networks of the store; ratio of widths 2."
    ]
    with house_style(SIZES[ask.size].font_pt):
        page = Page(ask.size, rows, key=key_of([classes]), words=foot([classes], ask, words), axes=axes)
        table = draw_wavenumbers(page.axes["wavenumber"], page, published=ask.published)
        slice_table = draw_slice(page.axes["slice"], settings, page)
        scale = "linear" if ask.published else "log"
        draw_panel(page.axes["classes"], classes, page.scale, page.small, scale)
        if seeds is not None:
            draw_panel(page.axes["seeds"], seeds, page.scale, page.small, scale)
        if ask.published:
            page.axes["classes"].set_xlim(*X_LIMITS)
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


def draw_wavenumbers(axes: Any, page: Page, *, published: bool) -> Frame:
    """Draws k* over field width and surround; where it is below two waves a box, hatched by a line."""
    # As far as published; beyond 0.4 m there is nothing left to see.
    width_m, surround = np.arange(0.05, 1.0001 if published else 0.4001, 0.01), np.arange(1.5, 10.01, 0.5)
    heights = 1.0 if published else surround[:, None] ** -2
    k = ring_map(width_m[None], surround[:, None], heights, dimensions=1 if published else 2)
    levels = np.arange(0, np.ceil(k.max()) + 1)
    shown = axes.contourf(width_m, surround, np.rint(k) if published else k, levels=levels, cmap="viridis")
    waves = k * SIDE_M / (2 * np.pi)
    axes.contour(width_m, surround, waves, levels=[2.0], colors=VERMILION, linewidths=1.1 * page.scale)
    axes.set_xlabel("field width (m)")
    axes.set_ylabel("surround over centre width")
    bar = axes.figure.colorbar(shown, ax=axes, fraction=0.05, pad=0.03, ticks=levels[::5])
    bar.outline.set_visible(False)
    axes.annotate(
        "line: two waves per box",
        (0.97, 0.94),
        xycoords="axes fraction",
        ha="right",
        va="top",
        color="white",
        fontsize=page.small,
    )
    grid_width, grid_surround = np.meshgrid(width_m, surround)
    return pd.DataFrame(
        {
            "what": "wavenumber of the ring",
            "panel": "wavenumber",
            "field_width_m": grid_width.ravel(),
            "surround_ratio": grid_surround.ravel(),
            "wavenumber_per_m": k.ravel(),
        }
    )


def draw_slice(axes: Any, settings: list[dict], page: Page) -> Frame:
    """Draws the admissible ratios of heights over field width for s = 2, and the networks' settings."""
    rows = []
    for width_m in np.round(np.arange(0.06, 0.301, 0.01), 2).tolist():
        for above_centre in (False, True):
            found = admissible(width_m, 2.0, SIDE_M, above_centre=above_centre, step=0.005)
            if found is not None:
                rows.append(
                    {
                        "what": "admissible, above zero" if above_centre else "admissible",
                        "field_width_m": width_m,
                        "low": found.low,
                        "high": found.high,
                    }
                )
    table = pd.DataFrame(rows).assign(panel="slice")
    for what, colour in (("admissible", PALE), ("admissible, above zero", BLUE)):
        band = table[table["what"] == what]
        look: dict[str, Any] = {"color": colour, "alpha": 0.5, "linewidth": 0}
        axes.fill_between(100 * band["field_width_m"], band["low"], band["high"], **look)
    for row in settings:
        if np.isfinite(row["heights"]):
            colour = BLUE if row["class"] == INSIDE else VERMILION
            axes.plot(
                100 * row["width_m"], row["heights"], "o", color=colour, markersize=3.2 * page.scale, zorder=3
            )
    axes.axhline(1.0, color=GREY, linewidth=0.7 * page.scale, linestyle=(0, (3.2, 1.6)))
    axes.annotate(
        "equal heights", (axes.get_xlim()[1], 1.0), ha="right", va="bottom", color=INK, fontsize=page.small
    )
    axes.set_yscale("log")
    axes.set_ylim(0.8, 20)
    axes.set_yticks([1, 2, 3, 5, 10, 20], ["1", "2", "3", "5", "10", "20"])
    axes.set_yticks([], minor=True)
    axes.set_xlabel("field width (cm)")
    axes.set_ylabel("height, centre over surround")
    return table


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
