"""A cohort's tables, built and checked before anything is written.

The worker hands over plain arrays. What leaves here has exactly the columns of the contract, the
runs of the plan and no others, one row for each key, and scores only for runs that completed. All
that is wrong is reported together, since a cohort costs minutes to compute and reaches this once.
"""

# Arrow makes its compute functions at run time, where pyright cannot see them.
# pyright: reportAttributeAccessIssue=false

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from gridsweep.store.columns import (
    ArrayLike,
    ColumnError,
    Columns,
    clean_text,
    config_column,
    fixed_column,
    python_values,
)
from gridsweep.store.errors import StoreError
from results_schema import REASONS, STATUSES, TABLES, Table, is_config_column, schema, stored_schema

# What only a completed run has.
_SCORES = ("position_error_cm", "loss", "penalty")

# Runs that may have rows in a table, by how they ended. A failed run has none beside its row in
# ``runs``: it may be tried again, and then the new rows must not stand next to old ones.
_STATUSES_IN = {
    "history": {"completed", "diverged"},
    "weights": {"completed", "diverged"},
    "evaluations": {"completed"},
    "units": {"completed"},
    "rate_maps": {"completed"},
}


def build_tables(
    cohort_id: str, run_ids: Sequence[str], tables: Mapping[str, Columns]
) -> dict[str, pa.Table]:
    """Returns the cohort's tables as files will hold them.

    ``cohort_id`` is filled in where it is left out, and so are the columns of ``units`` that
    repeat a run's configuration.

    Raises StoreError listing everything that is wrong.
    """
    problems: list[str] = [f"there is no table {name!r}" for name in tables.keys() - TABLES.keys()]
    if not tables.get("runs"):
        raise StoreError(
            f"commit of cohort {cohort_id}: there is no runs table, and it has a row for each run"
        )
    constants = {"cohort_id": [cohort_id] * len(tables["runs"].get("run_id", ()))}
    runs = _build("runs", tables["runs"], constants, problems)
    built = {"runs": runs}
    if runs is not None:
        problems += _check_runs(runs, cohort_id, run_ids)
    for name in TABLES:
        if name != "runs" and runs is not None and _has_rows(tables.get(name, {})):
            built[name] = _build(name, tables[name], _repeated(name, tables[name], runs), problems)
            if built[name] is not None:
                problems += _check_rows(built[name], name, runs)
    if problems:
        count = "" if len(problems) == 1 else f" {len(problems)} problems"
        raise StoreError(f"commit of cohort {cohort_id}:{count}\n  " + "\n  ".join(problems))
    return {name: table for name, table in built.items() if table is not None}


def _has_rows(columns: Columns) -> bool:
    # What has no length is no column, and is refused when the table is built.
    return any(len(values) if hasattr(values, "__len__") else True for values in columns.values())


def _build(name: str, columns: Columns, filled: Columns, problems: list[str]) -> pa.Table | None:
    """Returns one table with every column converted, or None after adding to the problems."""
    before = len(problems)
    table = TABLES[name]
    arrays: dict[str, pa.Array] = {}
    for column, values in {**filled, **columns}.items():
        try:
            if (array := _column(table, column, values)) is not None:
                arrays[column] = array
        except ColumnError as error:
            problems.append(f"{name}.{column}: {error}")
    lengths = Counter(len(array) for array in arrays.values())
    rows = lengths.most_common(1)[0][0] if lengths else 0
    odd = [f"{column} has {len(array)}" for column, array in arrays.items() if len(array) != rows]
    if odd:
        problems.append(f"{name}: most columns have {rows} rows, {_some(odd)}")
    for column, field in table.fields().items():
        if not field.nullable and column not in columns and column not in filled:
            problems.append(f"{name}.{column}: is missing")
    for column in filled.keys() & columns.keys() & arrays.keys():
        if not arrays[column].equals(pa.array(filled[column]).cast(arrays[column].type)):
            problems.append(f"{name}.{column}: is not what the runs table or the plan says")
    if len(problems) > before:
        return None
    config = {column: array.type for column, array in arrays.items() if column not in table.columns}
    stored = stored_schema(schema(name, config))
    missing = pa.nulls(rows)
    return pa.table([arrays.get(field.name, missing).cast(field.type) for field in stored], schema=stored)


def _column(table: Table, column: str, values: ArrayLike) -> pa.Array | None:
    """Returns one column's array; None for configuration that is None in every run."""
    field = table.fields().get(column)
    if field is None:
        if table.has_config and is_config_column(column):
            return config_column(values)
        raise ColumnError("is not a column of this table")
    if column in ("reason", "message"):
        values = [clean_text(text) for text in python_values(values)]
    return fixed_column(field, values)


def _repeated(name: str, columns: Columns, runs: pa.Table) -> Columns:
    """Returns what ``units`` repeats of its runs: for each row, the value of the row's run."""
    if name != "units" or "run_id" not in columns:
        return {}
    try:
        row_of_run = pc.index_in(
            fixed_column(TABLES[name].fields()["run_id"], columns["run_id"]), value_set=runs["run_id"]
        )
    except ColumnError:
        return {}
    repeats = [column for column in TABLES[name].columns if is_config_column(column) or column == "seed"]
    return {
        column: runs[column].combine_chunks().take(row_of_run)
        if column in runs.column_names
        else pa.nulls(len(row_of_run))
        for column in repeats
    }


def _check_runs(runs: pa.Table, cohort_id: str, run_ids: Sequence[str]) -> Iterator[str]:
    found, planned = runs["run_id"].to_pylist(), set(run_ids)
    if twice := sorted({run_id for run_id in found if found.count(run_id) > 1}):
        yield f"runs.run_id: {_some(twice)} more than once"
    if missing := sorted(planned - set(found)):
        yield f"runs.run_id: the plan has {_some(missing)}, which are not here"
    if foreign := sorted(set(found) - planned):
        yield f"runs.run_id: {_some(foreign)} not in the plan's cohort"
    if set(runs["cohort_id"].to_pylist()) - {cohort_id}:
        yield f"runs.cohort_id: found another than {cohort_id}"
    for row in runs.select(["run_id", "status", "reason", *_SCORES]).to_pylist():
        if row["status"] not in STATUSES:
            yield f"runs.status: run {row['run_id']}: found {row['status']!r}, expected {', '.join(STATUSES)}"
        elif row["status"] != "completed":
            if not row["reason"]:
                yield f"runs.reason: run {row['run_id']} {row['status']}, and nothing says why"
            elif row["reason"] not in (known := REASONS[row["status"]]):
                yield (
                    f"runs.reason: run {row['run_id']} {row['status']}: found {row['reason']!r}, "
                    f"expected one of {', '.join(known)}"
                )
            for score in _SCORES:
                if row[score] is not None:
                    found = f"found {row[score]:g}, expected NULL"
                    yield f"runs.{score}: run {row['run_id']} {row['status']}, {found}"


def _check_rows(table: pa.Table, name: str, runs: pa.Table) -> Iterator[str]:
    key = list(TABLES[name].key)
    if (twice := table.num_rows - table.group_by(key, use_threads=False).aggregate([]).num_rows) > 0:
        yield f"{name}: {twice} rows repeat the {', '.join(key)} of another"
    status_of = dict(zip(runs["run_id"].to_pylist(), runs["status"].to_pylist(), strict=True))
    for run_id in pc.unique(table["run_id"]).to_pylist():
        if run_id not in status_of:
            yield f"{name}.run_id: {run_id} not in the runs table"
        elif status_of[run_id] not in _STATUSES_IN[name]:
            yield f"{name}: has rows of run {run_id}, which {status_of[run_id]}"
    if name == "rate_maps":
        bins = pc.cast(table["bins"], pa.int32())
        wrong = pc.not_equal(pc.list_value_length(table["map"]), pc.multiply(bins, bins))
        if count := pc.sum(wrong).as_py():
            yield f"rate_maps.map: {count} maps are not bins x bins long"
    if name == "weights":
        for row, values in zip(
            table.select(["name", "shape"]).to_pylist(), pc.list_value_length(table["values"]), strict=True
        ):
            if _product(row["shape"]) != values.as_py():
                yield f"weights.values: {row['name']} has {values} values for shape {row['shape']}"


def _product(shape: Sequence[int]) -> int:
    product = 1
    for length in shape:
        product *= length
    return product


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
