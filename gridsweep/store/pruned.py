"""The files of a table as a dataset that skips by statistics and reads words as dictionaries.

Arrow can do either. Read as plain text, a column of words has statistics by which row groups are skipped, and
the word of each row is made anew, which costs more than twice what a column of scores does; read as
dictionaries it costs a tenth of that and skips nothing. So here plain files say which row groups a filter
leaves, and the same files read as dictionaries give their rows.

Imported where a dataset is made: ``pyarrow.dataset`` takes its time.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.dataset import FileSystemDataset, Scanner
from pyarrow.fs import FileSystem

from gridsweep.store.parquet import checking_format


class PrunedDataset(FileSystemDataset):
    """Files of one schema. ``scanner``, and what pyarrow and DuckDB build on it, skip row groups first."""

    def __init__(self, files: Sequence[tuple[str, int]], schema: pa.Schema, place: FileSystem) -> None:
        """Makes it of files of one file system, each a path and its size in bytes, in this order."""
        plain = checking_format()
        words = checking_format([field.name for field in schema if pa.types.is_dictionary(field.type)])
        super().__init__(
            [plain.make_fragment(path, place, file_size=size) for path, size in files], schema, plain, place
        )
        self._readers = {path: words.make_fragment(path, place, file_size=size) for path, size in files}
        self._words = words

    def scanner(self, columns: Any = None, filter: pc.Expression | None = None, **options: Any) -> Scanner:
        """Returns a scanner over the row groups that the filter leaves; see ``pyarrow.dataset.Dataset``."""
        return self.near(filter).scanner(columns=columns, filter=filter, **options)

    def near(self, filter: pc.Expression | None) -> FileSystemDataset:
        """Returns the row groups that a filter leaves, as a dataset whose rows are not filtered yet."""
        pieces = list(self._readers.values()) if filter is None else self._left_by(filter)
        return FileSystemDataset(pieces, self.schema, self._words, self.filesystem)

    def _left_by(self, filter: pc.Expression) -> list[Any]:
        pieces = []
        for fragment in self.get_fragments(filter=filter):
            groups = [group.id for group in fragment.subset(filter=filter, schema=self.schema).row_groups]
            if groups:
                pieces.append(self._readers[fragment.path].subset(row_group_ids=groups))
        return pieces
