"""Merging: the cohorts of other stores come home, checked byte by byte, each run once.

A cohort whose runs are new here is copied as it is: the same data files under the same names, and an
entry that differs in the number of its plan alone. Runs that are here already, or failed there, are left;
a cohort of which only some runs are new is taken apart, and those are committed as a cohort of their own,
in a plan that says so. Merging twice, or merging a store into a copy of itself, changes nothing.
"""

# Arrow makes its compute functions at run time, where pyright cannot see them.
# pyright: reportAttributeAccessIssue=false

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from gridsweep.store.commit import Outcome, commit
from gridsweep.store.errors import StoreDamaged, StoreError, naming
from gridsweep.store.fs import discard, publish, stage
from gridsweep.store.ledger import LedgerEntry
from gridsweep.store.parquet import read_bytes
from gridsweep.store.race import COMPARED, Difference, compare_scores
from gridsweep.store.sealed import digest, seal, unseal
from results_schema import TABLES, is_config_column, upgrade

if TYPE_CHECKING:
    from gridsweep.store.store import Store


@dataclass(frozen=True)
class Merged:
    """What came of merging one store.

    Args:
        cohorts: cohorts that were copied whole.
        taken_apart: cohorts of which some runs were copied.
        runs: runs that were copied.
        already: runs that were here before.
        damaged: what of the other store is not what was committed there; it was left.
        differences: scores that the two stores disagree about, by cohort; the ones here stay.
    """

    cohorts: int
    taken_apart: int
    runs: int
    already: int
    damaged: tuple[str, ...]
    differences: dict[str, Difference]


def merge(source: "Store", target: "Store") -> Merged:
    """Brings everything that ``source`` has committed and ``target`` has not into ``target``."""
    if source.store_id == target.store_id and source.path.resolve() == target.path.resolve():
        raise StoreError(f"{source.path}: is the store to merge into")
    plans = {plan.number: target.add_plan(plan.document) for plan in source.plans()}
    cohorts = taken_apart = runs = already = 0
    damaged: list[str] = []
    differences: dict[str, Difference] = {}
    entries = source.ledger.entries()
    # A retry stands in a later plan than what it replaces.
    for entry in sorted(entries.values(), key=lambda entry: (entry.plan, entry.cohort_id)):
        new = _new_runs(source, target, entry)
        already += len(entry.runs) - len(new)
        try:
            data = _checked_files(source, entry)
            if set(new) == set(entry.runs) and target.ledger.get(entry.cohort_id) is None:
                _copy(source, target, entry, plans[entry.plan], data)
                cohorts += 1
            elif new:
                _take_apart(source, target, entry, new, data)
                taken_apart += 1
            elif (difference := _difference(target, entry, data)) is not None:
                differences[entry.cohort_id] = difference
            runs += len(new)
        except StoreDamaged as error:
            damaged.append(f"{source.path}/{error}")
    return Merged(cohorts, taken_apart, runs, already, tuple(damaged), differences)


def _new_runs(source: "Store", target: "Store", entry: LedgerEntry) -> list[str]:
    """Returns which runs of an entry the target lacks, in order of lanes.

    A failed row is brought along only where the target knows nothing of the run.
    """
    here = target.ledger.run_statuses()
    best = source.ledger.run_statuses()
    return [
        run_id
        for run_id in entry.runs
        if (status := entry.status(run_id)) == best[run_id]
        and (run_id not in here or (here[run_id] == "failed" and status != "failed"))
    ]


def _checked_files(source: "Store", entry: LedgerEntry) -> dict[str, bytes]:
    """Returns the bytes of an entry's files. Raises StoreDamaged unless each is what was committed."""
    found = {}
    for name, file in entry.tables.items():
        try:
            found[name] = source.fs.read(source.layout.root / file.file)
        except OSError as error:
            raise StoreDamaged(f"{file.file}: {error.strerror}; cohort {entry.cohort_id}") from error
        if digest(found[name]) != file.sha256:
            raise StoreDamaged(f"{file.file}: is not what was committed; cohort {entry.cohort_id}")
    return found


def _copy(source: "Store", target: "Store", entry: LedgerEntry, plan: int, data: dict[str, bytes]) -> None:
    """Copies a whole cohort: data first, then its entry, as a commit does."""
    document = unseal(source.fs.read(source.layout.root / entry.name))
    document["plan"] = plan
    document["provenance"] |= {"merged_from": source.store_id}
    staged = []
    fs, staging = target.fs, target.layout.staging
    with naming(f"merging cohort {entry.cohort_id}"):
        try:
            for name, file in entry.tables.items():
                final = target.layout.root / file.file
                fs.make_dir(final.parent)
                staged.append(stage(fs, staging, data[name]))
                if not publish(fs, staged[-1], final) and digest(fs.read(final)) != file.sha256:
                    raise StoreError(f"{final}: is not what its name says; `gridsweep verify --repair`")
            revision = target.ledger.revision(entry.cohort_id)
            staged.append(stage(fs, staging, seal(document)))
            publish(fs, staged[-1], target.layout.ledger_entry(entry.cohort_id, revision))
        finally:
            for path in staged:
                discard(fs, path)


def _take_apart(
    source: "Store", target: "Store", entry: LedgerEntry, runs: Sequence[str], data: dict[str, bytes]
) -> None:
    """Commits some runs of a cohort as a cohort of their own."""
    planned = source.plan(entry.plan).document
    cohort = next(cohort for cohort in planned["cohorts"] if cohort["cohort_id"] == entry.cohort_id)
    part: dict[str, Any] = {
        "cohort_id": hashlib.sha256(
            "\n".join(["merged", entry.cohort_id, *sorted(runs)]).encode()
        ).hexdigest()[:16],
        "runs": list(runs),
    }
    if "rows" in cohort:
        rows = dict(zip(cohort["runs"], cohort["rows"], strict=True))
        part["rows"] = [rows[run_id] for run_id in runs]
    kept = {key: value for key, value in planned.items() if key not in ("cohorts", "retires")}
    number = target.add_plan({**kept, "cohorts": [part]})
    wanted = pa.array(runs, pa.string())
    tables = {}
    for name, found in data.items():
        table = upgrade(read_bytes(found), entry.version)
        table = table.filter(pc.is_in(table["run_id"], value_set=wanted))
        # The cohort is another one now; what units repeats of its runs is filled in anew.
        left_out = (
            {"cohort_id"} if name == "runs" else {"seed", *filter(is_config_column, TABLES[name].columns)}
        )
        tables[name] = {column: table[column] for column in table.column_names if column not in left_out}
    outcome = commit(
        target,
        cohort_id=part["cohort_id"],
        sweep=entry.sweep,
        plan=number,
        tables=tables,
        provenance={**entry.provenance, "merged_from": source.store_id},
    )
    assert outcome in (Outcome.COMMITTED, Outcome.ALREADY)


def _difference(target: "Store", entry: LedgerEntry, data: dict[str, bytes]) -> Difference | None:
    """Returns where the scores of a cohort that both stores have disagree, or None."""
    ours = target.ledger.get(entry.cohort_id)
    if ours is None or all(
        ours.tables[name].sha256 == file.sha256 for name, file in entry.tables.items() if name in ours.tables
    ):
        return None
    here = {
        name: read_bytes(target.fs.read(target.layout.root / file.file))
        for name, file in ours.tables.items()
        if name in COMPARED
    }
    there = {name: read_bytes(found) for name, found in data.items() if name in COMPARED}
    return compare_scores(here, there)
