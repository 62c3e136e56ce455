"""From a lane that has been observed to the rows a store keeps of it."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from gridsweep import scores
from gridsweep.spec import Run, flatten
from gridsweep.systems import Observation, System

PUBLISHED_SAMPLE = 1024  # units scored by the published programs (spec d.4)
BEST_UNITS = 32  # rate maps kept by 60 and by 90 under keep: {rate_maps: best}
FILTER_COLUMNS = (
    "system.kind", "target.kind", "network.kind", "network.activation", "network.units",
    "target.field_width_m", "target.surround_ratio",
)  # fmt: skip


class Rows:
    """Rows by table, collected as columns."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, list[Any]]] = {}

    def add(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Adds rows; a column that a row lacks is None there."""
        columns = self.tables.setdefault(table, {})
        length = len(next(iter(columns.values()), []))
        for row in rows:
            for name in row.keys() - columns.keys():
                columns[name] = [None] * length
            for name, values in columns.items():
                values.append(row.get(name))
            length += 1

    def extend(self, other: "Rows") -> None:
        """Adds all rows of another collection."""
        for table, columns in other.tables.items():
            mine = self.tables.setdefault(table, {})
            before = len(next(iter(mine.values()), []))
            added = len(next(iter(columns.values()), []))
            for name in columns.keys() - mine.keys():
                mine[name] = [None] * before
            for name, values in mine.items():
                values.extend(columns.get(name, [None] * added))

    def set(self, table: str, **constants: Any) -> None:
        """Sets columns to one value in all rows of a table."""
        columns = self.tables.get(table, {})
        length = len(next(iter(columns.values()), []))
        for name, value in constants.items():
            columns[name] = [value] * length


def rows_of_lane(
    run: Run,
    *,
    observation: Observation,
    weights: Any,
    alive: bool,
    diverged_update: int,
    keep: Mapping[str, str],
) -> Rows:
    """Returns the rows of one run: ``runs``, and ``evaluations``, ``units``, ``rate_maps``, ``weights``.

    A lane that diverged leaves its row of ``runs`` and nothing else: it has no score. One that trained to
    the end but blows up where it is looked at, on walks longer than those of training, has diverged too.
    """
    if alive and not _is_finite(observation):
        alive, diverged_update = False, run.system.total_updates
    rows = Rows()
    settings = flatten(run.system)
    row: dict[str, Any] = {"run_id": run.run_id, "seed": settings["system.seed"], **settings}
    row |= {"status": "completed" if alive else "diverged", "reason": None if alive else "non_finite"}
    row["diverged_update"] = None if alive else diverged_update
    if not alive:
        rows.add("runs", [row])
        return rows
    first = run.system.evaluation[0].kind_name()
    found = measure_maps(run.system, observation.maps)
    for (evaluation, bins), maps in sorted(observation.maps.items()):
        measured = found.units[evaluation, bins]
        rows.extend(
            _unit_rows(run, settings, evaluation, bins, np.asarray(maps), measured, keep["rate_maps"])
        )
        if evaluation == first:
            row["units_scored"] = len(maps)
            row["silent_units"] = int(np.count_nonzero(measured["silent"]))
    evaluations = [
        {"run_id": run.run_id, "evaluation": name, **_metrics(observation, name), **found.networks[name]}
        for name in observation.metrics
    ]
    rows.add("evaluations", evaluations)
    row |= next(line for line in evaluations if line["evaluation"] == first)
    rows.add("runs", [row])
    if keep["weights"] == "final":
        rows.add("weights", _weight_rows(run, weights))
    return rows


class Measured(NamedTuple):
    """The scores of all maps of a run; NaN where a map has no such number."""

    units: dict[tuple[str, int], dict[str, np.ndarray]]  # by evaluation and bins
    networks: dict[str, dict[str, Any]]  # by evaluation, of the maps on its first number of bins


def measure_maps(system: System, maps: Mapping[tuple[str, int], Any]) -> Measured:
    """Returns every score of a run's maps, given by evaluation and number of bins."""
    units = {
        place: scores.measure(some, side_m=float(system.map_side_m)) for place, some in sorted(maps.items())
    }
    leading = [(node.kind_name(), node.bins[0]) for node in system.evaluation]
    networks = {place[0]: scores.measure_network(maps[place], units[place]) for place in leading}
    return Measured(units, networks)


def _is_finite(observation: Observation) -> bool:
    """Whether every metric, and every rate in every bin that was visited, is a number."""
    visited = [
        np.asarray(maps)[:, np.asarray(observation.visits[place]) > 0]
        for place, maps in observation.maps.items()
    ]
    metrics = [value for found in observation.metrics.values() for value in found.values()]
    return all(bool(np.all(np.isfinite(values))) for values in [*visited, *metrics])


def _metrics(observation: Observation, evaluation: str) -> dict[str, Any]:
    """Returns the metrics of one evaluation, and the share of bins that were visited."""
    found = {name: float(value) for name, value in observation.metrics[evaluation].items()}
    visits = next(visits for (name, _), visits in sorted(observation.visits.items()) if name == evaluation)
    positions = found.pop("positions", None)
    return found | {
        "positions": None if positions is None else round(positions),
        "occupied_fraction": float(np.mean(visits > 0)),
    }


def _unit_rows(
    run: Run,
    settings: Mapping[str, Any],
    evaluation: str,
    bins: int,
    maps: np.ndarray,
    measured: Mapping[str, np.ndarray],
    keep_maps: str,
) -> Rows:
    units = len(maps)
    rows = Rows()
    constants = {
        "run_id": run.run_id,
        "evaluation": evaluation,
        "bins": bins,
        "seed": settings["system.seed"],
    }
    constants |= {name: settings.get(name) for name in FILTER_COLUMNS}
    columns: dict[str, list[Any]] = {name: [value] * units for name, value in constants.items()}
    columns |= {"unit": list(range(units)), "in_published_sample": list(_published_sample(run, units))}
    columns |= {name: with_nulls(name, values) for name, values in measured.items()}
    rows.tables["units"] = columns
    kept = _units_kept(measured, keep_maps)
    rows.tables["rate_maps"] = {
        "run_id": [run.run_id] * len(kept),
        "evaluation": [evaluation] * len(kept),
        "bins": [bins] * len(kept),
        "unit": list(kept),
        "map": [maps[unit].reshape(-1) for unit in kept],
    }
    return rows


def with_nulls(column: str, values: np.ndarray) -> list[Any]:
    """Returns a column of scores with None where a map has no such number."""
    if column not in scores.nullable_columns():
        return list(values)
    return [None if missing else value for value, missing in zip(values, np.isnan(values), strict=True)]


def _units_kept(measured: Mapping[str, np.ndarray], keep: str) -> np.ndarray:
    units = len(measured["grid_score_60"])
    if keep == "all":
        return np.arange(units)
    if keep == "none":
        return np.arange(0)
    best = [
        np.argsort(-measured[name], kind="stable")[:BEST_UNITS] for name in ("grid_score_60", "grid_score_90")
    ]
    return np.unique(np.concatenate(best))


def _published_sample(run: Run, units: int) -> np.ndarray:
    """Returns which units a seeded draw of 1,024 without replacement takes."""
    chosen = np.zeros(units, dtype=bool)
    rng = np.random.default_rng(int(run.system.evaluation_seed))
    chosen[rng.permutation(units)[:PUBLISHED_SAMPLE]] = True
    return chosen


def _weight_rows(run: Run, weights: Any) -> list[dict[str, Any]]:
    leaves, _ = jax.tree.flatten_with_path(weights)
    return [
        {
            "run_id": run.run_id,
            "name": jax.tree_util.keystr(path, simple=True, separator="."),
            "shape": list(leaf.shape),
            "values": np.asarray(leaf, np.float32).reshape(-1),
        }
        for path, leaf in leaves
    ]
