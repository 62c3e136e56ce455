"""What commits that were cut off leave behind, and how it is removed without harming those under way.

A data file that no entry names may be a leftover, or may belong to a commit that writes its
entry this very moment. So only old ones go, and each is moved aside before the ledger is asked
once more; if the entry has come, the file goes back. The committing side does its half: having
written the entry it looks whether its files are still there.
"""

import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gridsweep.store.errors import StoreError
from gridsweep.store.fs import discard, stage
from gridsweep.store.layout import data_cohort
from gridsweep.store.ledger import LedgerEntry, parse_entry
from gridsweep.store.owner import Owner
from gridsweep.store.report import Finding
from results_schema import TABLES

if TYPE_CHECKING:
    from gridsweep.store.store import Store

SAFE_AFTER_S = 3600.0


def find_leftovers(
    store: "Store", entries: Mapping[str, LedgerEntry], broken: set[str], *, repair: bool
) -> Iterator[Finding]:
    """Yields files that nobody names, and removes those that nobody will.

    Args:
        store: the store.
        entries: the sound entries of the ledger.
        broken: cohorts whose entry cannot be read; their data files are kept.
        repair: whether to remove.
    """
    now_s = _file_system_time_s(store) if repair else 0.0
    named = {file.file for entry in entries.values() for file in entry.tables.values()}
    for file in _data_files(store):
        if file in named:
            continue
        if (cohort_id := data_cohort(Path(file).name)) is None:
            yield Finding("stray", file, "is no data file", "only data files here", damage=False)
        elif cohort_id not in broken:
            finding = Finding(
                "orphan", file, "no entry names it", "a commit that was cut off", cohort_id, damage=False
            )
            removed = (
                repair
                and _age_s(store, file, now_s) > SAFE_AFTER_S
                and _remove_orphan(store, file, cohort_id)
            )
            yield replace(finding, removed=removed)
    here = Owner.here()
    for name in store.fs.names(store.layout.staging):
        owner, file = Owner.from_tag(name), f"staging/{name}"
        if (owner.pid, owner.started) == (here.pid, here.started) if owner else False:
            continue
        finding = Finding("staging", file, "was never published", "its writer removes it", damage=False)
        over = owner is not None and owner.is_dead(here)
        if repair and (over or _age_s(store, file, now_s) > SAFE_AFTER_S):
            store.fs.unlink(store.layout.root / file)
            finding = replace(finding, removed=True)
        yield finding


def _data_files(store: "Store") -> Iterator[str]:
    for table in TABLES:
        for sweep in store.fs.names(store.layout.root / table):
            folder = store.layout.root / table / sweep
            known = store.fs.stat(folder)
            if known is not None and stat.S_ISDIR(known.st_mode):
                yield from (f"{table}/{sweep}/{name}" for name in store.fs.names(folder))
            else:
                yield f"{table}/{sweep}"


def _remove_orphan(store: "Store", file: str, cohort_id: str) -> bool:
    """Removes an orphan unless an entry has come to name it; returns whether it is gone."""
    path = store.layout.root / file
    aside = store.layout.staging / f"{Owner.here().tag()}.{secrets.token_hex(6)}.orphan"
    store.fs.replace(path, aside)
    if _names(store, cohort_id, file):
        store.fs.link(aside, path)
        store.fs.fsync_dir(path.parent)
        store.fs.unlink(aside)
        return False
    store.fs.unlink(aside)
    return True


def _names(store: "Store", cohort_id: str, file: str) -> bool:
    """Whether the ledger, asked now, names a file; an entry that cannot be read may do so."""
    path = store.layout.ledger_entry(cohort_id, store.ledger.revision(cohort_id))
    if store.fs.stat(path) is None:
        return False
    try:
        entry = parse_entry(store.fs.read(path), cohort_id)
    except (StoreError, ValueError, KeyError, TypeError, AttributeError):
        return True
    return file in {data.file for data in entry.tables.values()}


def _age_s(store: "Store", file: str, now_s: float) -> float:
    known = store.fs.stat(store.layout.root / file)
    return now_s - known.st_mtime if known is not None else 0.0


def _file_system_time_s(store: "Store") -> float:
    """Returns the time as the disk has it: on a network file system our own clock may be another."""
    probe = stage(store.fs, store.layout.staging, b"time")
    known = store.fs.stat(probe)
    discard(store.fs, probe)
    return known.st_mtime if known is not None else 0.0
