"""Every system of a store beside the same noise: who grows a lattice, and which of its settings decides it?

A panel for each system, and for each network of the path integrator. In a panel the survival of its units'
scores, split by the setting on which its claim turns, and the null: low-pass noise on the maps' number of
bins, units beside maps. A system that this file does not know has one curve for each target, or one at all.

Units are not the same thing in all systems; the words below a panel say what they are there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridsweep.analysis.frames import pd
from gridsweep.analysis.null import KIND
from gridsweep.figures._ask import Ask
from gridsweep.figures._entry import Figure
from gridsweep.figures._page import Page, Panel
from gridsweep.figures._score_panels import compared, rank, sizes
from gridsweep.figures._survival_numbers import CRITERIA, Numbers
from gridsweep.figures._survival_sheet import draw_panel
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import SIZES, Mark, house_style, marks, wrap
from gridsweep.figures.words import group_words, score_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gridsweep.store import Store

# Cut at zero as most units are; noise that is not cut scores the same within 0.05 (docs/scores.md).
NULL = '"system.pass" = \'low\' AND "system.smoothing_bins" = 3 AND "system.threshold" = \'rectified\''
COLUMNS = 3
_AXES, _LEFT, _X_LABEL, _LINE, _SAMPLE = 34.0, 13.0, 9.5, 2.75, 7.0


@dataclass(frozen=True)
class Part:
    """What is drawn of a system.

    Args:
        by: columns whose values make curves.
        where: which of its networks, where not all are to be compared.
        units_are: what a unit is, where it is not a recurrent unit seen along walks.
    """

    by: tuple[str, ...] = ()
    where: str = ""
    units_are: str = ""


PARTS = {
    "pattern_formation": Part(
        ("target.kind", "system.activation"),
        "\"system.dynamics\" = 'unit_norm'",
        "Maps under a target's kernel, each by itself: no network, no walk.",
    ),
    "shallow_reconstruction": Part(
        ("target.kind", "system.method"), "", "Hidden maps that reconstruct a target: no walk."
    ),
    "nonnegative_pca": Part(
        ("system.constraint",),
        '"system.surround_volume" = 1 AND "system.ordering" = \'independent\'',
        "Outputs of units that learn alone, on a torus.",
    ),
    "attractor": Part(
        ("system.neurons_per_side",),
        "\"system.motion\" = 'walk'",
        "Neurons of one sheet are shifted copies of one map: count networks.",
    ),
    "conformal_isometry": Part(
        ("system.isometry_weight", "system.kernel_weight"), "", "Rates are a free table over the square."
    ),
    "self_supervised": Part(
        ("system.moves",), "", "States along walks from one start; no place is reported."
    ),
    "lstm_dense": Part(
        ("network.dense_dropout",),
        '"training.optimizer.kind" = \'adam\' AND "training.learning_rate" >= 0.005',
        "Units of the dense layer, before dropout.",
    ),
    "noisy_rate": Part(("arena.kind",)),
}


def systems(store: "Store", ask: Ask | None = None, axes: "Mapping[str, Axes] | None" = None) -> Drawn:
    """Draws the survival of every system's units. A panel is named after the network or the system."""
    ask = ask or Ask()
    score = ask.score or "grid_score_60"
    found = {
        name: (part, title, _ranked(store, ask, score, name, part))
        for name, part, title in _parts(store, ask)
    }
    rows = [list(found)[start : start + COLUMNS] for start in range(0, len(found), COLUMNS)]
    size = SIZES[ask.size]
    room_mm = _room_mm(ask)
    keys = {name: _key(part, numbers, room_mm, size.font_pt) for name, (part, _, numbers) in found.items()}
    page_rows = []
    for row in rows:
        lines = max(sum(len(words) for _, words in keys[name]) for name in row)
        below_mm = _X_LABEL + _LINE * lines + 4.0
        panels = [Panel(name, found[name][1], _AXES, left_mm=_LEFT, below_mm=below_mm) for name in row]
        panels += [Panel("", height_mm=_AXES, below_mm=below_mm, empty=True)] * (COLUMNS - len(row))
        page_rows.append(panels)
    every = [numbers for _, _, numbers in found.values()]
    with house_style(size.font_pt):
        page = Page(ask.size, page_rows, words=_foot(every, ask), axes=axes)
        for name, (_, _, numbers) in found.items():
            draw_panel(page.axes[name], numbers, page.scale, page.small, "log")
            if axes is None:
                _write_key(page, page.axes[name], keys[name])
    tables = [numbers.data().assign(panel=name) for name, (_, _, numbers) in found.items()]
    tables += [compared(numbers, ask).assign(panel=name) for name, (_, _, numbers) in found.items()]
    return page.drawn(pd.concat(tables, ignore_index=True))


def _parts(store: "Store", ask: Ask) -> Iterator[tuple[str, Part, str]]:
    """Yields what there is in a store: the panel's name, what is drawn in it, its title."""
    there = ask.networks(store, ["system.kind", "network.kind"], [f"\"system.kind\" <> '{KIND}'"])
    kinds = there[["system.kind", "network.kind"]].drop_duplicates()
    kinds = kinds.sort_values(["system.kind", "network.kind"], na_position="last")
    for system, network in kinds.astype(object).itertuples(index=False):
        title = group_words(["system.kind"], [system])
        if pd.isna(network):
            known = PARTS.get(system, Part())
            yield system, known, title
        else:
            known = PARTS.get(network, Part(("target.kind",)))
            yield network, known, f"{title}: {group_words(['network.kind'], [network])}"


def _ranked(store: "Store", ask: Ask, score: str, name: str, part: Part) -> Numbers:
    """Returns the numbers of a panel: of networks of a kind or, of that name, of a system without one."""
    conditions = [f'"network.kind" = \'{name}\' OR ("network.kind" IS NULL AND "system.kind" = \'{name}\')']
    by = (ask.by,) if ask.by else part.by or ("system.kind",)
    conditions += [part.where] if part.where else []
    return rank(ask.select(store, score, by, conditions, null_where=NULL), ask)


def _room_mm(ask: Ask) -> float:
    """Returns how wide the words below a panel may be, in the layout's mm."""
    width = SIZES[ask.size].width_mm / SIZES[ask.size].scale
    columns = COLUMNS if width >= 130 else 1
    return (width - 5.0 - 3.0 * (columns - 1)) / columns - 2.0


def _key(part: Part, numbers: Numbers, room_mm: float, font_pt: float) -> list[tuple[Mark | None, list[str]]]:
    """Returns the entries below a panel, each with its lines of words: curves, then what a unit is."""
    scale, small = font_pt / 7.0, font_pt * 6 / 7
    styles = marks([group.null for group in numbers.groups], numbers.numeric)
    one_null = sum(group.null for group in numbers.groups) == 1  # then the foot says which
    entries: list[tuple[Mark | None, list[str]]] = []
    for group, mark in zip(numbers.groups, styles, strict=True):
        label = "null" if group.null and one_null else group.label
        counts = sizes(group).replace(" ", "\u00a0").replace(",\u00a0", ", ")
        entries.append((mark, wrap(f"{label}: {counts}", (room_mm - _SAMPLE) * scale, small)))
    if part.units_are:
        entries.append((None, wrap(part.units_are, room_mm * scale, small)))
    return entries


def _write_key(page: Page, axes: "Axes", entries: Sequence[tuple[Mark | None, list[str]]]) -> None:
    """Writes the entries below an axes, from the left edge of its panel."""
    box = axes.get_position()
    left, top = box.x0 * page.width - _LEFT, (1.0 - box.y0) * page.height + _X_LABEL
    for mark, lines in entries:
        if mark is not None:
            page.sample(mark, left, top + _LINE / 2, _SAMPLE)
        for words in lines:
            page.write(left + (_SAMPLE if mark is not None else 0.0), top + _LINE / 2, words)
            top += _LINE


def _foot(every: Sequence[Numbers], ask: Ask) -> list[str]:
    """Returns the sentences below the figure."""
    selections = [numbers.selection for numbers in every]
    silent = sum(group.silent for numbers in every for group in numbers.groups if not group.null)
    nulls = dict.fromkeys(group.label for numbers in every for group in numbers.groups if group.null)
    notes = dict.fromkeys(note for selection in selections for note in selection.notes)
    score = selections[0].score
    return [
        f"Fraction of units whose {score_words(score)} is above the value on the axis; line at "
        f"{CRITERIA[score][0]}. Each system on its own number of bins, beside noise scored on as many.",
        f"{'; '.join(nulls).capitalize()}." if nulls else "",
        f"{selections[0].denominators}.",
        f"Silent units ({silent:,}) count as never exceeding.",
        f"Bands: {100 * ask.level:g} %, bootstrap over networks (null: over hands of maps).",
        *notes,
        f"Store\u00a0snapshot\u00a0{selections[0].snapshot_id}.",
    ]


FIGURE = Figure(
    "Every system beside noise",
    systems,
    sweeps=tuple(PARTS),
    folders=("systems",),
    grouped=True,
    whole_store=True,
)
