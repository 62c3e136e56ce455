"""SQL over the store: one SELECT, read-only, with limits, on columns that are read as needed.

DuckDB sees Arrow datasets and nothing else. It is started without access to files, network,
extensions or Python's variables, and then locked, so a query cannot read or write anything that
it was not handed; column and row selection are passed on to the datasets.

Members of sweeps are a view beside the tables: members(sweep, plan, run_id), from the plans.
"""

import functools
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from gridsweep.store.errors import QueryError
from results_schema import TABLES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, Statement

    from gridsweep.store.datasets import Datasets

ROW_LIMIT = 100_000
MEMORY_LIMIT_MB = 512
TIMEOUT_S = 10.0
MEMBERS = "members"

_CLOSED = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    # A query that needs more memory fails instead of writing to disk.
    "temp_directory": "",
}
_BATCH_ROWS = 65_536
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_QUOTED_DOTTED = re.compile(r'"[^"]*\.[^"]*"')


def select(
    datasets: "Datasets",
    members: Callable[[], pa.Table] | None,
    text: str,
    *,
    row_limit: int | None = ROW_LIMIT,
    memory_limit_mb: int = MEMORY_LIMIT_MB,
    timeout_s: float | None = TIMEOUT_S,
) -> pa.Table:
    """Returns the rows of one SELECT.

    Args:
        datasets: what the views show.
        members: makes the rows of the view ``members`` for a query that names it; None leaves it out.
        text: the query. Names with a dot are quoted: ``"target.kind"``.
        row_limit: most rows to return; more is an error and never a shorter answer. None: any number.
        memory_limit_mb: most memory that DuckDB may use.
        timeout_s: when to interrupt the query. None: never.

    Raises:
        QueryError: the query was refused, stopped or wrong; says by which rule.
        StoreDamaged: a file it needed is not what was committed.
    """
    import duckdb

    try:
        os.getcwd()
    except FileNotFoundError as error:  # DuckDB would end the whole process with an abort
        raise QueryError("the folder that this process works in is gone; change to another one") from error
    wanted = [name for name in _tables_in(text) if name != MEMBERS or members is not None]
    connection = _database(memory_limit_mb, os.getpid()).cursor()
    try:
        for name in wanted:
            found = members() if name == MEMBERS and members is not None else datasets.get(name)
            connection.register(name, found)
        statement = _one_select(connection, text)
        with _interrupted_after(timeout_s, connection):
            return _fetch(connection, statement, row_limit)
    except QueryError:
        raise
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        for name in wanted:
            if name != MEMBERS and _is_about_reading(error):
                datasets.raise_damage(name)
        limits = {"memory": f"{memory_limit_mb} MB", "time": f"{timeout_s} s"}
        raise QueryError(_explain(error, text, datasets, limits)) from error
    finally:
        connection.close()


@functools.lru_cache(maxsize=8)
def _database(memory_limit_mb: int, process: int) -> "DuckDBPyConnection":
    """Returns the empty, locked database that queries have their connections to; starting one takes 14 ms.

    Views are a connection's own and go with it. A forked process starts its own: threads are not inherited.
    """
    import duckdb

    del process
    database = duckdb.connect(":memory:", config={**_CLOSED, "memory_limit": f"{memory_limit_mb}MB"})
    database.execute("SET lock_configuration=true")
    return database


def _one_select(connection: "DuckDBPyConnection", text: str) -> "Statement":
    """Returns the text's only statement. Raises QueryError unless it is a SELECT."""
    import duckdb

    statements = connection.extract_statements(text)
    if len(statements) != 1:
        raise QueryError(f"found {len(statements)} statements, expected exactly one SELECT")
    if (found := statements[0].type) != duckdb.StatementType.SELECT:
        raise QueryError(f"found {found.name}, expected a SELECT: the store is read-only for queries")
    return statements[0]


def quoted(name: str) -> str:
    """Returns a column's name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def _fetch(connection: "DuckDBPyConnection", statement: "Statement", row_limit: int | None) -> pa.Table:
    reader = connection.sql(statement).to_arrow_reader(_BATCH_ROWS)
    batches, rows = [], 0
    for batch in reader:
        rows += batch.num_rows
        if row_limit is not None and rows > row_limit:
            raise QueryError(
                f"more than {row_limit:,} rows; aggregate, add LIMIT, or raise the row limit of the call"
            )
        batches.append(batch)
    return pa.Table.from_batches(batches, schema=reader.schema)


def _tables_in(text: str) -> list[str]:
    """Returns the tables a query can mean. One that names none may want to list them: then all."""
    names = [*TABLES, MEMBERS]
    bare = _QUOTED_DOTTED.sub(" ", text)
    return [name for name in names if re.search(rf"\b{name}\b", bare, re.IGNORECASE)] or names


@contextmanager
def _interrupted_after(timeout_s: float | None, connection: "DuckDBPyConnection") -> Iterator[None]:
    if timeout_s is None:
        yield
        return
    timer = threading.Timer(timeout_s, connection.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _is_about_reading(error: Exception) -> bool:
    # What Arrow raises while DuckDB pulls from a dataset arrives in DuckDB's words.
    return "INTERRUPT" not in str(error) and ("IOError" in str(error) or isinstance(error, OSError))


def _explain(error: Exception, text: str, datasets: "Datasets", limits: Mapping[str, str]) -> str:
    message = str(error).strip()
    if "INTERRUPT" in message:
        return f"stopped after {limits['time']}; ask for less, or raise the time limit of the call"
    if message.startswith("Out of Memory"):
        return f"needs more than {limits['memory']}; ask for less, or raise the memory limit of the call"
    if "file system operations are disabled" in message:
        return f"reads a file, and queries see the store's tables only: {message.partition(chr(10))[0]}"
    return message + _dotted_name_advice(text, datasets)


def _dotted_name_advice(text: str, datasets: "Datasets") -> str:
    known = {name for table in ("runs", "units") for name in datasets.schema(table).names if "." in name}
    bare = _QUOTED.sub(" ", text)
    # A table's alias may stand before the name, and SQL does not mind capitals.
    found = [name for name in sorted(known) if re.search(rf"\b{re.escape(name)}\b", bare, re.IGNORECASE)]
    if not found:
        return ""
    return "\nnames with a dot are quoted: " + ", ".join(map(quoted, found))
