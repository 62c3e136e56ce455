"""The data dictionary: every table and column in words, generated from the contract itself."""

import pyarrow as pa

from results_schema.fields import Field
from results_schema.tables import TABLES, VERSION, Table

_HEAD = f"""\
# Data dictionary

Version {VERSION}, written by `python -m results_schema`: edit `results_schema/`, not this page.

Each table is a folder of Parquet files, one file a cohort. Version, table, units and meanings are in
the metadata of every file. A score that does not exist is NULL; NaN occurs only where it is named below.
"""

_CONFIG = """\
Beside these columns, `runs` has one column for each setting of the run, named by its path with a
dot: `target.kind`, `target.field_width_m`, `training.learning_rate`. Types are bool, int64, float64
or text. A setting that a run does not have is NULL. In SQL such names are quoted: `"target.kind"`.
"""


def data_dictionary() -> str:
    """Returns the whole dictionary as Markdown."""
    return "\n".join([_HEAD, *(_describe(table) for table in TABLES.values())])


def _describe(table: Table) -> str:
    lines = [
        f"## {table.name}",
        "",
        f"A row is {table.row_is}. Key: {', '.join(f'`{column}`' for column in table.key)}.",
        "",
        "| column | type | unit | NULL | meaning |",
        "|---|---|---|---|---|",
    ]
    for column, field in table.fields().items():
        null = "yes" if field.nullable else ""
        lines.append(
            f"| `{column}` | {_type_in_words(field.type)} | {field.unit} | {null} | {_meaning(field)} |"
        )
    lines.append("")
    if table.has_config:
        lines += [_CONFIG]
    return "\n".join(lines)


def _meaning(field: Field) -> str:
    parts = [field.meaning]
    if field.lowest is not None and field.highest is not None:
        parts.append(f"From {field.lowest:,g} to {field.highest:,.10g}.")
    elif field.lowest is not None:
        parts.append(f"At least {field.lowest:,g}.")
    if field.nan_means:
        parts.append(f"NaN: {field.nan_means}.")
    return " ".join(parts)


def _type_in_words(type_: pa.DataType) -> str:
    if pa.types.is_dictionary(type_) or pa.types.is_string(type_):
        return "text"
    if isinstance(type_, pa.ListType):
        return f"list of {type_.value_type}"
    if pa.types.is_timestamp(type_):
        return "timestamp (us, UTC)"
    return {"halffloat": "float16", "float": "float32", "double": "float64"}.get(str(type_), str(type_))
