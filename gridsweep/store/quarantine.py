"""Setting damage aside: the entry is revoked, its files are kept by name, the cohort is redone.

First a file ``revoked/<cohort_id>.<n>.json`` is put down. From that moment the cohort counts as not
committed for everybody, and its next entry will be ``ledger/<cohort_id>.r<n>.json``; so a process that
ends anywhere in between leaves a store that is right. Then the entry and the data files it named move to
``quarantine/``, where a person may look at them. Nothing is deleted.
"""

import datetime
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gridsweep.store.claims import maintenance
from gridsweep.store.errors import StoreError
from gridsweep.store.fs import put_if_absent
from gridsweep.store.layout import data_cohort, ledger_name
from gridsweep.store.ledger import LedgerEntry
from gridsweep.store.parquet import read_bytes
from gridsweep.store.sealed import BrokenSeal, digest, seal, unseal
from results_schema import TABLES

if TYPE_CHECKING:
    from gridsweep.store.store import Store


def revoke(
    store: "Store",
    cohort_id: str,
    revision: int,
    *,
    entry: LedgerEntry | None,
    runs: Sequence[str],
    found: Sequence[dict[str, Any]],
) -> int:
    """Takes a cohort's entry back, so that the cohort is done once more. Returns the new revision.

    Args:
        store: the store; the caller holds the store-wide lease.
        cohort_id: the cohort.
        revision: the revision whose entry is damaged.
        entry: that entry, if it can be read.
        runs: the runs that are to be done again.
        found: what is wrong, each with file, found and right.
    """
    files = [file.file for file in entry.tables.values()] if entry else unnamed_files(store, cohort_id)
    document = {
        "cohort_id": cohort_id,
        "revision": revision + 1,
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "reason": [dict(line) for line in found],
        "runs": list(runs),
        "micro_batch": _micro_batch(store, entry),
        "committed": {file.file: file.sha256 for file in entry.tables.values()} if entry else {},
        "found": {file: _digest_of(store, file) for file in files},
    }
    store.fs.make_dir(store.layout.revoked)
    put_if_absent(
        store.fs, store.layout.staging, store.layout.revocation(cohort_id, revision + 1), seal(document)
    )
    set_aside(store, [f"ledger/{ledger_name(cohort_id, revision)}", *files])
    return revision + 1


def take_back(store: "Store", where: str, why: str) -> dict[str, tuple[str, ...]]:
    """Revokes the cohorts of runs that a person no longer believes. Returns the runs to redo, by cohort.

    Args:
        store: the store.
        where: an SQL condition over the columns of ``runs``; a cohort is taken back whole.
        why: goes into the revocation.

    Raises:
        StoreBusy: another process repairs or compacts.
        QueryError: the condition is none.
    """
    with maintenance(store, "take cohorts back") as lease:
        taken = {}
        for cohort_id in chosen_cohorts(store, where):
            entry = store.ledger.entries()[cohort_id]
            found = {"file": entry.name, "found": f"runs where {where}", "right": why}
            revoke(
                store,
                cohort_id,
                store.ledger.revision(cohort_id),
                entry=entry,
                runs=entry.runs,
                found=[found],
            )
            taken[cohort_id] = entry.runs
            lease.heartbeat()
    return taken


def chosen_cohorts(store: "Store", where: str) -> list[str]:
    """Returns the cohorts that hold runs for which an SQL condition holds."""
    found = store.sql(
        f"SELECT DISTINCT cohort_id FROM runs WHERE ({where}) ORDER BY 1", row_limit=None, timeout_s=None
    )
    return found["cohort_id"].to_pylist()


def recorded_micro_batch(store: "Store", cohort_id: str) -> int | None:
    """Returns how many lanes were computed together in the entry that was revoked; None if nobody knows.

    Redone with as many, a cohort gives the very bits it gave before.
    """
    revision = store.ledger.revision(cohort_id)
    if not revision:
        return None
    try:
        return unseal(store.fs.read(store.layout.revocation(cohort_id, revision)))["micro_batch"]
    except (BrokenSeal, OSError, KeyError):
        return None


def set_aside(store: "Store", files: Iterable[str]) -> list[str]:
    """Moves files into quarantine under their own names, a number added where one is taken."""
    moved = []
    for file in files:
        path = store.layout.root / file
        if store.fs.stat(path) is None:
            continue
        target = _free_name(store, file)
        store.fs.make_dir(store.layout.quarantine)
        store.fs.replace(path, target)
        store.fs.fsync_dir(store.layout.quarantine)
        store.fs.fsync_dir(path.parent)
        moved.append(target.relative_to(store.layout.root).as_posix())
    return moved


def unnamed_files(store: "Store", cohort_id: str) -> list[str]:
    """Returns a cohort's data files by their own names: all there is to go by when the entry is torn."""
    return [
        f"{table}/{sweep}/{name}"
        for table in TABLES
        for sweep in store.fs.names(store.layout.root / table)
        for name in store.fs.names(store.layout.root / table / sweep)
        if data_cohort(name) == cohort_id
    ]


def _free_name(store: "Store", file: str) -> Path:
    name = file.replace("/", ".")
    taken = set(store.fs.names(store.layout.quarantine))
    tries = (name, *(f"{name}.{number}" for number in range(1, len(taken) + 2)))
    return store.layout.quarantine / next(candidate for candidate in tries if candidate not in taken)


def _digest_of(store: "Store", file: str) -> str:
    try:
        return digest(store.fs.read(store.layout.root / file))
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _micro_batch(store: "Store", entry: LedgerEntry | None) -> int | None:
    """Returns the entry's micro-batch, as it says itself or else as its runs do."""
    if entry is None:
        return None
    if isinstance(said := entry.provenance.get("micro_batch"), int):
        return said
    try:
        found = read_bytes(store.fs.read(store.layout.root / entry.tables["runs"].file), ["micro_batch"])
        return found["micro_batch"][0].as_py()
    except (OSError, pa.ArrowException, KeyError, IndexError, StoreError):
        return None
