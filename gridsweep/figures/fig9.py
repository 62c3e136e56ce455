"""Figure 9: how many grid-like units there are depends on the field width, and not smoothly.

A panel for each number of units and each surround. The published networks of 1,024 and of 4,096 units differ
in their surround as well, both written "2" (spec f.1): ratios of standard deviations and of variances.

Source: spec sweeps_and_figures b.1: share of units above 0.3, 0.75, 0.8 and 1.15 by field width, mean and
95 % bootstrap over networks. Dashed: the null's share above the same thresholds.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis.frames import Frame, pd
from gridsweep.analysis.survival import fractions_above
from gridsweep.figures._ask import Ask
from gridsweep.figures._entry import OPEN, Figure, Verdict, verdict
from gridsweep.figures._page import KeyEntry, Page, Panel
from gridsweep.figures._score_panels import about
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import BLUE, GREEN, GREY, ORANGE, SIZES, VERMILION, Mark, house_style
from gridsweep.figures.words import counted

if TYPE_CHECKING:
    from gridsweep.store import Store

THRESHOLDS = (0.3, 0.75, 0.8, 1.15)
LOOKS = {0.3: (BLUE, "o"), 0.75: (GREEN, "s"), 0.8: (ORANGE, "^"), 1.15: (VERMILION, "D")}
BY = ("network.units", "target.surround_ratio", "target.surround_convention", "target.field_width_m")
CONDITIONS = (
    "\"target.kind\" = 'difference_of_softmaxes'",
    "\"network.kind\" = 'rnn'",
    "\"network.activation\" = 'relu'",
)
CONVENTIONS = {"sigma": "of widths", "variance": "of variances"}


def fig9(store: "Store", ask: Ask | None = None, axes: Mapping[str, Any] | None = None) -> Drawn:
    """Draws shares of units by field width. Panels: "0", "1" … in the order of units, ratio, convention."""
    ask = ask or Ask()
    selection = ask.select(store, "grid_score_60", BY, CONDITIONS)
    table = selection.beside_null()
    shares = fractions_above(table, THRESHOLDS, draws=ask.draws, seed=ask.seed, level=ask.level)
    shares["group"] = shares["group"].astype(object)
    groups = selection.groups[~selection.groups["null"]].copy()
    groups["width_m"] = pd.to_numeric(groups["target.field_width_m"], errors="coerce")
    settings = groups[list(BY[:3])].drop_duplicates().reset_index(drop=True)
    settings["panel"] = settings.index.astype(str)
    shares = shares.merge(groups.merge(settings, on=list(BY[:3])), on="group", how="left", suffixes=("", "_"))
    titles = [_title(row, groups) for row in settings.to_dict("records")]
    panels = [Panel(str(place), title, 44.0) for place, title in enumerate(titles)]
    panels += [Panel("", height_mm=44.0, empty=True)] * (len(panels) % 2)
    rows = [panels[start : start + 2] for start in range(0, len(panels), 2)]
    key = [KeyEntry(Mark(LOOKS[t][0], "-"), f"above {t}") for t in THRESHOLDS]
    key.append(KeyEntry(Mark(GREY, (0, (3.2, 1.6))), "null, the same thresholds"))
    words = [
        about([selection]),
        f"Bands: {100 * ask.level:g} %, bootstrap over networks; single networks have none.",
        *selection.notes,
        f"Store\u00a0snapshot\u00a0{selection.snapshot_id}.",
    ]
    is_null = shares["panel"].isna()
    with house_style(SIZES[ask.size].font_pt):
        page = Page(ask.size, rows, key=key, words=words, axes=axes)
        for panel in settings["panel"]:
            draw_shares(page.axes[panel], shares[shares["panel"] == panel], shares[is_null], page.scale)
        _make_comparable([page.axes[panel] for panel in settings["panel"]])
    shares["panel"] = shares["panel"].fillna("null")
    columns = [
        *("panel", *BY, "group", "threshold", "units_above", "fraction", "low", "high"),
        *("networks_with", "network_fraction", "networks", "units"),
    ]
    return page.drawn(
        shares[columns]
        .assign(filter=selection.filter, snapshot_id=selection.snapshot_id)
        .reset_index(drop=True)
    )


def _title(settings: dict, groups: Frame) -> str:
    mine = (groups[list(BY[:3])] == pd.Series({column: settings[column] for column in BY[:3]})).all(axis=1)
    networks = int(groups.loc[mine, "networks"].sum())
    return f"{_settings_words(settings)}, {counted(networks, 'network')}"


def _settings_words(settings: dict) -> str:
    units, ratio, convention = (settings[column] for column in BY[:3])
    surround = f"surround {float(ratio):g} ({CONVENTIONS.get(str(convention), 'of widths')})"
    return f"{float(units):g} units, {surround}"


def draw_shares(axes: Any, shares: Frame, null: Frame, scale: float) -> None:
    """Draws one panel: a line a threshold over the field widths, the null's share as a dashed one."""
    for threshold in THRESHOLDS:
        colour, marker = LOOKS[threshold]
        line = shares[np.isclose(shares["threshold"], threshold)].sort_values("width_m")
        x, y = 100 * line["width_m"], 100 * line["fraction"]
        axes.fill_between(x, 100 * line["low"], 100 * line["high"], color=colour, alpha=0.18, linewidth=0)
        axes.plot(x, y, color=colour, marker=marker, markersize=3.0 * scale, linewidth=1.1 * scale, zorder=3)
        for level in null.loc[np.isclose(null["threshold"], threshold), "fraction"]:
            look: dict[str, Any] = {"linestyle": (0, (3.2, 1.6)), "linewidth": 0.8 * scale, "zorder": 1}
            axes.axhline(100 * level, color=colour, alpha=0.7, **look)
    axes.set_xlabel("field width (cm)")
    axes.set_ylabel("units above (%)")
    axes.set_ylim(0, None)


def _make_comparable(panels: list[Any]) -> None:
    """Gives all panels the widest of their ranges."""
    widths = [one.get_xlim() for one in panels]
    top = max(one.get_ylim()[1] for one in panels)
    for one in panels:
        one.set_xlim(min(left for left, _ in widths), max(right for _, right in widths))
        one.set_ylim(0, top)


def judge(data: Frame) -> Verdict:
    """Whether the share above 0.8 rises and falls with width by more than networks scatter."""
    found, turns = [], False
    for _, rows in data[data["panel"] != "null"].groupby("panel"):
        line = rows[np.isclose(rows["threshold"], 0.8)].copy()
        line["width_m"] = pd.to_numeric(line["target.field_width_m"])
        line = line.sort_values("width_m")
        if len(line) < 3 or line["low"].isna().any():
            continue
        turns = turns or turns_beyond_bands(
            *(line[name].to_numpy(float) for name in ("fraction", "low", "high"))
        )
        shares = ", ".join(f"{100 * row.width_m:g} cm {100 * row.fraction:.1f}" for row in line.itertuples())
        found.append(f"{_settings_words(rows.iloc[0].to_dict())}: % above 0.8 at {shares}")
    if not found:
        return Verdict(OPEN, "needs three field widths with several networks each")
    return verdict(turns, "; ".join(found))


def turns_beyond_bands(fraction: np.ndarray, low: np.ndarray, high: np.ndarray) -> bool:
    """Whether some width has a share below the bands on both sides, or above them."""
    for place in range(1, len(fraction) - 1):
        before, after = slice(None, place), slice(place + 1, None)
        if high[place] < low[before].max() and high[place] < low[after].max():
            return True
        if low[place] > high[before].min() and low[place] > high[after].min():
            return True
    return False


FIGURE = Figure(
    title="Sensitivity to the field width",
    draw=fig9,
    sweeps=("field-width",),
    claim="The share of grid-like units changes strongly and non-monotonically with the field width, which "
    "is set by hand.",
    rule="in some panel, the share above 0.8 at one width lies outside the 95 % bands of a smaller and of a "
    "larger width, below or above both",
    judge=judge,
)
