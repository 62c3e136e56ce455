"""A store: a folder that is the only state there is, and the questions one can ask of it."""

import errno
import secrets
import stat
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gridsweep.store import query
from gridsweep.store.datasets import Datasets
from gridsweep.store.errors import StoreDamaged, StoreError, naming
from gridsweep.store.fs import FS, discard, probe, put_if_absent, stage
from gridsweep.store.layout import FOLDERS, FORMAT, Layout
from gridsweep.store.ledger import Ledger, LedgerProblem
from gridsweep.store.plans import PlanFile, Plans
from gridsweep.store.read import read_table, scan_table
from gridsweep.store.s3 import S3FS, is_s3, s3_root
from gridsweep.store.sealed import BrokenSeal, seal, unseal
from gridsweep.store.snapshots import read_snapshot, save_snapshot, snapshot_id
from results_schema import STATUSES

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Store:
    """An open store. Opening reads one small file; each question looks at the ledger as it is then.

    Make one with ``Store.create``, ``Store.open`` or ``Store.open_or_create``.
    """

    store_id: str
    fs: FS
    layout: Layout
    plan_files: Plans
    ledger: Ledger
    datasets: Datasets

    @property
    def path(self) -> Path:
        return self.layout.root

    @classmethod
    def create(cls, path: str | Path, *, fs: FS | None = None) -> "Store":
        """Makes a new store in a folder that is empty or does not exist yet."""
        fs, layout = _place(path, fs)
        with naming(f"{layout.root}: creating a store"):
            if fs.stat(layout.identity) is not None:
                raise StoreError(f"{layout.root}: there is a store already; open it")
            _make(fs, layout)
        return cls.open(path, fs=fs)

    @classmethod
    def open(cls, path: str | Path, *, writable: bool = False, fs: FS | None = None) -> "Store":
        """Opens a store.

        Args:
            path: its folder.
            writable: fail now rather than at the first commit if the store cannot be written.
            fs: the file system, for tests.

        Raises:
            StoreError: no store there, one of a newer format, or one that cannot be written.
        """
        fs, layout = _place(path, fs)
        if fs.local and not layout.root.exists():
            raise StoreError(f"{layout.root}: there is no such folder, so no store")
        with naming(f"{layout.root}: opening the store"):
            store_id = _read_identity(fs, layout)
            for folder in FOLDERS if fs.local else ():
                found = fs.stat(layout.root / folder)
                if found is not None and not stat.S_ISDIR(found.st_mode):
                    raise StoreError(f"{layout.root / folder}: is a link or a file, expected a folder")
        if writable:
            _check_writable(fs, layout)
        ledger = Ledger(fs, layout)
        return cls(store_id, fs, layout, Plans(fs, layout), ledger, Datasets(fs, layout, ledger))

    @classmethod
    def is_there(cls, path: str | Path) -> bool:
        """Whether there is anything where a store would be."""
        if not is_s3(path):
            return Path(path).exists()
        fs, layout = _place(path, None)
        return fs.stat(layout.identity) is not None

    @classmethod
    def open_or_create(cls, path: str | Path, *, fs: FS | None = None) -> "Store":
        """Opens a store for writing, and makes it first if there is none."""
        fs, layout = _place(path, fs)
        with naming(f"{layout.root}: opening the store"):
            if fs.stat(layout.identity) is None:
                _make(fs, layout)
        return cls.open(path, writable=True, fs=fs)

    @property
    def address(self) -> str:
        """What another process opens the store by, whatever folder that is in."""
        return str(self.path.resolve() if self.fs.local else self.path)

    def pinned(self) -> "Store":
        """Returns the store as it is now: its answers no longer change, and agree with each other."""
        plan_files, ledger = Plans(self.fs, self.layout), Ledger(self.fs, self.layout)
        ledger.pin()
        plan_files.pin()
        datasets = Datasets(self.fs, self.layout, ledger)
        datasets.measures.pin()
        return Store(self.store_id, self.fs, self.layout, plan_files, ledger, datasets)

    def at_snapshot(self, snapshot: str) -> "Store":
        """Returns the store as it was when a snapshot was saved, see ``save_snapshot``.

        Raises StoreError when there is no such snapshot, StoreDamaged when some of it was revoked since.
        """
        document = read_snapshot(self, snapshot)
        plan_files, ledger = Plans(self.fs, self.layout), Ledger(self.fs, self.layout)
        datasets = Datasets(self.fs, self.layout, ledger)
        ledger.pin_to(datasets.measures.pin_to(document["cohorts"]))
        plan_files.pin(document["plans"])
        return Store(self.store_id, self.fs, self.layout, plan_files, ledger, datasets)

    def save_snapshot(self) -> str:
        """Writes down what is committed now and returns the snapshot's id: equal ids, equal answers."""
        return save_snapshot(self)

    # Plans

    def add_plan(self, document: Mapping[str, Any], *, after: int | None = None) -> int:
        """Adds a plan and returns its number, see ``Plans.add``."""
        return self.plan_files.add(document, after=after)

    def plans(self) -> list[PlanFile]:
        """Returns all plans by number."""
        return self.plan_files.all()

    def plan(self, number: int) -> PlanFile:
        """Returns one plan."""
        return self.plan_files.get(number)

    # What is committed

    def committed_cohorts(self) -> set[str]:
        """Returns the cohorts that need no more work."""
        return set(self.ledger.entries())

    def committed_run_ids(self, statuses: Collection[str] | None = None) -> set[str]:
        """Returns the runs that ended, or only those that ended in one of these ways."""
        wanted = set(STATUSES if statuses is None else statuses)
        return {run_id for run_id, status in self.ledger.run_statuses().items() if status in wanted}

    def status_counts(self) -> dict[str, dict[str, int]]:
        """Returns for each sweep how many runs are planned, completed, diverged, failed, missing.

        planned = completed + diverged + failed + missing. A run that belongs to two sweeps
        counts in both.
        """
        members: dict[str, set[str]] = {}
        for plan in self._plans_of_entries():
            members.setdefault(plan.sweep, set()).update(plan.members)
        ended = self.ledger.run_statuses()
        counts: dict[str, dict[str, int]] = {}
        for sweep, run_ids in sorted(members.items()):
            found = [ended.get(run_id, "missing") for run_id in run_ids]
            counts[sweep] = {"planned": len(run_ids)} | {
                status: found.count(status) for status in (*STATUSES, "missing")
            }
        return counts

    def missing(self, sweep: str | None = None) -> dict[str, list[str]]:
        """Returns the run ids without a row, by sweep: planned, and neither completed, diverged nor failed.

        Sweeps of which nothing is missing are left out, so an empty answer means that all is there.

        Args:
            sweep: look at this one only.
        """
        ended = self.ledger.run_statuses()
        missing: dict[str, dict[str, None]] = {}
        for plan in self._plans_of_entries():
            if sweep in (None, plan.sweep):
                found = (run_id for run_id in plan.members if run_id not in ended)
                missing.setdefault(plan.sweep, {}).update(dict.fromkeys(found))
        return {name: list(run_ids) for name, run_ids in sorted(missing.items()) if run_ids}

    def environments(self) -> dict[str, int]:
        """Returns how many completed or diverged runs were made under which ``env_id``, the most first.

        Bits are promised equal within one environment only. Entries that do not say theirs are left out.
        """
        made: Counter[str] = Counter()
        for entry in self.ledger.entries().values():
            env_id = entry.provenance.get("env_id")
            if isinstance(env_id, str):
                made[env_id] += sum(entry.status(run_id) != "failed" for run_id in entry.runs)
        return {env_id: runs for env_id, runs in made.most_common() if runs}

    def _plans_of_entries(self) -> list[PlanFile]:
        """Returns all plans. Raises StoreDamaged when an entry names one that is gone: no count is right."""
        plans = self.plans()
        known = {plan.number for plan in plans}
        for entry in self.ledger.entries().values():
            if entry.plan not in known:
                raise StoreDamaged(
                    f"{self.layout.plan(entry.plan)}: is missing, and cohort {entry.cohort_id} is of that "
                    "plan; put it back from a copy of the store"
                )
        return plans

    def snapshot_id(self) -> str:
        """Returns 16 hex digits that name what is committed now: equal ids, equal answers."""
        entries = self.datasets.measures.entries()
        return snapshot_id({cohort_id: entry.seal for cohort_id, entry in entries.items()})

    def problems(self) -> tuple[LedgerProblem, ...]:
        """Returns the ledger entries that answers leave out because they cannot be read."""
        return self.ledger.problems()

    # Reading

    def table(self, name: str, columns: Sequence[str] | None = None, where: str | None = None) -> pa.Table:
        """Returns rows of a table as Arrow, see ``read_table``."""
        return read_table(self.datasets, name, columns, where)

    def scan(
        self, name: str, columns: Sequence[str], near: Mapping[str, Collection[Any]] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yields rows of a table piece by piece, see ``scan_table``: for what is larger than memory."""
        return scan_table(self.datasets, name, columns, near or {})

    def columns(self, name: str) -> list[str]:
        """Returns the names of a table's columns; for ``runs`` with those of the configuration."""
        return self.datasets.schema(name).names

    def runs(self, columns: Sequence[str] | None = None, where: str | None = None) -> "pd.DataFrame":
        """Returns runs with their configuration and metrics."""
        return self.table("runs", columns, where).to_pandas()

    def evaluations(self, columns: Sequence[str] | None = None, where: str | None = None) -> "pd.DataFrame":
        """Returns the metrics of every evaluation of every run."""
        return self.table("evaluations", columns, where).to_pandas()

    def units(self, columns: Sequence[str] | None = None, where: str | None = None) -> "pd.DataFrame":
        """Returns units with their grid scores and the settings that figures filter by."""
        return self.table("units", columns, where).to_pandas()

    def history(self, columns: Sequence[str] | None = None, where: str | None = None) -> "pd.DataFrame":
        """Returns what was logged during training."""
        return self.table("history", columns, where).to_pandas()

    def rate_maps(self, columns: Sequence[str] | None = None, where: str | None = None) -> "pd.DataFrame":
        """Returns stored rate maps, each a flat array of bins x bins."""
        return self.table("rate_maps", columns, where).to_pandas()

    def sql(
        self,
        text: str,
        *,
        row_limit: int | None = query.ROW_LIMIT,
        memory_limit_mb: int = query.MEMORY_LIMIT_MB,
        timeout_s: float | None = query.TIMEOUT_S,
    ) -> pa.Table:
        """Returns the rows of one SELECT over the tables and ``members``, see ``query.select``."""
        return query.select(
            self.datasets,
            self._members,
            text,
            row_limit=row_limit,
            memory_limit_mb=memory_limit_mb,
            timeout_s=timeout_s,
        )

    def _members(self) -> pa.Table:
        rows = [(plan.sweep, plan.number, run_id) for plan in self.plans() for run_id in plan.members]
        sweeps, numbers, run_ids = zip(*rows, strict=True) if rows else ((), (), ())
        return pa.table(
            {
                "sweep": pa.array(sweeps, pa.string()),
                "plan": pa.array(numbers, pa.int32()),
                "run_id": pa.array(run_ids, pa.string()),
            }
        )


def _place(path: str | Path, fs: FS | None) -> tuple[FS, Layout]:
    """Returns where a store is: a folder, or ``s3://bucket/prefix``."""
    if is_s3(path):
        root = s3_root(path)
        return fs or S3FS(), Layout(root)
    root = Path(path).absolute()
    if root.exists() and not root.is_dir():
        raise StoreError(f"{root}: is a file, a store is a folder")
    return fs or FS(), Layout(root)


def _make(fs: FS, layout: Layout) -> None:
    """Makes the folders and then the identity; if another process does so too, one identity stays."""
    if foreign := set(fs.names(layout.root)) - {*FOLDERS, layout.identity.name}:
        raise StoreError(
            f"{layout.root}: is not a store and not empty (it has {sorted(foreign)[0]}); "
            "a store needs a folder of its own"
        )
    if fs.local:
        layout.root.mkdir(parents=True, exist_ok=True)
    for folder in FOLDERS:
        fs.make_dir(layout.root / folder)
    probe(fs, layout.staging)
    identity = seal({"format": FORMAT, "store_id": secrets.token_hex(8)})
    # Written last: a folder is a store only when all of it is there.
    put_if_absent(fs, layout.staging, layout.identity, identity)


def _read_identity(fs: FS, layout: Layout) -> str:
    if fs.stat(layout.identity) is None:
        raise StoreError(f"{layout.root}: is not a store, it has no STORE.json")
    data = fs.read(layout.identity)
    try:
        identity = unseal(data)
    except BrokenSeal as error:
        raise StoreDamaged(f"{layout.identity}: {error}") from error
    if not isinstance(identity.get("format"), int) or not isinstance(identity.get("store_id"), str):
        raise StoreDamaged(f"{layout.identity}: says neither format nor store id, so it is another file")
    if identity["format"] > FORMAT:
        raise StoreError(
            f"{layout.root}: a store of format {identity['format']}, this reads up to {FORMAT}: "
            "upgrade gridsweep; meanwhile its files can be read by any Parquet reader"
        )
    return identity["store_id"]


def _check_writable(fs: FS, layout: Layout) -> None:
    try:
        for folder in FOLDERS:  # a copy may have lost those that were empty
            fs.make_dir(layout.root / folder)
        discard(fs, stage(fs, layout.staging, b"writable"))
    except OSError as error:
        reason = "is full" if error.errno == errno.ENOSPC else f"cannot be written ({error.strerror})"
        raise StoreError(
            f"{layout.root}: {reason}; opened without writing it can still be read", error.errno
        ) from error
