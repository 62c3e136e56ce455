"""Compaction: the rows of thousands of small files once more, in few files sorted by what figures filter by.

Every cohort has files of its own, which is what makes a commit simple; a figure over ten thousand
cohorts then opens ten thousand files. ``compact`` writes the same rows again under
``compacted/<table>/``, in row groups that each hold few settings, so that a filter reads only its own,
and puts an entry ``compactions/<n>.json`` that names those files, with their hashes, and the ledger
entries they hold, with their seals.

A compaction is a copy and never the record: readers use the newest one whose every cohort is in the
ledger with the same seal, and read from the cohorts' own files what it does not hold. Revoking any of
its cohorts therefore puts it out of use at once, and losing it loses nothing.

Maps and weights are left where they are: they are large, and nobody scans them.
"""

# Arrow makes its compute functions at run time, where pyright cannot see them.
# pyright: reportAttributeAccessIssue=false

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gridsweep.store.claims import maintenance
from gridsweep.store.errors import StoreDamaged, naming
from gridsweep.store.fs import FS, discard, publish, put_if_absent, stage
from gridsweep.store.layout import Layout, compacted_file, plan_number
from gridsweep.store.ledger import DataFile, LedgerEntry
from gridsweep.store.parquet import Encoded, encode
from gridsweep.store.report import Finding
from gridsweep.store.sealed import BrokenSeal, digest, seal, unseal
from results_schema import TABLES, VERSION, stored_schema

if TYPE_CHECKING:
    from gridsweep.store.store import Store

COMPACTED = ("runs", "evaluations", "units", "history")
# By what a run's rows are sorted: what figures are about first, the target and its width, then the network.
SORTED_BY = (
    *("system.kind", "target.kind", "target.field_width_m", "target.surround_ratio"),
    *("network.kind", "network.activation", "network.units"),
)
# Rows held in memory at a time; one file each.
_ROWS_PER_FILE = 2_000_000
# Most rows of a row group, and how many one has before the next setting begins another: small enough that a
# filter for one setting reads little else, large enough that a query of everything does not feel them.
_ROWS_PER_GROUP = 64 * 1024
_FEWEST_PER_GROUP = 16 * 1024


@dataclass(frozen=True)
class Compaction:
    """A compaction as its entry describes it.

    Args:
        number: from 1, the newest is used.
        seals: seal of each ledger entry whose rows it holds, by cohort.
        files: its files of each table.
    """

    number: int
    seals: Mapping[str, str]
    files: Mapping[str, tuple[DataFile, ...]]


@dataclass(frozen=True)
class Compacted:
    """What a call of ``compact`` did."""

    number: int
    cohorts: int
    files: int
    rows: int
    bytes: int


def compact(store: "Store", *, rows_per_file: int = _ROWS_PER_FILE) -> Compacted | None:
    """Writes a compaction of all that is committed; returns None when the newest one holds it already.

    Raises:
        StoreBusy: another process compacts or repairs.
        StoreDamaged: a file is not what was committed; ``verify --repair`` first.
    """
    with naming("compact"), maintenance(store, "compact it") as lease:
        pinned = store.pinned()
        entries = pinned.datasets.measures.entries()
        newest = newest_usable(store.fs, store.layout, entries)
        if not entries or (newest is not None and newest.seals.keys() == entries.keys()):
            return None
        number = max(_numbers(store.fs, store.layout), default=0) + 1
        runs = pinned.table("runs")
        tables: dict[str, list[dict[str, Any]]] = {}
        for table in COMPACTED:
            store.fs.make_dir(store.layout.root / "compacted")
            store.fs.make_dir(store.layout.root / "compacted" / table)
            tables[table] = []
            for rows, groups in _in_order(pinned, table, runs, rows_per_file):
                encoded = encode(table, rows, groups)
                tables[table].append(_publish(store, table, number, len(tables[table]), encoded))
                lease.heartbeat()
        if lease.lost():
            return None
        document = {
            "version": VERSION,
            "number": number,
            "cohorts": {cohort_id: entry.seal for cohort_id, entry in entries.items()},
            "tables": tables,
        }
        store.fs.make_dir(store.layout.compactions)
        put_if_absent(store.fs, store.layout.staging, store.layout.compaction(number), seal(document))
        _remove_older(store, number)
    files = [file for files in tables.values() for file in files]
    return Compacted(
        number,
        len(entries),
        len(files),
        sum(file["rows"] for file in files),
        sum(file["bytes"] for file in files),
    )


def newest_usable(fs: FS, layout: Layout, entries: Mapping[str, LedgerEntry]) -> Compaction | None:
    """Returns the newest compaction that holds nothing but committed cohorts, or None."""
    for number in sorted(_numbers(fs, layout), reverse=True):
        try:
            compaction = _read(fs, layout, number)
        except StoreDamaged:
            continue  # a copy: the record is elsewhere, and verify names this
        if compaction is not None and all(
            cohort_id in entries and entries[cohort_id].seal == entry_seal
            for cohort_id, entry_seal in compaction.seals.items()
        ):
            return compaction
    return None


def check_compactions(store: "Store") -> Iterator[Finding]:
    """Yields what is wrong with compactions, and their files that no entry names."""
    named: set[str] = set()
    for number in sorted(_numbers(store.fs, store.layout)):
        name = f"compactions/{number:04d}.json"
        right = "a whole copy; nothing is lost without it, and `gridsweep compact` makes another"
        try:
            compaction = _read(store.fs, store.layout, number)
        except StoreDamaged as error:
            yield Finding("compaction", name, str(error), right)
            continue
        if compaction is None:
            continue
        files = [file for files in compaction.files.values() for file in files]
        for file in files:
            path = store.layout.root / file.file
            try:
                found = digest(store.fs.read(path)) if store.fs.stat(path) else "nothing there"
            except OSError as error:
                found = f"cannot be read: {error.strerror}"
            if found != file.sha256:
                yield Finding("compaction", name, f"{file.file} is not what was written ({found})", right)
                break
        else:
            named.update(file.file for file in files)
    for table in COMPACTED:
        for name in store.fs.names(store.layout.root / "compacted" / table):
            if (file := f"compacted/{table}/{name}") not in named:
                yield Finding("copy", file, "no compaction names it", "a compaction cut off", damage=False)


def _in_order(
    store: "Store", table: str, runs: pa.Table, rows_per_file: int
) -> Iterator[tuple[pa.Table, list[int]]]:
    """Yields a table's rows in order of the settings of their runs, so many at a time.

    With them comes how many rows each row group has.
    """
    settings = [name for name in SORTED_BY if name in runs.column_names]
    plain = runs.cast(stored_schema(runs.schema))
    plain = plain.sort_by([(name, "ascending") for name in (*settings, "run_id")])
    places = _places_of_settings(plain, settings)
    if table == "runs":
        yield plain, _groups(np.array([places[run_id] for run_id in plain["run_id"].to_pylist()]))
        return
    cohorts_of: dict[str, list[str]] = {}
    rows_of: dict[str, float] = {}
    for cohort_id, entry in store.datasets.measures.entries().items():
        if table in entry.tables:
            for run_id in entry.runs:
                cohorts_of.setdefault(run_id, []).append(cohort_id)
                rows_of[run_id] = entry.tables[table].rows / len(entry.runs)
    order = [run_id for run_id in plain["run_id"].to_pylist() if run_id in cohorts_of]
    stored = stored_schema(store.datasets.schema(table))
    for chunk in _chunks(order, rows_of, rows_per_file):
        wanted = pa.array(chunk, pa.string())
        parts = []
        for cohort_id in dict.fromkeys(cohort_id for run_id in chunk for cohort_id in cohorts_of[run_id]):
            part = store.datasets.read_cohort(table, cohort_id).cast(stored)
            parts.append(part.filter(pc.is_in(part["run_id"], value_set=wanted)))
        rows = pa.concat_tables(parts)
        settings_of = np.array([places[run_id] for run_id in chunk])
        setting = settings_of[pc.index_in(rows["run_id"], value_set=wanted).to_numpy()]
        yield rows.take(_order(rows, table, wanted, setting)), _groups(np.sort(setting))


def _places_of_settings(runs: pa.Table, settings: list[str]) -> dict[str, int]:
    """Returns for each run the place of its settings among all settings; the runs are sorted by them."""
    places: dict[str, int] = {}
    place, before = -1, None
    for row in runs.select(["run_id", *settings]).to_pylist():
        run_id = row.pop("run_id")
        if row != before:
            place, before = place + 1, row
        places[run_id] = place
    return places


def _chunks(order: list[str], rows_of: Mapping[str, float], rows_per_file: int) -> Iterator[list[str]]:
    chunk, rows = [], 0.0
    for run_id in order:
        if chunk and rows + rows_of[run_id] > rows_per_file:
            yield chunk
            chunk, rows = [], 0.0
        chunk.append(run_id)
        rows += rows_of[run_id]
    if chunk:
        yield chunk


def _groups(settings: np.ndarray) -> list[int]:
    """Returns how many rows each row group has, from the place of each row's setting, ascending.

    A setting of some size has row groups of its own, so that the statistics of those say all about it.
    """
    groups: list[int] = []
    rows = 0
    for of_setting in np.unique_counts(settings).counts.tolist():
        rows += of_setting
        if rows >= _FEWEST_PER_GROUP:
            groups += _pieces(rows)
            rows = 0
    return groups + _pieces(rows)


def _pieces(rows: int) -> list[int]:
    pieces = -(-rows // _ROWS_PER_GROUP)
    return [rows * (piece + 1) // pieces - rows * piece // pieces for piece in range(pieces)]


def _order(rows: pa.Table, table: str, chunk: pa.Array, setting: np.ndarray) -> pa.Array:
    """Returns where each row goes: by settings, then evaluation and size of map, then run and unit.

    Numbers stand for words: comparing seven columns of text two million times takes minutes.
    """
    run = pc.index_in(rows["run_id"], value_set=chunk).to_numpy()
    keys = [setting]
    for name in sorted(TABLES[table].key, key=lambda name: name in ("run_id", "unit", "update")):
        if name == "run_id":
            keys.append(run)
        elif pa.types.is_integer(rows.schema.field(name).type):
            keys.append(rows[name].to_numpy())
        else:
            words = pa.array(sorted(pc.unique(rows[name]).to_pylist()), pa.string())
            keys.append(pc.index_in(rows[name], value_set=words).to_numpy())
    return pa.array(np.lexsort(keys[::-1]))


def _publish(store: "Store", table: str, number: int, part: int, file: Encoded) -> dict[str, Any]:
    name = compacted_file(table, number, part, file.sha256)
    staged = stage(store.fs, store.layout.staging, file.data)
    try:
        # The name is taken when an earlier call was cut off: then with the same bytes.
        if not publish(store.fs, staged, store.layout.root / name) and (
            digest(store.fs.read(store.layout.root / name)) != file.sha256
        ):
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
    }


def _read(fs: FS, layout: Layout, number: int) -> Compaction | None:
    """Returns one compaction; None for one of another version, which is not read and not judged."""
    path = layout.compaction(number)
    try:
        document = unseal(fs.read(path))
        if document["version"] != VERSION:
            return None
        files: dict[str, tuple[DataFile, ...]] = {}
        for table in COMPACTED:
            found = document["tables"].get(table, [])
            files[table] = tuple(_file(table, number, part, line) for part, line in enumerate(found))
        return Compaction(number, document["cohorts"], files)
    except FileNotFoundError:
        return None  # removed by a newer one just now
    except (BrokenSeal, OSError, KeyError, TypeError, AttributeError) as error:
        raise StoreDamaged(f"{path}: {error}") from error


def _file(table: str, number: int, part: int, found: Mapping[str, Any]) -> DataFile:
    if found["file"] != (right := compacted_file(table, number, part, found["sha256"])):
        raise StoreDamaged(f"compaction {number}: found {found['file']!r}, expected {right!r}")
    return DataFile(
        table=table,
        file=right,
        bytes=found["bytes"],
        sha256=found["sha256"],
        rows=found["rows"],
        footer_bytes=found["footer_bytes"],
        footer_sha256=found["footer_sha256"],
        columns={},
    )


def _numbers(fs: FS, layout: Layout) -> list[int]:
    return [number for name in fs.names(layout.compactions) if (number := plan_number(name)) is not None]


def _remove_older(store: "Store", number: int) -> None:
    """Removes compactions before the one before: somebody may still be reading that."""
    for old in _numbers(store.fs, store.layout):
        if old < number - 1:
            store.fs.unlink(store.layout.compaction(old))
    for table in COMPACTED:
        folder = store.layout.root / "compacted" / table
        for name in store.fs.names(folder):
            if name.partition("-")[0].isdigit() and int(name.partition("-")[0]) < number - 1:
                store.fs.unlink(folder / name)
