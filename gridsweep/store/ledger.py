"""The ledger: one entry a cohort, and the entry is the commit.

A data file exists for readers when an entry names it, with its size and its hash. Entries never
change, so each is read once; a process that looks again parses only what is new. Readers leave
an entry that does not parse out of every answer, say so, and ``verify`` reports it.

An entry whose files turn out damaged is revoked: a file ``revoked/<cohort_id>.<n>.json`` says so, and
from then on only ``ledger/<cohort_id>.r<n>.json`` counts. Neither is ever changed or taken back.
"""

import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gridsweep.store.errors import StoreDamaged, StoreError, StoreWarning, naming
from gridsweep.store.fs import FS
from gridsweep.store.layout import (
    Layout,
    check_id,
    check_slug,
    data_file,
    ledger_cohort,
    ledger_name,
    revoked_cohort,
)
from gridsweep.store.sealed import BrokenSeal, seal_of, unseal
from results_schema import CONFIG_TYPES, STATUSES, TABLES, NewerVersion, check_version

CONFIG_TYPE_NAMES = frozenset(map(str, CONFIG_TYPES.values()))
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file as its entry describes it.

    Args:
        table: the table it is a part of.
        file: its name inside the store.
        bytes: its size.
        sha256: of the whole file.
        rows: rows in it.
        footer_bytes: size of its end, where Parquet keeps what its checksums do not cover.
        footer_sha256: of that end.
        columns: Arrow type of each configuration column, by name.
        version: of the contract it was written by; None for that of its entry.
    """

    table: str
    file: str
    bytes: int
    sha256: str
    rows: int
    footer_bytes: int
    footer_sha256: str
    columns: Mapping[str, str]
    version: int | None = None


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A committed cohort.

    Args:
        not_completed: status of each run that did not complete.
        seal: hash of the entry itself.
        revision: how often the cohort was revoked before.
    """

    cohort_id: str
    version: int
    sweep: str
    plan: int
    runs: tuple[str, ...]
    not_completed: Mapping[str, str]
    tables: Mapping[str, DataFile]
    provenance: Mapping[str, Any]
    seal: str
    revision: int = 0

    @property
    def name(self) -> str:
        """The entry's own file inside the store."""
        return f"ledger/{ledger_name(self.cohort_id, self.revision)}"

    def status(self, run_id: str) -> str:
        """Returns how a run of this cohort ended."""
        return self.not_completed.get(run_id, "completed")


@dataclass(frozen=True)
class LedgerProblem:
    """An entry that readers leave out."""

    name: str
    found: str


class Ledger:
    """The ledger of one store, read incrementally."""

    def __init__(self, fs: FS, layout: Layout) -> None:
        self._fs = fs
        self._layout = layout
        self._entries: dict[str, LedgerEntry] = {}
        self._problems: dict[str, LedgerProblem] = {}
        self._cohorts_of: dict[str, list[str]] = {}
        self._config_columns: dict[str, tuple[str, str]] = {}
        self._type_conflicts: list[str] = []
        self._pinned = False
        self._listing: tuple[list[str], list[str]] | None = None
        self.generation = 0

    def entries(self) -> Mapping[str, LedgerEntry]:
        """Returns the committed cohorts by id."""
        self.refresh()
        return self._entries

    def get(self, cohort_id: str) -> LedgerEntry | None:
        """Returns one cohort's entry, looking at that file alone; None when it is not committed."""
        if self._pinned:
            return self._entries.get(cohort_id)
        revision, known = self.revision(cohort_id), self._entries.get(cohort_id)
        if known is not None and known.revision != revision:
            self._remove({cohort_id})
        if cohort_id not in self._entries:
            path = self._layout.ledger_entry(cohort_id, revision)
            if self._fs.stat(path) is None:
                return None
            entry = self._read(path.name, cohort_id, revision)
            if isinstance(entry, LedgerProblem):
                raise StoreDamaged(f"{path}: {entry.found}; `gridsweep verify --repair` sets it aside")
            self._add(entry)
        return self._entries.get(cohort_id)

    def revision(self, cohort_id: str) -> int:
        """Returns how often a cohort has been revoked."""
        return self._revisions(self._revoked_names()).get(cohort_id, 0)

    def problems(self) -> tuple[LedgerProblem, ...]:
        """Returns the entries that are left out of answers."""
        self.refresh()
        return tuple(self._problems.values())

    def refresh(self) -> None:
        """Reads what is new since the last look."""
        if self._pinned:
            return
        with naming("listing the ledger"):
            names = self._fs.names(self._layout.ledger)
        listing = (names, self._revoked_names())
        # Entries never change: the same names are the same answers. One that cannot be read may be put right.
        if listing == self._listing and not self._problems:
            return
        revisions = self._revisions(listing[1])
        found = (place for place in map(ledger_cohort, names) if place is not None)
        # What stands beside the newest revision was revoked, and counts no more.
        cohorts = {
            cohort_id: revision for cohort_id, revision in found if revision == revisions.get(cohort_id, 0)
        }
        gone = {
            cohort_id
            for cohort_id, entry in self._entries.items()
            if cohorts.get(cohort_id, -1) != entry.revision
        }
        if gone:
            self._remove(gone)
        names = {ledger_name(cohort_id, revision) for cohort_id, revision in cohorts.items()}
        for name in self._problems.keys() - names:
            del self._problems[name]
        for cohort_id, revision in cohorts.items():
            if cohort_id not in self._entries:
                name = ledger_name(cohort_id, revision)
                entry = self._read(name, cohort_id, revision)
                if isinstance(entry, LedgerEntry):
                    self._problems.pop(name, None)
                    self._add(entry)
                elif self._problems.get(name) != entry:
                    self._problems[name] = entry
                    warnings.warn(
                        f"ledger/{name}: {entry.found}; its cohort is left out, see `gridsweep verify`",
                        StoreWarning,
                        stacklevel=2,
                    )
        self._listing = listing

    def pin(self) -> None:
        """Reads the ledger once more and from then on stays with what it has."""
        self.refresh()
        self._pinned = True

    def pin_to(self, seals: Mapping[str, str]) -> None:
        """Stays from now on with the entries of these seals, by cohort, and no others.

        Raises StoreDamaged naming cohorts whose entry is another by now, or gone.
        """
        self.refresh()
        held = {cohort_id: entry.seal for cohort_id, entry in self._entries.items()}
        lost = sorted(cohort_id for cohort_id, seal in seals.items() if held.get(cohort_id) != seal)
        if lost:
            shown = ", ".join(lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
            raise StoreDamaged(
                f"{len(lost)} cohorts are not any more what the snapshot saw: {shown}; revoked/ says why"
            )
        if others := self._entries.keys() - seals.keys():
            self._remove(set(others))
        self._pinned = True

    def run_statuses(self) -> dict[str, str]:
        """Returns how each committed run ended; a failed row gives way to a later one that did not fail."""
        statuses: dict[str, str] = {}
        for entry in self.entries().values():
            for run_id in entry.runs:
                if statuses.get(run_id) in (None, "failed"):
                    statuses[run_id] = entry.status(run_id)
        return statuses

    def committed_elsewhere(self, run_ids: Iterable[str], cohort_id: str) -> dict[str, str]:
        """Returns which of the runs another cohort has committed and did not fail, with that cohort."""
        self.refresh()
        return {
            run_id: other
            for run_id in run_ids
            for other in self._cohorts_of.get(run_id, ())
            if other != cohort_id and self._entries[other].status(run_id) != "failed"
        }

    def superseded(self) -> set[tuple[str, str]]:
        """Returns (cohort, run) of failed rows that a retry replaced.

        Raises StoreDamaged when two rows of one run did not fail: each would be counted.
        """
        replaced: set[tuple[str, str]] = set()
        for run_id, cohorts in self._cohorts_of.items():
            if len(cohorts) == 1:
                continue
            held = [cohort for cohort in cohorts if self._entries[cohort].status(run_id) != "failed"]
            if len(held) > 1:
                raise StoreDamaged(
                    f"run {run_id}: committed by cohorts {' and '.join(sorted(held))}, "
                    "it must be in one; see `gridsweep verify`"
                )
            kept = held[0] if held else max(cohorts, key=lambda cohort: (self._entries[cohort].plan, cohort))
            replaced |= {(cohort, run_id) for cohort in cohorts if cohort != kept}
        return replaced

    def config_columns(self) -> Mapping[str, tuple[str, str]]:
        """Returns the type of each configuration column, and a cohort that has it.

        Raises StoreDamaged when two cohorts disagree.
        """
        self.refresh()
        if self._type_conflicts:
            raise StoreDamaged("; ".join(self._type_conflicts) + "; see `gridsweep verify`")
        return self._config_columns

    def _revoked_names(self) -> list[str]:
        with naming("listing the revocations"):
            return self._fs.names(self._layout.revoked)

    @staticmethod
    def _revisions(names: list[str]) -> dict[str, int]:
        revisions: dict[str, int] = {}
        for place in map(revoked_cohort, names):
            if place is not None:
                revisions[place[0]] = max(place[1], revisions.get(place[0], 0))
        return revisions

    def _read(self, name: str, cohort_id: str, revision: int) -> LedgerEntry | LedgerProblem:
        with naming("reading the ledger"):
            data = self._fs.read(self._layout.ledger / name)
        try:
            return parse_entry(data, cohort_id, revision)
        except NewerVersion as error:
            # Sound, but not for this release: leaving it out would pass for an answer.
            raise StoreError(f"ledger/{name}: {error}") from error
        except (BrokenSeal, StoreError, KeyError, TypeError, AttributeError) as error:
            found = f"has no {error}" if isinstance(error, KeyError) else str(error)
            return LedgerProblem(name, found)

    def _add(self, entry: LedgerEntry) -> None:
        self._entries[entry.cohort_id] = entry
        for run_id in entry.runs:
            self._cohorts_of.setdefault(run_id, []).append(entry.cohort_id)
        columns = entry.tables["runs"].columns if "runs" in entry.tables else {}
        for column, type_ in columns.items():
            known, where = self._config_columns.setdefault(column, (type_, entry.cohort_id))
            if known != type_:
                self._type_conflicts.append(
                    f'"{column}" is {known} in cohort {where} and {type_} in cohort {entry.cohort_id}'
                )
        self.generation += 1

    def _remove(self, cohorts: set[str]) -> None:
        kept = [entry for cohort_id, entry in self._entries.items() if cohort_id not in cohorts]
        for cache in (self._entries, self._cohorts_of, self._config_columns, self._type_conflicts):
            cache.clear()
        for entry in kept:
            self._add(entry)
        self.generation += 1


def parse_entry(data: bytes, cohort_id: str, revision: int = 0) -> LedgerEntry:
    """Returns the entry in these bytes; raises when it is torn, altered, or not this cohort's."""
    document = unseal(data)
    check_version(document["version"])
    if document["cohort_id"] != cohort_id:
        raise StoreError(f"is the entry of cohort {document['cohort_id']}, expected {cohort_id}")
    sweep = check_slug(document["sweep"])
    runs = tuple(check_id(run_id, "a run") for run_id in document["runs"])
    not_completed = document["not_completed"]
    if unknown := (not_completed.keys() - set(runs)) | (set(not_completed.values()) - set(STATUSES)):
        raise StoreError(f"statuses: {', '.join(sorted(unknown))} is no run of it, or no status")
    return LedgerEntry(
        cohort_id=cohort_id,
        version=document["version"],
        sweep=sweep,
        plan=document["plan"],
        runs=runs,
        not_completed=not_completed,
        tables={
            name: _data_file(name, sweep, cohort_id, found) for name, found in document["tables"].items()
        },
        provenance=document["provenance"],
        seal=seal_of(data),
        revision=revision,
    )


def _data_file(table: str, sweep: str, cohort_id: str, found: Mapping[str, Any]) -> DataFile:
    if table not in TABLES:
        raise StoreError(f"tables: there is no table {table!r}")
    if not _SHA256.fullmatch(found["sha256"]) or not _SHA256.fullmatch(found["footer_sha256"]):
        raise StoreError(f"tables.{table}: sha256 is not 64 hex digits")
    if unknown := set(found.get("columns", {}).values()) - CONFIG_TYPE_NAMES:
        raise StoreError(f"tables.{table}.columns: there is no type {', '.join(sorted(unknown))}")
    if found["file"] != (right := data_file(table, sweep, cohort_id, found["sha256"])):
        raise StoreError(f"tables.{table}.file: found {found['file']!r}, expected {right!r}")
    return DataFile(
        table=table,
        file=right,
        bytes=found["bytes"],
        sha256=found["sha256"],
        rows=found["rows"],
        footer_bytes=found["footer_bytes"],
        footer_sha256=found["footer_sha256"],
        columns=found.get("columns", {}),
    )
