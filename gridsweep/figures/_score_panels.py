"""What the paper's survival figures share: panels of curves of several scores, one key, one foot.

Each panel has its own selection; the groups, and so the colours, are the same in all of them.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis.comparison import area_of, networks_of, permute
from gridsweep.analysis.frames import Frame, pd
from gridsweep.analysis.null import whole_hands
from gridsweep.figures._ask import Ask
from gridsweep.figures._page import KeyEntry, Page, Panel
from gridsweep.figures._survival_numbers import Group, Numbers, rank_for_drawing
from gridsweep.figures._survival_sheet import FEW, SMOOTHED, draw_panel
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import SIZES, house_style, marks
from gridsweep.figures.words import counted, score_words

if TYPE_CHECKING:
    from gridsweep.analysis.selection import Selection

SCORES = ("grid_score_60", "grid_score_90")
TITLES = {"grid_score_60": "hexagonal", "grid_score_90": "square"}


def rank(selection: "Selection", ask: Ask, *, each_network: bool = False) -> Numbers:
    """Ranks as the ask says; each network by itself, too, if that is wanted."""
    return rank_for_drawing(
        selection,
        each_network=each_network,
        smoothed=ask.published,
        draws=ask.draws,
        seed=ask.seed,
        level=ask.level,
    )


def draw_score_panels(
    panels: Mapping[str, tuple[str, Numbers]],
    ask: Ask,
    axes: Mapping[str, Any] | None,
    *,
    y_scale: str = "log",
    both_scales: bool = True,
    x_limits: tuple[float, float] | None = None,
    extra: Sequence[Frame] = (),
    words: Sequence[str] = (),
) -> Drawn:
    """Draws one panel for each selection, on both scales if there is room to ask for it.

    Args:
        panels: name of a panel to its title and numbers.
        ask: see ``Ask``.
        axes: the caller's, by name; the log scale's have the name of the panel and " linear" for the other.
        y_scale: the original's scale, which ``published`` draws alone.
        both_scales: whether to draw a row of panels on a linear axis above those on a logarithmic one.
        x_limits: of the original, for ``published``.
        extra: more of what is drawn, for the table.
        words: more for the foot.
    """
    scales = {"": y_scale} if ask.published or not both_scales else {" linear": "linear", "": "log"}
    rows = [
        [
            Panel(name + suffix, title if place == 0 else "", height_mm=40.0)
            for name, (title, _) in panels.items()
        ]
        for place, suffix in enumerate(scales)
    ]
    every = [numbers for _, numbers in panels.values()]
    with house_style(SIZES[ask.size].font_pt):
        page = Page(ask.size, rows, key=key_of(every), words=foot(every, ask, words), axes=axes)
        for suffix, scale in scales.items():
            for name, (_, numbers) in panels.items():
                draw_panel(page.axes[name + suffix], numbers, page.scale, page.small, scale)
                if ask.published and x_limits is not None:
                    page.axes[name + suffix].set_xlim(*x_limits)
    tables = [numbers.data().assign(panel=name) for name, (_, numbers) in panels.items()]
    tables += [compared(numbers, ask).assign(panel=name) for name, (_, numbers) in panels.items()]
    return page.drawn(pd.concat([*tables, *extra], ignore_index=True))


def key_of(every: Sequence[Numbers]) -> list[KeyEntry]:
    """Returns a line for each group, with how many networks and units it has in the first panel with it."""
    entries: dict[str, KeyEntry] = {}
    for numbers in every:
        styles = marks([group.null for group in numbers.groups], numbers.numeric)
        for group, mark in zip(numbers.groups, styles, strict=True):
            entries.setdefault(group.name, KeyEntry(mark, f"{group.label}: {sizes(group)}"))
    return list(entries.values())


def sizes(group: Group) -> str:
    """Returns how many networks and units a group has; of the null, how many maps."""
    if group.null:
        return counted(group.units, "map")
    return f"{counted(group.networks, 'network')}, {counted(group.units, 'unit')}"


def foot(every: Sequence[Numbers], ask: Ask, words: Sequence[str] = ()) -> list[str]:
    """Returns the sentences below a figure: which networks, how many, what the bands are, which snapshot."""
    selections = [numbers.selection for numbers in every]
    said = [about(selections)]
    silent = max(sum(group.silent for group in numbers.groups if not group.null) for numbers in every)
    if ask.published:
        said.append(SMOOTHED)
    else:
        said.append(f"Silent units ({silent:,}) count as never exceeding.")
        said.append(bands_words(ask, selections))
    notes = dict.fromkeys(note for selection in selections for note in selection.notes)
    return [*said, *words, *notes, f"Store\u00a0snapshot\u00a0{selections[0].snapshot_id}."]


def bands_words(ask: Ask, selections: "Sequence[Selection]") -> str:
    """Returns what the bands are, and how little they say where networks are few."""
    words = f"Bands: {100 * ask.level:g} %, bootstrap over networks (null: over hands of maps)"
    fewest = min(
        int(selection.groups.loc[~selection.groups["null"], "networks"].min()) for selection in selections
    )
    if fewest == 1:
        return f"{words}; a single network has none."
    return f"{words}; from {fewest} networks hardly more than their range." if fewest < FEW else f"{words}."


def about(selections: "Sequence[Selection]") -> str:
    """Returns the filters and the denominators of what is drawn, each said once."""
    filters = list(dict.fromkeys(selection.filter for selection in selections))
    said = "; ".join(filters)
    return f"{said[:1].upper()}{said[1:]}. {selections[0].denominators}."


def compared(numbers: Numbers, ask: Ask) -> Frame:
    """Returns each group against each null: the area between the curves beyond 0.3, a permutation test."""
    table, score = numbers.selection.beside_null(), numbers.selection.score
    trained = {
        group.name: networks_of(table, group.name, score, "group")
        for group in numbers.groups
        if not group.null
    }
    rows = []
    for null in nulls(numbers):
        hands = table[(table["group"] == null).to_numpy()]
        sizes_of = hands.groupby("run_id", observed=True).size().rename("units").reset_index()
        whole = whole_hands(sizes_of, numbers.selection.hand)["run_id"]
        noise = networks_of(hands[hands["run_id"].isin(whole)], null, score, "group")
        for group in numbers.groups:
            if group.null:
                continue
            area = area_of(trained[group.name], noise, draws=ask.draws, seed=ask.seed, level=ask.level)
            test = permute(trained[group.name], noise, permutations=ask.draws, seed=ask.seed)
            rows.append(
                {
                    "what": f"area beyond {area.beyond} above {null}",
                    "group": group.name,
                    "label": group.label,
                    "score": score,
                    "networks": group.networks,
                    "units": group.units,
                    "fraction": area.area,
                    "low": area.low,
                    "high": area.high,
                    "p_value": test.p_value,
                }
            )
    columns = ["what", "group", "label", "score", "networks", "units", "fraction", "low", "high", "p_value"]
    return pd.DataFrame(rows, columns=columns)


def nulls(numbers: Numbers) -> list[str]:
    """Returns the names of the nulls in a panel."""
    return [group.name for group in numbers.groups if group.null]


def score_title(score: str) -> str:
    """Returns a panel's title: ``hexagonal: grid score (60°)``."""
    return f"{TITLES[score]}: {score_words(score)}"


def share_above(data: Frame, panel: str, group: str, threshold: float) -> float:
    """Returns from a figure's table which share of a group's units exceeds a criterion; NaN if not drawn."""
    rows = data[
        (data["panel"] == panel)
        & (data["what"] == "units above criterion")
        & (data["group"] == group)
        & np.isclose(data["threshold"].astype(float), threshold)
    ]
    return float(rows["fraction"].iloc[0]) if len(rows) else float("nan")


def areas(data: Frame, panel: str) -> Frame:
    """Returns from a figure's table the areas between groups and nulls of a panel."""
    is_area = data["what"].astype(str).str.startswith("area beyond")
    return data[is_area & (data["panel"] == panel)]
