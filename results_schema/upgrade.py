"""Reading tables that an earlier version of the contract wrote, and refusing those of a later one.

Files are never rewritten. A table of version n passes through the steps n, n + 1, … on its way
to the reader, so that analysis code only ever sees the newest columns. A column that did not exist
yet is NULL, unless a step knows better.
"""

from collections.abc import Callable

import pyarrow as pa

from results_schema.tables import TABLE_KEY, TABLES, VERSION, VERSION_KEY


class NewerVersion(ValueError):
    """The data were written by a later release than this one."""


def check_version(version: int) -> None:
    """Raises if data of this version cannot be read here."""
    if version > VERSION:
        raise NewerVersion(
            f"made by a newer version {version}, this reads up to {VERSION}: upgrade gridsweep"
        )


def version_of(schema: pa.Schema) -> int:
    """Returns the version a file's schema says it was written by."""
    return int((schema.metadata or {})[VERSION_KEY])


def upgrade(table: pa.Table, from_version: int) -> pa.Table:
    """Returns the table as the current version would have written it.

    Raises KeyError when a column that is never NULL is missing and no step fills it.
    """
    check_version(from_version)
    if from_version == VERSION:
        return table
    name = (table.schema.metadata or {}).get(TABLE_KEY, b"").decode()
    for version in range(from_version, VERSION):
        if version in STEPS:
            table = STEPS[version](name, table)
    for column, field in TABLES[name].fields().items():
        if column not in table.column_names:
            if not field.nullable:
                raise KeyError(f"{name}.{column}: version {from_version} has none, and it is never NULL")
            table = table.append_column(column, pa.nulls(table.num_rows, field.type))
    return table


def _from_1_to_2(name: str, table: pa.Table) -> pa.Table:
    """No release that wrote version 1 tried anything again with fewer lanes."""
    if name != "runs":
        return table
    return table.append_column(
        "memory_halvings", pa.repeat(pa.scalar(0, TABLES[name].fields()["memory_halvings"].type), len(table))
    )


# from version -> the step to the next one, given the table's name and the table. A version that only
# added columns about which nothing can be said of older rows needs none.
STEPS: dict[int, Callable[[str, pa.Table], pa.Table]] = {1: _from_1_to_2}
