"""Scores that did not exist when a run was trained, taken of what was kept of it.

A run can be measured again when its sweep kept all its rate maps (``keep: {rate_maps: all}``), which are
scored as they are, or its weights (``keep: {weights: final}``), with which it is observed anew; noise needs
neither. Of any other run too little is left, and it is named with the reason.

What is NULL is filled in and nothing else is changed, unless everything is asked for again. The values are
stored beside the record, see ``gridsweep.store.measures``.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gridsweep import scores
from gridsweep.kept import load_run
from gridsweep.spec import Run, SweepError, make_sweep
from gridsweep.store import Store, StoreDamaged, StoreError
from gridsweep.store.claims import maintenance
from gridsweep.store.ledger import LedgerEntry
from gridsweep.store.measures import MEASURED, add_measure, columns_of
from gridsweep.store.rows import build_tables
from gridsweep.train.provenance import provenance
from gridsweep.train.rows import Measured, measure_maps, with_nulls
from results_schema import TABLES, is_config_column

NOT_ASKED = "was not asked for"

# Maps as they were stored score as they did. Observed anew on another device they differ in their last
# digits, and most units score the same; a network that was not this one would not.
SAME_MAPS = 1e-6
SAME_NETWORK = 1e-3


@dataclass
class Measuring:
    """What a call of ``measure_again`` did."""

    cohorts: int = 0
    measured: list[str] = field(default_factory=list)  # runs
    up_to_date: int = 0  # runs that had every score
    left: dict[str, str] = field(default_factory=dict)  # runs that cannot be measured, and why
    columns: set[str] = field(default_factory=set)  # that were filled in somewhere


def measure_again(
    store: Store,
    runs: Collection[str] | None = None,
    *,
    sweep: str | None = None,
    again: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Measuring:
    """Fills in the scores that runs lack.

    Args:
        store: the store, writable.
        runs: run ids; all completed runs when None.
        sweep: only the runs of this sweep.
        again: measure runs that have every score too, and replace what is there.
        progress: is called with a line for each cohort.

    Raises:
        StoreBusy: another process measures, compacts or repairs.
        StoreError: there is no such run or sweep.
    """
    done = Measuring()
    wanted = _wanted(store, runs, sweep)
    with maintenance(store, "measure it") as lease:
        for entry in list(store.ledger.entries().values()):
            completed = [run for run in entry.runs if entry.status(run) == "completed"]
            asked = [run for run in completed if wanted is None or run in wanted]
            pending = asked if again else _pending(store, entry, asked)
            # Those that an earlier call could not measure are named again: nothing has changed for them.
            earlier = {run: reason for run, reason in _left(store, entry).items() if run in asked}
            done.left |= {run: reason for run, reason in earlier.items() if run not in pending}
            done.up_to_date += len(set(asked) - set(pending) - earlier.keys())
            if pending and "units" in entry.tables:
                before = len(done.measured)
                _measure_cohort(store, entry, pending, completed, again, done)
                measured = len(done.measured) - before
                done.cohorts += measured > 0
                if progress is not None:
                    progress(f"cohort {entry.cohort_id}: {measured} of {len(pending)} runs")
            lease.heartbeat()
    return done


def _wanted(store: Store, runs: Collection[str] | None, sweep: str | None) -> set[str] | None:
    if runs is None and sweep is None:
        return None
    committed = store.committed_run_ids()
    wanted = committed if runs is None else set(runs)
    if unknown := sorted(wanted - committed):
        raise StoreError(f"{store.path}: has no run {', '.join(unknown[:3])}; `gridsweep status` lists them")
    if sweep is not None:
        members = {plan.sweep: set() for plan in store.plans()}
        for plan in store.plans():
            members[plan.sweep] |= set(plan.members)
        if sweep not in members:
            known = ", ".join(sorted(members)) or "none"
            raise StoreError(f"{store.path}: has no sweep {sweep!r}; there are {known}")
        wanted &= members[sweep]
    return wanted


def _pending(store: Store, entry: LedgerEntry, asked: Sequence[str]) -> list[str]:
    """Returns which of the runs lack a score that could not be had before, or were left for later."""
    tables = store.datasets.measures.entries()[entry.cohort_id].tables
    if any(set(_measurable(name)) - columns_of(store, tables[name]) for name in MEASURED if name in tables):
        return list(asked)
    left = _left(store, entry)
    return [run for run in asked if left.get(run) == NOT_ASKED]


def _left(store: Store, entry: LedgerEntry) -> Mapping[str, str]:
    """Returns the runs that the cohort's measure leaves out, and why."""
    measure = store.datasets.measures.of(entry.cohort_id)
    return measure.not_measured if measure is not None else {}


def _measurable(table: str) -> tuple[str, ...]:
    """Returns the columns of a table that are scores."""
    return scores.unit_columns() if table == "units" else scores.network_columns()


def _measure_cohort(
    store: Store,
    entry: LedgerEntry,
    pending: Sequence[str],
    completed: Sequence[str],
    again: bool,
    done: Measuring,
) -> None:
    """Measures runs of one cohort and adds a measure, unless none of them can be measured."""
    tables = _Tables(store, entry)
    left = dict(_left(store, entry))
    if store.datasets.measures.of(entry.cohort_id) is None:
        left |= dict.fromkeys(set(completed) - set(pending), NOT_ASKED)
    before = len(done.measured)
    largest_difference = 0.0
    try:
        planned = _planned_runs(store, entry)
    except (StoreError, SweepError, ValueError) as error:
        done.left |= dict.fromkeys(pending, str(error))
        return
    for run in pending:
        try:
            found, difference = _measure_run(store, run, planned[run], tables)
        except StoreDamaged:
            raise
        except (StoreError, SweepError, ValueError) as error:
            left[run] = str(error)
            done.left[run] = str(error)
            continue
        left.pop(run, None)
        largest_difference = max(largest_difference, difference)
        done.columns |= tables.fill(run, found, again)
        done.measured.append(run)
    if len(done.measured) == before:
        return
    add_measure(
        store,
        entry,
        build_tables(entry.cohort_id, entry.runs, tables.columns()),
        not_measured=left,
        provenance={**provenance(), "largest_difference": largest_difference},
    )


class _Tables:
    """The rows of one cohort while scores are filled in."""

    def __init__(self, store: Store, entry: LedgerEntry) -> None:
        self._read = {
            name: store.datasets.read_cohort(name, entry.cohort_id)
            for name in MEASURED
            if name in entry.tables
        }
        self._scores = {
            name: {column: np.array(table[column].to_pylist(), object) for column in _measurable(name)}
            for name, table in self._read.items()
        }
        self._keys = {
            name: {
                column: np.array(table[column].to_pylist(), object)
                for column in ("run_id", "evaluation", "bins", "unit")
                if column in table.column_names
            }
            for name, table in self._read.items()
        }

    def places(self, run: str) -> dict[tuple[str, int], np.ndarray]:
        """Returns the rows of a run's units by evaluation and bins, in the order of units."""
        keys = self._keys["units"]
        rows = np.flatnonzero(keys["run_id"] == run).tolist()
        by_place: dict[tuple[str, int], list[int]] = {}
        for row in rows:
            by_place.setdefault((keys["evaluation"][row], keys["bins"][row]), []).append(row)
        return {
            place: np.array(sorted(some, key=lambda row: keys["unit"][row]))
            for place, some in by_place.items()
        }

    def grid_scores(self, rows: np.ndarray) -> np.ndarray:
        """Returns the stored grid_score_60 of some rows of units; NaN where it is NULL."""
        return self._scores["units"]["grid_score_60"][rows].astype(float)

    def fill(self, run: str, found: Measured, again: bool) -> set[str]:
        """Puts a run's scores where they are NULL, or everywhere; returns the columns that changed."""
        changed: set[str] = set()
        for place, rows in self.places(run).items():
            for column, values in found.units[place].items():
                changed |= self._put("units", column, rows, with_nulls(column, values), again)
        for name in ("evaluations", "runs"):
            if name not in self._keys:
                continue
            for row in np.flatnonzero(self._keys[name]["run_id"] == run):
                network = found.networks[self._keys[name]["evaluation"][row]]
                for column, value in network.items():
                    changed |= self._put(name, column, np.array([row]), [value], again)
        return changed

    def _put(self, name: str, column: str, rows: np.ndarray, values: Sequence[Any], again: bool) -> set[str]:
        stored = self._scores[name][column]
        before = stored[rows]
        empty = np.array([value is None for value in before], bool)
        new = np.empty(len(rows), object)
        new[:] = values
        stored[rows] = np.where(empty | again, new, before)
        some = np.array([value is not None for value in new], bool)
        return {column} if np.any(some & (empty | again)) else set()

    def columns(self) -> dict[str, dict[str, Any]]:
        """Returns the tables as columns; what units repeats of its runs is filled in when they are built."""
        found = {}
        for name, table in self._read.items():
            repeated = {"seed", *filter(is_config_column, TABLES[name].columns)} if name == "units" else set()
            kept = {column: table[column] for column in table.column_names if column not in repeated}
            found[name] = kept | {column: list(values) for column, values in self._scores[name].items()}
        return found


def _planned_runs(store: Store, entry: LedgerEntry) -> dict[str, Run]:
    """Returns a cohort's runs by the ids they were planned under, with their evaluations.

    Another version of gridsweep may give the same settings another id. Their stored maps are theirs all the
    same; of weights it matters, see ``_observed_maps``.
    """
    document = store.plan(entry.plan).document
    cohort = next(cohort for cohort in document["cohorts"] if cohort["cohort_id"] == entry.cohort_id)
    sweep = make_sweep(document["spec"], where=f"plan {entry.plan}", name=document["sweep"])
    return {run: sweep[row] for run, row in zip(cohort["runs"], cohort["rows"], strict=True)}


def _measure_run(store: Store, name: str, run: Run, tables: _Tables) -> tuple[Measured, float]:
    """Returns a run's scores, and by how much its grid scores differ from the stored ones.

    Raises StoreError saying why it cannot be measured.
    """
    places = tables.places(name)
    maps = _kept_maps(store, name, places)
    limit, source = SAME_MAPS, "its stored maps score"
    if maps is None:
        limit, source = SAME_NETWORK, "observed anew it scores"
        maps = _observed_maps(store, name, run)
    if missing := sorted(places.keys() - maps.keys()):
        raise StoreError(f"its evaluations have no maps of {missing[0][1]} bins ({missing[0][0]}) any more")
    found = measure_maps(run.system, maps)
    differences = [
        np.abs(found.units[place]["grid_score_60"] - tables.grid_scores(rows))
        for place, rows in places.items()
    ]
    known = np.concatenate(differences)
    known = known[~np.isnan(known)]
    typical = float(np.median(known)) if len(known) else 0.0
    if typical > limit:
        raise StoreError(f"{source} otherwise than when it was trained, by {typical:.2g} in the median")
    return found, float(known.max(initial=0.0))


def _observed_maps(store: Store, name: str, run: Run) -> dict[tuple[str, int], np.ndarray]:
    """Returns the maps of a run as its weights give them."""
    try:
        kept = load_run(store, name)
    except StoreDamaged:
        raise
    except StoreError as error:
        if "weights were not kept" not in str(error):
            raise
        raise StoreError(
            "neither all its rate maps nor its weights were kept; a sweep keeps them with "
            "keep: {rate_maps: all} or keep: {weights: final}"
        ) from error
    observed = replace(kept, system=replace(kept.system, evaluation=run.system.evaluation)).observe()
    return {place: np.asarray(maps) for place, maps in observed.maps.items()}


def _kept_maps(
    store: Store, run: str, places: Mapping[tuple[str, int], np.ndarray]
) -> dict[tuple[str, int], np.ndarray] | None:
    """Returns the maps of all units of a run, or None when not all were kept."""
    stored = store.table("rate_maps", where=f"run_id = '{run}'")
    if stored.num_rows != sum(map(len, places.values())):
        return None
    found: dict[tuple[str, int], np.ndarray] = {}
    evaluation, bins, unit = (stored[name].to_pylist() for name in ("evaluation", "bins", "unit"))
    maps = stored["map"]
    for (name, size), rows in places.items():
        some = np.full((len(rows), size, size), np.nan, np.float32)
        held = [row for row in range(stored.num_rows) if (evaluation[row], bins[row]) == (name, size)]
        if sorted(unit[row] for row in held) != list(range(len(rows))):
            return None
        for row in held:
            some[unit[row]] = np.asarray(maps[row].values, np.float32).reshape(size, size)
        found[name, size] = some
    return found
