"""Reading tables that an earlier version of the contract wrote, and refusing those of a later one.

Files are never rewritten. A table of version n passes through the steps n, n + 1, … on its way
to the reader, so that analysis code only ever sees the newest columns.
"""

from collections.abc import Callable

import pyarrow as pa

from results_schema.tables import TABLE_KEY, VERSION, VERSION_KEY

# from version -> the step to the next one, given the table's name and the table.
STEPS: dict[int, Callable[[str, pa.Table], pa.Table]] = {}


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
    """Returns the table as the current version would have written it."""
    check_version(from_version)
    name = (table.schema.metadata or {}).get(TABLE_KEY, b"").decode()
    for version in range(from_version, VERSION):
        table = STEPS[version](name, table)
    return table
