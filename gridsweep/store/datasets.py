"""The committed files of a table as one Arrow dataset, checked as far as opening them allows.

The ledger says which files there are, so a listing of folders plays no part; where a compaction holds
the rows of many cohorts in few sorted files, those are read instead, and where a measure added scores to
a cohort, its tables. The schema is the contract's and
is stated, never inferred: inferred from whichever file comes first, one odd file could drop or round a
column of all the others without an error. Of each file the size and the end are compared with the
ledger before its first use, and every page's checksum as it is read.
"""

# Arrow makes its compute functions at run time, where pyright cannot see them.
# pyright: reportAttributeAccessIssue=false

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from gridsweep.store.compact import COMPACTED, Compaction, newest_usable
from gridsweep.store.errors import StoreDamaged
from gridsweep.store.fs import FS
from gridsweep.store.layout import Layout
from gridsweep.store.ledger import DataFile, Ledger, LedgerEntry
from gridsweep.store.measures import Measures
from gridsweep.store.parquet import read_bytes
from results_schema import CONFIG_TYPES, VERSION, schema, upgrade

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset

_TYPES = {str(type_): type_ for type_ in CONFIG_TYPES.values()}


class Datasets:
    """A dataset for each table of one store, made anew when the ledger has grown."""

    def __init__(self, fs: FS, layout: Layout, ledger: Ledger) -> None:
        self._fs = fs
        self._layout = layout
        self._ledger = ledger
        self.measures = Measures(fs, layout, ledger)
        self._made: dict[str, tuple[tuple[int, int, int], Dataset]] = {}
        self._compaction: tuple[tuple[int, int, tuple[str, ...]], Compaction | None] | None = None
        self._checked: set[str] = set()

    def schema(self, name: str) -> pa.Schema:
        """Returns a table's schema as it is read: for ``runs`` with the configuration of all cohorts."""
        if name != "runs":
            return schema(name)
        config = {column: _TYPES[type_] for column, (type_, _) in self._ledger.config_columns().items()}
        return schema(name, config)

    def get(self, name: str) -> "Dataset":
        """Returns a table's dataset. Raises StoreDamaged for a file that is not what was committed."""
        self._ledger.refresh()
        compaction = self._compacted()
        number = compaction.number if compaction else 0
        state = (self._ledger.generation, self.measures.generation, number)
        known, dataset = self._made.get(name, (None, None))
        if dataset is None or known != state:
            dataset = self._make(name)
            self._made[name] = (state, dataset)
        else:
            self._check_sizes(name)
        return dataset

    def read_cohort(self, name: str, cohort_id: str) -> pa.Table:
        """Returns one cohort's rows of a table from its own file, in the contract's columns."""
        entry = self.measures.entries()[cohort_id]
        file = entry.tables[name]
        self._check(entry, file)
        try:
            table = self._read(file)
        except (OSError, pa.ArrowException) as error:
            raise _damaged(file, entry, str(error)) from error
        return _conform(upgrade(table, file.version or entry.version), self.schema(name))

    def raise_damage(self, name: str) -> None:
        """Reads a table file by file and raises StoreDamaged naming the first that cannot be read."""
        for entry, file in self._files(name):
            try:
                self._read(file)
            except (OSError, pa.ArrowException) as error:
                raise _damaged(file, entry, str(error)) from error
        for file in self._compacted_files(name):
            try:
                self._read(file)
            except (OSError, pa.ArrowException) as error:
                raise _damaged_copy(file, str(error)) from error

    def _read(self, file: DataFile) -> pa.Table:
        return read_bytes(self._fs.read(self._layout.root / file.file))

    def _make(self, name: str) -> "Dataset":
        import pyarrow.dataset as ds

        from gridsweep.store.pruned import PrunedDataset

        read_schema = self.schema(name)
        current, older = [], []
        for file in self._compacted_files(name):
            self._check_copy(file)
            current.append((self._fs.arrow_path(self._layout.root / file.file), file.bytes))
        for entry, file in self._files(name):
            self._check(entry, file)
            version = file.version or entry.version
            if version == VERSION:
                current.append((self._fs.arrow_path(self._layout.root / file.file), file.bytes))
            else:
                older.append(upgrade(self._read(file), version))
        dataset = PrunedDataset(current, read_schema, self._fs.arrow())
        # A run that counts twice spoils every table; a failed try has rows in this one only.
        superseded = self._ledger.superseded()
        if name != "runs":
            superseded = set()
        if not older and not superseded:
            return dataset
        whole = pa.concat_tables([dataset.to_table(), *(_conform(table, read_schema) for table in older)])
        return ds.dataset(_without(whole, superseded) if superseded else whole)

    def _files(self, name: str) -> list[tuple[LedgerEntry, DataFile]]:
        """Returns the cohorts' own files that are to be read: of cohorts in no compaction."""
        compaction = self._compacted() if name in COMPACTED else None
        copied = compaction.seals.keys() if compaction else ()
        entries = [entry for entry in self.measures.entries().values() if name in entry.tables]
        entries = [entry for entry in entries if entry.cohort_id not in copied]
        entries.sort(key=lambda entry: (entry.plan, entry.cohort_id))
        return [(entry, entry.tables[name]) for entry in entries]

    def _compacted(self) -> "Compaction | None":
        """Returns the compaction to read; looked for again when the ledger or the compactions change."""
        entries = self.measures.entries()
        state = (
            self._ledger.generation,
            self.measures.generation,
            tuple(self._fs.names(self._layout.compactions)),
        )
        if self._compaction is None or self._compaction[0] != state:
            self._compaction = (state, newest_usable(self._fs, self._layout, entries))
        return self._compaction[1]

    def _compacted_files(self, name: str) -> tuple[DataFile, ...]:
        compaction = self._compacted()
        return compaction.files.get(name, ()) if compaction else ()

    def _check_sizes(self, name: str) -> None:
        for file in self._compacted_files(name):
            self._check_copy(file)
        for entry, file in self._files(name):
            self._check_size(entry, file)

    def _check_copy(self, file: DataFile) -> None:
        found = self._fs.stat(self._layout.root / file.file)
        if found is None:
            raise _damaged_copy(file, "is missing")
        if found.st_size != file.bytes:
            raise _damaged_copy(file, f"has {found.st_size} bytes, its entry says {file.bytes}")
        if file.file in self._checked:
            return
        try:
            end = self._fs.read_tail(self._layout.root / file.file, file.footer_bytes)
        except OSError as error:
            raise _damaged_copy(file, error.strerror or str(error)) from error
        if hashlib.sha256(end).hexdigest() != file.footer_sha256:
            raise _damaged_copy(file, "its end is not what was written")
        self._checked.add(file.file)

    def _check_size(self, entry: LedgerEntry, file: DataFile) -> None:
        found = self._fs.stat(self._layout.root / file.file)
        if found is None:
            raise _damaged(file, entry, "is missing")
        if found.st_size != file.bytes:
            raise _damaged(file, entry, f"has {found.st_size} bytes, the ledger says {file.bytes}")

    def _check(self, entry: LedgerEntry, file: DataFile) -> None:
        self._check_size(entry, file)
        if file.file in self._checked:
            return
        try:
            end = self._fs.read_tail(self._layout.root / file.file, file.footer_bytes)
        except OSError as error:
            raise _damaged(file, entry, error.strerror or str(error)) from error
        if hashlib.sha256(end).hexdigest() != file.footer_sha256:
            raise _damaged(file, entry, "its end is not what was committed")
        self._checked.add(file.file)


def _damaged(file: DataFile, entry: LedgerEntry, found: str) -> StoreDamaged:
    return StoreDamaged(
        f"{file.file}: {found}; cohort {entry.cohort_id}, {len(entry.runs)} runs; see `gridsweep verify`"
    )


def _damaged_copy(file: DataFile, found: str) -> StoreDamaged:
    return StoreDamaged(
        f"{file.file}: {found}; it is a copy made by compact, `gridsweep verify --repair` sets it aside"
    )


def _conform(table: pa.Table, read_schema: pa.Schema) -> pa.Table:
    """Returns a table with the columns of a schema, NULL where it has none."""
    columns = [
        table[field.name].cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in read_schema
    ]
    return pa.table(columns, schema=read_schema)


def _without(runs: pa.Table, superseded: Iterable[tuple[str, str]]) -> pa.Table:
    """Returns runs without the given rows of failed tries."""
    dropped = pa.array([f"{cohort_id} {run_id}" for cohort_id, run_id in superseded], pa.string())
    rows = pc.binary_join_element_wise(runs["cohort_id"], runs["run_id"].cast(pa.string()), " ")
    return runs.filter(pc.invert(pc.is_in(rows, value_set=dropped)))
