"""Rows of a table, all of them or those that a condition in SQL picks."""

# Arrow makes its compute functions at run time, where pyright cannot see them.
# pyright: reportAttributeAccessIssue=false

import difflib
import functools
import operator
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from gridsweep.store.errors import QueryError, StoreError
from gridsweep.store.query import quoted, select
from results_schema import TABLES

if TYPE_CHECKING:
    from gridsweep.store.datasets import Datasets

# A condition streams through DuckDB, which then needs memory for its own work but not for the answer.
_MEMORY_LIMIT_MB = 2048


def read_table(
    datasets: "Datasets", name: str, columns: Sequence[str] | None = None, where: str | None = None
) -> pa.Table:
    """Returns rows of a table with the types of the contract, in the order of plans and cohorts.

    Args:
        datasets: the store's.
        name: the table.
        columns: the columns wanted, and nothing else is read from disk; None for all.
        where: an SQL condition, such as ``"target.kind" = 'gaussian' AND bins = 44``.
    """
    if name not in TABLES:
        raise StoreError(f"there is no table {name!r}; there are {', '.join(TABLES)}")
    read_schema = datasets.schema(name)
    if columns is not None:
        read_schema = _select(read_schema, name, columns)
    if where is None:
        try:
            return datasets.get(name).to_table(columns=read_schema.names).cast(read_schema)
        except (OSError, pa.ArrowException) as error:
            datasets.raise_damage(name)
            raise StoreError(f"reading {name}: {error}") from error
    chosen = ", ".join(map(quoted, read_schema.names))
    # The line ends keep a comment in the condition from swallowing the bracket.
    text = f"SELECT {chosen} FROM {name} WHERE (\n{where}\n)"
    found = select(datasets, None, text, row_limit=None, memory_limit_mb=_MEMORY_LIMIT_MB, timeout_s=None)
    if found.column_names != read_schema.names:
        raise QueryError(f"where: expected one condition, found {where!r}")
    return pa.table([_like(found[field.name], field.type) for field in read_schema], schema=read_schema)


def scan_table(
    datasets: "Datasets", name: str, columns: Sequence[str], near: Mapping[str, Collection[Any]]
) -> Iterator[pa.RecordBatch]:
    """Yields a table's rows piece by piece, in the order of plans and cohorts: memory holds one piece.

    Args:
        datasets: the store's.
        name: the table.
        columns: the columns wanted, in the types of the contract.
        near: for some columns, which values are wanted; None among them is NULL. Parts of files that have
            none of them are skipped. Rows with other values come along from the parts that are read.
    """
    if name not in TABLES:
        raise StoreError(f"there is no table {name!r}; there are {', '.join(TABLES)}")
    names = _select(datasets.schema(name), name, columns).names
    _select(datasets.schema(name), name, list(near))
    wanted = [_is_among(column, values) for column, values in near.items()]
    from gridsweep.store.pruned import PrunedDataset

    try:
        dataset = datasets.get(name)
        if wanted and isinstance(dataset, PrunedDataset):
            dataset = dataset.near(functools.reduce(operator.and_, wanted))
        yield from dataset.to_batches(columns=names)
    except (OSError, pa.ArrowException) as error:
        datasets.raise_damage(name)
        raise StoreError(f"reading {name}: {error}") from error


def _is_among(column: str, values: Collection[Any]) -> pc.Expression:
    field = pc.field(column)
    known = [value for value in values if value is not None]
    found = functools.reduce(operator.or_, (field == value for value in known), pc.scalar(False))
    return found | field.is_null() if len(known) < len(values) else found


def _select(read_schema: pa.Schema, name: str, columns: Sequence[str]) -> pa.Schema:
    for column in columns:
        if column not in read_schema.names:
            near = difflib.get_close_matches(column, read_schema.names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise StoreError(f"{name}: has no column {column!r}{hint}")
    return pa.schema([read_schema.field(column) for column in columns], metadata=read_schema.metadata)


def _like(column: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_dictionary(type_):
        return column.dictionary_encode().cast(type_)
    return column.cast(type_)
