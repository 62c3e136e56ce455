"""Where everything is in a store, and the only names that are allowed there.

    STORE.json                                   format version and store id
    plans/0001.json                              a sweep, its cohorts, their runs
    runs|evaluations|units|history|rate_maps|weights/<sweep>/<cohort_id>-<sha8>.parquet
    ledger/<cohort_id>.json                      the commit; .r<n>.json after n revocations
    revoked/<cohort_id>.<n>.json                 why the entry before revision n counts no more
    compactions/0001.json compacted/<table>/     the same rows once more, in few sorted files
    measures/<cohort_id>.<n>.json measured/<table>/  a cohort's tables with scores that were added later
    snapshots/<id>.json                          what was committed when a figure was drawn
    leases/ attempts/ checkpoints/ staging/ quarantine/

Paths are built from ids and slugs that were checked here. No path is ever taken from a file: a
ledger entry names its data files, but a name that is not the one this module would give is damage.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from gridsweep.store.errors import StoreError
from results_schema import TABLES

FORMAT = 1

FOLDERS = (
    *TABLES,
    *("plans", "ledger", "leases", "attempts", "checkpoints", "staging"),
    *("snapshots", "quarantine", "revoked", "compactions", "compacted", "measures", "measured"),
)

_ID = re.compile(r"[0-9a-f]{8,64}")
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_PLAN_NAME = re.compile(r"(\d{4,9})\.json")
_DATA_NAME = re.compile(r"([0-9a-f]{8,64})-[0-9a-f]{8}\.parquet")
_LEDGER_NAME = re.compile(r"([0-9a-f]{8,64})(?:\.r([1-9]\d{0,8}))?\.json")
_REVOKED_NAME = re.compile(r"([0-9a-f]{8,64})\.([1-9]\d{0,8})\.json")
_MEASURE_NAME = _REVOKED_NAME
_SNAPSHOT_NAME = re.compile(r"([0-9a-f]{16})\.json")


@dataclass(frozen=True)
class Layout:
    """The names in one store."""

    root: Path

    @property
    def identity(self) -> Path:
        return self.root / "STORE.json"

    @property
    def plans(self) -> Path:
        return self.root / "plans"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger"

    @property
    def leases(self) -> Path:
        return self.root / "leases"

    @property
    def staging(self) -> Path:
        return self.root / "staging"

    @property
    def revoked(self) -> Path:
        return self.root / "revoked"

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots"

    @property
    def compactions(self) -> Path:
        return self.root / "compactions"

    @property
    def measures(self) -> Path:
        return self.root / "measures"

    def plan(self, number: int) -> Path:
        return self.plans / f"{number:04d}.json"

    def compaction(self, number: int) -> Path:
        return self.compactions / f"{number:04d}.json"

    def snapshot(self, snapshot_id: str) -> Path:
        return self.snapshots / f"{check_id(snapshot_id, 'snapshot')}.json"

    def ledger_entry(self, cohort_id: str, revision: int = 0) -> Path:
        return self.ledger / ledger_name(cohort_id, revision)

    def revocation(self, cohort_id: str, revision: int) -> Path:
        return self.revoked / f"{check_id(cohort_id, 'cohort_id')}.{revision}.json"

    def measure(self, cohort_id: str, number: int) -> Path:
        return self.measures / f"{check_id(cohort_id, 'cohort_id')}.{number}.json"

    def folder(self, table: str, sweep: str) -> Path:
        """Returns where a sweep's files of one table are."""
        return self.root / table / check_slug(sweep)


def data_file(table: str, sweep: str, cohort_id: str, sha256: str) -> str:
    """Returns a data file's name inside the store.

    A part of the file's own hash is in it, so that two writers of one cohort never meet.
    """
    return f"{table}/{check_slug(sweep)}/{check_id(cohort_id, 'cohort_id')}-{sha256[:8]}.parquet"


def data_cohort(name: str) -> str | None:
    """Returns the cohort in a data file's own name, or None when it is no data file."""
    match = _DATA_NAME.fullmatch(name)
    return match[1] if match else None


def plan_number(name: str) -> int | None:
    """Returns the number in a plan's or compaction's file name, or None when it is neither."""
    match = _PLAN_NAME.fullmatch(name)
    return int(match[1]) if match and name == f"{int(match[1]):04d}.json" else None


def ledger_name(cohort_id: str, revision: int) -> str:
    """Returns the file name of a cohort's entry after so many revocations."""
    return f"{check_id(cohort_id, 'cohort_id')}{f'.r{revision}' if revision else ''}.json"


def ledger_cohort(name: str) -> tuple[str, int] | None:
    """Returns cohort and revision in a ledger entry's file name, or None when it is no entry."""
    match = _LEDGER_NAME.fullmatch(name)
    return (match[1], int(match[2] or 0)) if match else None


def revoked_cohort(name: str) -> tuple[str, int] | None:
    """Returns cohort and revision in a revocation's file name, or None when it is none."""
    match = _REVOKED_NAME.fullmatch(name)
    return (match[1], int(match[2])) if match else None


def snapshot_of(name: str) -> str | None:
    """Returns the id in a snapshot's file name, or None when it is none."""
    match = _SNAPSHOT_NAME.fullmatch(name)
    return match[1] if match else None


def compacted_file(table: str, number: int, part: int, sha256: str) -> str:
    """Returns the name of one file of a compaction inside the store."""
    return f"compacted/{table}/{number:04d}-{part:04d}-{sha256[:8]}.parquet"


def measure_of(name: str) -> tuple[str, int] | None:
    """Returns cohort and number in a measure's file name, or None when it is none."""
    match = _MEASURE_NAME.fullmatch(name)
    return (match[1], int(match[2])) if match else None


def measured_file(table: str, cohort_id: str, sha256: str) -> str:
    """Returns the name of a table of a measure inside the store: not beside the record, whose folders
    anyone may read with a glob."""
    return f"measured/{table}/{check_id(cohort_id, 'cohort_id')}-{sha256[:8]}.parquet"


def check_id(text: object, what: str) -> str:
    """Returns an id, or raises: ids are hex, so that none can leave its folder."""
    if not isinstance(text, str) or not _ID.fullmatch(text):
        raise StoreError(f"{what}: found {_shorten(text)}, expected 8 to 64 lower-case hex digits")
    return text


def check_slug(text: object, what: str = "sweep") -> str:
    """Returns a sweep's name, or raises."""
    if not isinstance(text, str) or not _SLUG.fullmatch(text):
        raise StoreError(
            f"{what}: found {_shorten(text)}, expected a name of a-z, 0-9, _ and -, "
            "at most 64 long, that begins with a letter or digit"
        )
    return text


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
