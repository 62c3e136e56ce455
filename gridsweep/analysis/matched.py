"""The null that suits each group: noise whose autocorrelograms are as wide as those of the networks' units.

Noise that was smoothed more has wider fields, and its scores are others. A store may hold nulls of several
widths; beside a group of networks stands the one that is nearest in width, cut as its units are.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis.frames import Frame
from gridsweep.analysis.null import HALF_WIDTH, match_null
from gridsweep.analysis.selection import Selection, select_units

if TYPE_CHECKING:
    from gridsweep.store import Store

_HEEDED = ("network.activation", "system.pass", "system.threshold")


def select_matched(store: "Store", score: str, by: Any, **asked: Any) -> Selection:
    """Returns what ``select_units`` returns for the same arguments, with those nulls only that suit a group.

    Raises:
        ValueError: as ``select_units``; or the store has no null to match, or no widths to match by.
    """
    store = store.pinned()
    found = select_units(store, score, by, **asked)
    if not found.table["null"].any():
        return found
    widths = select_units(store, HALF_WIDTH, by, **asked)
    known = set(store.columns("runs"))
    settings = store.runs(columns=["run_id", *(name for name in _HEEDED if name in known)])
    return keep_matched(found, widths.table, settings.astype({"run_id": object}))


def keep_matched(selection: Selection, widths: Frame, settings: Frame) -> Selection:
    """Returns the selection without the nulls that suit none of its groups; a note says which suits which.

    Args:
        selection: units with their scores, and every null.
        widths: the same units with autocorrelogram_half_width_m.
        settings: a row a run: run_id, and network.activation, system.pass, system.threshold as far as known.
    """
    if widths[HALF_WIDTH].isna().all():
        raise ValueError(
            f"the null cannot be matched: no unit has an {HALF_WIDTH}; `gridsweep measure` adds it where "
            "maps or weights are kept"
        )
    ids = widths["run_id"].cat
    of_runs = settings.set_index("run_id").reindex(ids.categories)
    said = {name: of_runs[name].to_numpy(object)[ids.codes.to_numpy()] for name in of_runs}
    is_null = widths["null"].to_numpy(bool)
    both = widths[["group", "run_id", HALF_WIDTH]].assign(**said)
    matched = match_null(both[~is_null], both[is_null], by=("group",))
    kept = set(matched["null"].dropna())
    if not kept:
        raise ValueError("the null cannot be matched: no noise is cut as the units of these networks are")
    table, groups = selection.table, selection.groups
    stays = ~table["null"].to_numpy(bool) | table["group"].isin(kept).to_numpy()
    table = table[stays].reset_index(drop=True)
    names = [name for name in table["group"].cat.categories if name in kept or name in set(matched["group"])]
    table["group"] = table["group"].cat.set_categories(names, ordered=True)
    return replace(
        selection,
        table=table,
        groups=groups[~groups["null"] | groups["group"].isin(kept)].reset_index(drop=True),
        notes=(*selection.notes, _in_words(matched)),
    )


def _in_words(matched: Frame) -> str:
    lines = []
    for row in matched.itertuples():
        name = str(row.null).removeprefix("null: ")
        width = "no width" if np.isnan(row.half_width_m) else f"{row.half_width_m:.2g} m"
        noise = "none" if np.isnan(row.null_half_width_m) else f"{name} ({row.null_half_width_m:.2g} m)"
        lines.append(f"{row.group} ({width}): {noise}")
    return f"Null matched by the half width of autocorrelograms: {'; '.join(lines)}."
