"""Measures: tables of a committed cohort with scores that did not exist when it was committed.

A score that is added later is NULL for everything stored before. Where maps or weights were kept it can be
taken all the same, and where do its values go, when nothing committed is ever changed? Beside the record:
``measured/<table>/`` holds the cohort's table once more, whole, with the new columns filled in, and a
sealed entry ``measures/<cohort_id>.<n>.json`` names those files, with their hashes, and by its seal the
ledger entry whose rows they are.

The ledger entry stays the record, and its files stay. Readers take a table from the cohort's newest measure
whose ledger entry is the one in force, and what that does not hold from the record. So revoking a cohort
puts its measures out of use at once, losing them loses what can be measured again, and a snapshot goes on
naming what it saw: the seal of a measure stands for its ledger entry as well.

Only the process that holds the store-wide lease adds measures, so two never write the same number.
"""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gridsweep.store.errors import StoreDamaged, StoreError, StoreWarning, naming
from gridsweep.store.fs import FS, discard, publish, put_if_absent, stage
from gridsweep.store.layout import Layout, measure_of, measured_file
from gridsweep.store.ledger import DataFile, Ledger, LedgerEntry
from gridsweep.store.parquet import Encoded, encode
from gridsweep.store.report import Finding
from gridsweep.store.sealed import BrokenSeal, digest, seal, seal_of, unseal
from results_schema import TABLES, VERSION, NewerVersion, check_version, is_config_column

if TYPE_CHECKING:
    from gridsweep.store.store import Store

# The tables that hold scores.
MEASURED = ("runs", "evaluations", "units")


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure as its entry describes it.

    Args:
        cohort_id: whose tables it holds.
        number: from 1; the newest counts.
        of: seal of the ledger entry whose rows they are.
        tables: its files.
        not_measured: runs that could not be measured, and why.
        seal: hash of the entry itself.
    """

    cohort_id: str
    number: int
    of: str
    tables: Mapping[str, DataFile]
    not_measured: Mapping[str, str]
    seal: str

    @property
    def name(self) -> str:
        """Its entry inside the store."""
        return f"measures/{self.cohort_id}.{self.number}.json"

    def over(self, entry: LedgerEntry) -> LedgerEntry:
        """Returns the ledger entry as readers see it: the tables of this measure in place of its own."""
        return replace(entry, tables={**entry.tables, **self.tables}, seal=self.seal)


class Measures:
    """The measures of one store, read incrementally."""

    def __init__(self, fs: FS, layout: Layout, ledger: Ledger) -> None:
        self._fs = fs
        self._layout = layout
        self._ledger = ledger
        self._known: dict[str, Measure | None] = {}  # by file name; None for one that cannot be read
        self._of_cohort: dict[str, list[Measure]] = {}
        self._seen: tuple[int, dict[str, LedgerEntry]] | None = None  # by generation of the ledger
        self._fixed: Mapping[str, str] | None = None  # seal in force of each cohort, once pinned
        self._pinned = False
        self._changes = 0

    @property
    def generation(self) -> int:
        """Changes when there are other measures."""
        self._refresh()
        return self._changes

    def of(self, cohort_id: str) -> Measure | None:
        """Returns the measure of a cohort that readers see, or None."""
        entry = self._ledger.entries().get(cohort_id)
        return self._in_force(entry) if entry is not None else None

    def entries(self) -> Mapping[str, LedgerEntry]:
        """Returns the committed cohorts as readers see them."""
        self._refresh()
        recorded = self._ledger.entries()
        if not self._of_cohort:
            return recorded
        if self._seen is None or self._seen[0] != self._ledger.generation:
            found = dict(recorded)
            for cohort_id in self._of_cohort.keys() & recorded.keys():
                measure = self._in_force(recorded[cohort_id])
                if measure is not None:
                    found[cohort_id] = measure.over(recorded[cohort_id])
            self._seen = (self._ledger.generation, found)
        return self._seen[1]

    def pin(self) -> None:
        """Stays from now on with the measures that there are."""
        self._refresh()
        self._pinned = True

    def pin_to(self, seals: Mapping[str, str]) -> dict[str, str]:
        """Stays with what these seals name, by cohort; returns the seal of each cohort's ledger entry."""
        self._refresh()
        self._pinned, self._fixed, self._seen = True, seals, None
        of = {(known.cohort_id, known.seal): known.of for known in self._known.values() if known}
        return {cohort_id: of.get((cohort_id, found), found) for cohort_id, found in seals.items()}

    def _in_force(self, entry: LedgerEntry) -> Measure | None:
        own = [
            measure
            for measure in self._of_cohort.get(entry.cohort_id, ())
            if measure.of == entry.seal
            and (self._fixed is None or self._fixed.get(entry.cohort_id) == measure.seal)
        ]
        return max(own, key=lambda measure: measure.number, default=None)

    def _refresh(self) -> None:
        if self._pinned:
            return
        with naming("listing the measures"):
            names = [name for name in self._fs.names(self._layout.measures) if measure_of(name)]
        if self._known.keys() == set(names):
            return
        for name in self._known.keys() - set(names):
            del self._known[name]
        for name in names:
            if name in self._known:
                continue
            try:
                self._known[name] = read_measure(self._fs, self._layout, name)
            except StoreDamaged as error:
                self._known[name] = None
                warnings.warn(
                    f"{error}; the scores it added are left out, `gridsweep verify --repair` sets it aside",
                    StoreWarning,
                    stacklevel=2,
                )
        self._of_cohort.clear()
        for measure in self._known.values():
            if measure is not None:
                self._of_cohort.setdefault(measure.cohort_id, []).append(measure)
        self._seen = None
        self._changes += 1


def add_measure(
    store: "Store",
    entry: LedgerEntry,
    tables: Mapping[str, pa.Table],
    *,
    not_measured: Mapping[str, str],
    provenance: Mapping[str, Any],
) -> Measure:
    """Adds a measure of a cohort; the caller holds the store-wide lease.

    Args:
        store: the store.
        entry: the cohort's ledger entry, as the ledger has it.
        tables: whole tables as ``build_tables`` makes them, with the rows of the entry's own.
        not_measured: runs that could not be measured, and why.
        provenance: what JSON can hold about how it was made.
    """
    numbers = [place[1] for name in store.fs.names(store.layout.measures) if (place := measure_of(name))
               and place[0] == entry.cohort_id]  # fmt: skip
    number = max(numbers, default=0) + 1
    with naming(f"measure of cohort {entry.cohort_id}"):
        store.fs.make_dir(store.layout.measures)
        store.fs.make_dir(store.layout.root / "measured")
        files = {}
        for name, table in tables.items():
            if table.num_rows != entry.tables[name].rows:
                raise StoreError(
                    f"measure of cohort {entry.cohort_id}: {name}: found {table.num_rows} rows, "
                    f"expected the {entry.tables[name].rows} of its record"
                )
            files[name] = _publish(store, name, entry.cohort_id, encode(name, table), table.schema)
        document = {
            "version": VERSION,
            "cohort_id": entry.cohort_id,
            "number": number,
            "of": entry.seal,
            "tables": files,
            "not_measured": dict(not_measured),
            "provenance": dict(provenance),
        }
        path = store.layout.measure(entry.cohort_id, number)
        if not put_if_absent(store.fs, store.layout.staging, path, seal(document)):
            raise StoreDamaged(f"{path}: was added by somebody who did not hold the store's lease")
        return read_measure(store.fs, store.layout, path.name)


def read_measure(fs: FS, layout: Layout, name: str) -> Measure:
    """Returns one measure by the name of its entry.

    Raises:
        StoreDamaged: it cannot be read, or is not what its name says.
        StoreError: it was made by a newer version.
    """
    try:
        data = fs.read(layout.measures / name)
        document = unseal(data)
        check_version(document["version"])
        cohort_id, number = document["cohort_id"], document["number"]
        if measure_of(name) != (cohort_id, number):
            raise StoreError(f"is measure {number} of cohort {cohort_id}")
        tables = {
            table: _data_file(table, cohort_id, document["version"], found)
            for table, found in document["tables"].items()
        }
        return Measure(cohort_id, number, document["of"], tables, document["not_measured"], seal_of(data))
    except NewerVersion as error:
        raise StoreError(f"measures/{name}: {error}") from error
    except (BrokenSeal, StoreError, OSError, KeyError, TypeError, AttributeError) as error:
        found = f"has no {error}" if isinstance(error, KeyError) else str(error)
        raise StoreDamaged(f"measures/{name}: {found}") from error


def columns_of(store: "Store", file: DataFile) -> frozenset[str]:
    """Returns the columns that a data file has: fewer than the contract's when it is older."""
    import pyarrow.parquet as pq

    try:
        path = store.fs.arrow_path(store.layout.root / file.file)
        return frozenset(pq.read_schema(path, filesystem=store.fs.arrow()).names)
    except (OSError, pa.ArrowException) as error:
        raise StoreDamaged(f"{file.file}: {error}; see `gridsweep verify`") from error


def check_measures(store: "Store", entries: Mapping[str, LedgerEntry]) -> Iterator[Finding]:
    """Yields what is wrong with measures, and files in ``measured/`` that none of them names.

    Args:
        store: the store.
        entries: the sound entries of the ledger.
    """
    right = "whole; nothing of the record is lost without it, and `gridsweep measure` makes another"
    named: set[str] = set()
    for name in store.fs.names(store.layout.measures):
        file = f"measures/{name}"
        if (place := measure_of(name)) is None:
            yield Finding("stray", file, "is no measure", "only measures here", damage=False)
            continue
        try:
            measure = read_measure(store.fs, store.layout, name)
        except StoreDamaged as error:
            yield Finding("measure", file, str(error), right, place[0])
            continue
        for data in measure.tables.values():
            path = store.layout.root / data.file
            try:
                found = digest(store.fs.read(path)) if store.fs.stat(path) else "nothing there"
            except OSError as error:
                found = f"cannot be read: {error.strerror}"
            if found != data.sha256:
                yield Finding(
                    "measure", file, f"{data.file} is not what was written ({found})", right, place[0]
                )
                break
        else:
            named.update(data.file for data in measure.tables.values())
            entry = entries.get(measure.cohort_id)
            if entry is None or entry.seal != measure.of:
                found, expected = "is of an entry that is no more in force", "of no use: the cohort is redone"
                yield Finding("revoked", file, found, expected, measure.cohort_id, damage=False)
    for table in MEASURED:
        for name in store.fs.names(store.layout.root / "measured" / table):
            if (file := f"measured/{table}/{name}") not in named:
                yield Finding("copy", file, "no measure names it", "a measure cut off", damage=False)


def _publish(store: "Store", table: str, cohort_id: str, file: Encoded, schema: pa.Schema) -> dict[str, Any]:
    name = measured_file(table, cohort_id, file.sha256)
    final = store.layout.root / name
    store.fs.make_dir(final.parent)
    staged = stage(store.fs, store.layout.staging, file.data)
    try:
        # The name is taken when an earlier call was cut off: then with the same bytes.
        if not publish(store.fs, staged, final) and digest(store.fs.read(final)) != file.sha256:
            raise StoreDamaged(f"{name}: is not what its name says; `gridsweep verify --repair` removes it")
    finally:
        discard(store.fs, staged)
    return {
        "file": name,
        "bytes": len(file.data),
        "sha256": file.sha256,
        "rows": file.rows,
        "footer_bytes": file.footer_bytes,
        "footer_sha256": file.footer_sha256,
        "columns": {
            field.name: str(field.type)
            for field in schema
            if table == "runs" and is_config_column(field.name)
        },
    }


def _data_file(table: str, cohort_id: str, version: int, found: Mapping[str, Any]) -> DataFile:
    if table not in TABLES or table not in MEASURED:
        raise StoreError(f"tables: {table!r} is no table that is measured")
    if found["file"] != (right := measured_file(table, cohort_id, found["sha256"])):
        raise StoreError(f"tables.{table}.file: found {found['file']!r}, expected {right!r}")
    return DataFile(
        table=table,
        file=right,
        bytes=found["bytes"],
        sha256=found["sha256"],
        rows=found["rows"],
        footer_bytes=found["footer_bytes"],
        footer_sha256=found["footer_sha256"],
        columns=found["columns"],
        version=version,
    )
