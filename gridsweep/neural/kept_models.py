"""The networks of a store as models of cells: all maps of each run that kept them all."""

from typing import TYPE_CHECKING

import numpy as np

from gridsweep.neural.comparison import Model
from gridsweep.store import StoreError

if TYPE_CHECKING:
    from gridsweep.store import Store

LABELS = ("system.kind", "target.kind", "network.kind", "network.activation")


def kept_models(
    store: "Store", *, bins: int | None = None, evaluation: str | None = None, where: str | None = None
) -> list[Model]:
    """Returns the completed runs of a store, in its order, named by their kinds and run id.

    Args:
        store: where from.
        bins: which size of maps; may be left out if there is one.
        evaluation: which evaluation; each run's first unless given.
        where: an SQL condition over columns of ``runs``.

    Raises:
        StoreError: no such run, no such size, or a run that kept some maps and not all: the best units of a
            network are no fair model of it.
    """
    condition = "status = 'completed'" + (f" AND (\n{where}\n)" if where else "")
    runs = store.runs(where=condition)
    if runs.empty:
        raise StoreError(f"{store.path}: no completed run{f' where {where}' if where else ''}")
    models, sizes = [], set()
    for run in runs.to_dict("records"):
        run_id, chosen = run["run_id"], evaluation or run["evaluation"]
        kept = store.table("rate_maps", where=f"run_id = '{run_id}' AND evaluation = '{chosen}'").to_pylist()
        there = sorted({int(row["bins"]) for row in kept})
        sizes.update(there)
        if bins is None and len(there) > 1:
            raise StoreError(
                f"{store.path}: run {run_id} has maps of {', '.join(map(str, there))} bins: choose a size"
            )
        wanted = there[0] if bins is None and there else bins or 0
        rows = sorted((row for row in kept if row["bins"] == wanted), key=lambda row: row["unit"])
        units = int(run["units_scored"])
        if rows and len(rows) != units:
            raise StoreError(
                f"{store.path}: run {run_id} kept {len(rows)} of its {units} maps, expected all: a sweep "
                "keeps them with keep: {rate_maps: all}"
            )
        if rows:
            maps = np.array([row["map"] for row in rows], np.float64).reshape(units, wanted, wanted)
            models.append(Model(_name(run), maps))
    if not models:
        found = f"maps of {', '.join(map(str, sorted(sizes)))} bins" if sizes else "no maps"
        asked = f", expected {bins} bins" if bins and sizes else ""
        raise StoreError(f"{store.path}: these runs kept {found}{asked} (keep: {{rate_maps: all}})")
    return models


def _name(run: dict) -> str:
    said = [str(run[label]) for label in LABELS[1:] if isinstance(run.get(label), str)]
    return " ".join([*(said or [str(run[LABELS[0]])]), str(run["run_id"])])
