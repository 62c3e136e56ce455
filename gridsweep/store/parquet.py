"""How a table becomes the bytes of a Parquet file, and how such bytes are checked and opened.

Encodings follow the contract: text and columns that repeat go through a dictionary, counts and
indices are stored as differences, measured floats have their bytes split by significance, which
is what makes them compress. Every page carries a checksum, and readers verify it; what pages'
checksums do not cover is the end of the file, whose hash is in the ledger.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa

from results_schema import TABLES, columns_in_words, is_config_column

if TYPE_CHECKING:
    from pyarrow.dataset import ParquetFileFormat

_MAGIC = b"PAR1"
# Rows of a map are 8 kB, rows of the other tables tens of bytes: a row group is some megabytes.
_ROWS_PER_GROUP = {"rate_maps": 1024, "weights": 64}
_OTHER_ROWS_PER_GROUP = 128 * 1024


@dataclass(frozen=True)
class Encoded:
    """A Parquet file in memory, with what its ledger entry will say."""

    data: memoryview
    rows: int
    sha256: str
    footer_bytes: int
    footer_sha256: str


def encode(name: str, table: pa.Table, groups: Sequence[int] | None = None) -> Encoded:
    """Returns the bytes of a table's file.

    Args:
        name: the table's.
        table: its rows.
        groups: how many of them each row group has; None: the same number.
    """
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    dictionaries, encodings = _encodings(name, table.schema)
    with pq.ParquetWriter(
        sink,
        table.schema,
        compression="zstd",
        write_page_checksum=True,
        use_dictionary=dictionaries,  # pyright: ignore[reportArgumentType]  takes names too
        column_encoding=encodings,
    ) as writer:
        if groups is None:
            writer.write_table(table, row_group_size=_ROWS_PER_GROUP.get(name, _OTHER_ROWS_PER_GROUP))
        begin = 0
        for rows in groups or ():
            writer.write_table(table.slice(begin, rows), row_group_size=rows)
            begin += rows
        writer.add_key_value_metadata(columns_in_words(name))
    data = memoryview(sink.getvalue())
    footer = footer_bytes(data[-8:].tobytes())
    return Encoded(
        data=data,
        rows=table.num_rows,
        sha256=hashlib.sha256(data).hexdigest(),
        footer_bytes=footer,
        footer_sha256=hashlib.sha256(data[-footer:]).hexdigest(),
    )


def footer_bytes(end: bytes) -> int:
    """Returns how long a file's footer is, from its last eight bytes; 0 if it does not end as Parquet."""
    return int.from_bytes(end[-8:-4], "little") + 8 if end.endswith(_MAGIC) else 0


def checking_format(words: Sequence[str] = ()) -> "ParquetFileFormat":
    """Returns the format to scan data files with: page checksums verified.

    Args:
        words: columns of text to read as dictionaries, see ``pruned``.
    """
    import pyarrow.dataset as ds

    return ds.ParquetFileFormat(
        read_options=ds.ParquetReadOptions(dictionary_columns=list(words)),
        default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True),
    )


def read_bytes(data: bytes, columns: list[str] | None = None) -> pa.Table:
    """Returns the table in these bytes, its page checksums verified; text plain, as it is stored."""
    import pyarrow.parquet as pq

    # A buffer and not a Python file: Arrow's threads may outlive the latter, and abort at exit.
    with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
        return file.read(columns=columns, use_threads=False)


def schema_of(data: bytes) -> pa.Schema:
    """Returns the schema of the table in these bytes."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(pa.BufferReader(data)) as file:
        return file.schema_arrow


def _encodings(name: str, schema: pa.Schema) -> tuple[list[str], dict[str, str]]:
    """Returns which columns have a dictionary, and the encoding of each of the others."""
    fields = TABLES[name].fields()
    dictionaries: list[str] = []
    encodings: dict[str, str] = {}
    for column in schema:
        path, type_ = column.name, column.type
        if isinstance(type_, pa.ListType):
            path, type_ = f"{path}.list.element", type_.value_type
        if is_config_column(column.name) or fields[column.name].repeats:
            dictionaries.append(path)
        elif pa.types.is_floating(type_):
            encodings[path] = "BYTE_STREAM_SPLIT"
        elif pa.types.is_integer(type_):
            encodings[path] = "DELTA_BINARY_PACKED"
    return dictionaries, encodings


def write_plain(table: pa.Table, file: BinaryIO) -> None:
    """Writes a table that is no part of a store, such as the answer to a query, as ordinary Parquet."""
    import pyarrow.parquet as pq

    pq.write_table(table, file, compression="zstd")
