"""The contract between gridsweep and whoever reads its Parquet files.

Needs pyarrow and nothing of gridsweep, so that an analysis elsewhere can import it alone.
"""

from results_schema.fields import FIELDS, Field
from results_schema.tables import (
    CONFIG_TYPES,
    REASONS,
    STATUSES,
    TABLES,
    VERSION,
    Table,
    columns_in_words,
    is_config_column,
    schema,
    stored_schema,
)
from results_schema.upgrade import NewerVersion, check_version, upgrade, version_of

__all__ = [
    "CONFIG_TYPES",
    "FIELDS",
    "REASONS",
    "STATUSES",
    "TABLES",
    "VERSION",
    "Field",
    "NewerVersion",
    "Table",
    "check_version",
    "columns_in_words",
    "is_config_column",
    "schema",
    "stored_schema",
    "upgrade",
    "version_of",
]
