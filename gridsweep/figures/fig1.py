"""Figure 1: which targets make networks that know where they are, and which of those could have grid cells.

Left, for each target the share of networks that path-integrate and, of those, the share with possible grid
cells: the best unit scores above 0.8. Beside them hands of smoothed noise, as large as a network, of which
almost all pass that criterion (spec e.10). Right the survival functions of all units' scores.

Source: spec sweeps_and_figures b.1, a.3; criteria d.5: 10 cm, 0.8. Published: bars with bootstrap
intervals; survival smoothed, linear, from -0.75 to 1.2. Intervals of shares here are Wilson's.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis.frames import Frame, pd
from gridsweep.analysis.survival import wilson_interval
from gridsweep.figures._ask import Ask
from gridsweep.figures._entry import OPEN, Figure, Verdict, verdict
from gridsweep.figures._page import Page, Panel
from gridsweep.figures._score_panels import compared, foot, key_of, rank
from gridsweep.figures._survival_numbers import Numbers
from gridsweep.figures._survival_sheet import draw_panel
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import GREY, INK, SIZES, house_style, marks

if TYPE_CHECKING:
    from gridsweep.store import Store

INTEGRATES_CM = 10.0
POSSIBLE = 0.8
X_LIMITS = (-0.75, 1.2)


def fig1(store: "Store", ask: Ask | None = None, axes: Mapping[str, Any] | None = None) -> Drawn:
    """Draws shares of networks and survival by target. Panels: integrate, possible, linear, log."""
    ask = ask or Ask()
    selection = ask.select(store, "grid_score_60", "target.kind", ["\"system.kind\" = 'path_integrator'"])
    numbers = rank(selection, ask)
    shares = share_networks(numbers, ask.level)
    height = 5.0 * len(numbers.groups) + 4.0
    rows = [
        [
            Panel(
                "integrate",
                f"networks with an error below {INTEGRATES_CM:g} cm",
                height,
                left_mm=42.0,
                share=1.3,
            ),
            Panel("possible", f"of those, with a unit above {POSSIBLE}", height, left_mm=4.0),
        ],
        [Panel("linear", "units", 42.0), *([] if ask.published else [Panel("log", "", 42.0)])],
    ]
    words = [f"Bars: {100 * ask.level:g} %, Wilson; null: hands of {selection.hand:,} maps."]
    with house_style(SIZES[ask.size].font_pt):
        page = Page(ask.size, rows, key=key_of([numbers]), words=foot([numbers], ask, words), axes=axes)
        draw_shares(
            page.axes["integrate"], shares[shares["what"] == "networks that integrate"], numbers, page.scale
        )
        draw_shares(
            page.axes["possible"], shares[shares["what"] == "of those, possible"], numbers, page.scale
        )
        names_apart = axes is None and page.width > 130
        if names_apart:
            page.axes["possible"].set_yticklabels([])
        for scale in ("linear", "log"):
            if scale in page.axes:
                draw_panel(page.axes[scale], numbers, page.scale, page.small, scale)
                if ask.published:
                    page.axes[scale].set_xlim(*X_LIMITS)
    tables = [shares, numbers.data().assign(panel="units"), compared(numbers, ask).assign(panel="units")]
    return page.drawn(pd.concat(tables, ignore_index=True))


def share_networks(numbers: Numbers, level: float) -> Frame:
    """Returns for each target how many networks integrate, and how many of those have a unit above 0.8."""
    error_of = numbers.selection.networks.set_index("run_id")["position_error_cm"]
    rows = []
    for group in numbers.groups:
        best = numbers.best(group)
        if group.null:
            asked = best["best"].to_numpy(float)
        else:
            errors = best["run_id"].map(error_of).to_numpy(float)
            integrates = errors < INTEGRATES_CM
            rows.append(_share("networks that integrate", group, integrates, level))
            asked = best["best"].to_numpy(float)[integrates]
        rows.append(_share("of those, possible", group, asked > POSSIBLE, level))
    return pd.DataFrame(rows).assign(panel="networks", snapshot_id=numbers.selection.snapshot_id)


def _share(what: str, group: Any, having: np.ndarray, level: float) -> dict:
    count, trials = int(having.sum()), len(having)
    (low,), (high,) = wilson_interval(np.array([count]), max(trials, 1), level)
    return {
        "what": what,
        "group": group.name,
        "label": group.label,
        "networks": trials,
        "fraction": count / trials if trials else float("nan"),
        "low": low,
        "high": high,
    }


def draw_shares(axes: Any, shares: Frame, numbers: Numbers, scale: float) -> None:
    """Draws a bar for each target, with its interval and how many networks it is of."""
    places = {group.name: place for place, group in enumerate(numbers.groups)}
    styles = dict(zip(places, marks([group.null for group in numbers.groups], numbers.numeric), strict=True))
    for row in shares.to_dict("records"):
        y = places[row["group"]]
        if np.isnan(row["fraction"]):
            axes.text(0.01, y, "none integrates", va="center", color=GREY)
            continue
        axes.barh(y, row["fraction"], height=0.62, color=styles[row["group"]].colour, alpha=0.45)
        if not np.isnan(row["low"]):
            axes.hlines(y, row["low"], row["high"], color=INK, linewidth=0.9 * scale)
        axes.text(1.02, y, f"of {row['networks']:,}", va="center", color=GREY, clip_on=False)
    axes.set_yticks(list(places.values()), [group.label.split(", ")[0] for group in numbers.groups])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(places) - 0.4, -0.6)
    axes.set_xlim(0, 1.15)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0])
    axes.spines["bottom"].set_bounds(0, 1)
    axes.set_xlabel("share of networks")


def judge(data: Frame) -> Verdict:
    """Whether most networks integrate and only difference-of-softmaxes units lie above the null."""
    shares = data[data["what"] == "networks that integrate"]
    integrate = float((shares["fraction"] * shares["networks"]).sum() / shares["networks"].sum())
    areas = data[data["what"].astype(str).str.startswith("area beyond")]
    areas = areas[areas["low"].notna()]
    if areas.empty or "difference_of_softmaxes" not in set(areas["group"]) or areas["group"].nunique() < 2:
        return Verdict(
            OPEN, "needs difference of softmaxes, another target and a null, several networks each"
        )
    above = sorted(set(areas.loc[areas["low"] > 0, "group"]))
    dos_above_all = bool((areas.loc[areas["group"] == "difference_of_softmaxes", "low"] > 0).all())
    found = (
        f"{100 * integrate:.0f} % of networks integrate; above the null: {', '.join(above) or 'no target'}"
    )
    return verdict(integrate > 0.5 and dos_above_all and above == ["difference_of_softmaxes"], found)


FIGURE = Figure(
    title="Path integration and grid scores by target",
    draw=fig1,
    sweeps=("targets",),
    claim="Most networks learn to path-integrate; possible grid cells appear for difference-of-softmaxes "
    "targets and hardly for any other.",
    rule="more than half of the networks have an error below 10 cm, and of all targets only the difference "
    "of softmaxes lies above every null: the interval of the area between curves beyond 0.3 is above zero",
    judge=judge,
)
