"""Reading a sweep file: YAML 1.2 data and nothing else.

In YAML 1.2 ``1e-4`` is a number, ``010`` is ten and ``NO`` is text; a key that stands twice is an error.
No tags that make objects, at most 1 MiB, also after its aliases are written out.
"""

import itertools
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning
from ruamel.yaml.reader import ReaderError

from gridsweep.spec.mistakes import LONGEST_NUMBER_BITS, Mistake, SweepError, describe

LARGEST_FILE_BYTES = 2**20


def read_document(path: Path) -> dict[str, Any]:
    """Returns the mapping a sweep file holds.

    Raises:
        SweepError: the file is missing, too large, not text, not YAML, or not a mapping.
    """
    where = str(path)
    try:
        if path.exists() and not path.is_file():
            found = "a folder" if path.is_dir() else "not a regular file"
            raise SweepError(where, [Mistake("", f"{found}, expected a sweep file")])
        size = path.stat().st_size
        if size > LARGEST_FILE_BYTES:
            text = f"{size:,} bytes, a sweep file has at most {LARGEST_FILE_BYTES:,}"
            raise SweepError(where, [Mistake("", text)])
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise SweepError(where, [Mistake("", "no such file")]) from None
    except PermissionError:
        raise SweepError(where, [Mistake("", "may not be read: permission denied")]) from None
    except UnicodeDecodeError as error:
        raise SweepError(where, [Mistake("", f"not UTF-8 text: byte {error.start}")]) from None
    except OSError as error:
        raise SweepError(where, [Mistake("", f"cannot be read: {error.strerror or error}")]) from None
    return parse_document(text, where)


def parse_document(text: str, where: str) -> dict[str, Any]:
    """Returns the mapping that YAML text holds. Raises SweepError naming line and column."""
    try:
        document = _plain(_load(text), itertools.count())
    except Exception as error:  # whatever the parser trips over is the file's mistake, not ours
        raise SweepError(where, [Mistake("", _complaint(error))]) from None
    if document is None:
        raise SweepError(where, [Mistake("", "empty; a sweep needs at least base, and parameters or seeds")])
    if not isinstance(document, dict):
        keys = "name, base, parameters, seeds …"
        raise SweepError(
            where, [Mistake("", f"found {describe(document)}, expected a mapping of keys ({keys})")]
        )
    return document


def _load(text: str) -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReusedAnchorWarning)
        return yaml.load(text)


def _complaint(error: Exception) -> str:
    """Returns where in the file the parser stopped, and why, in one line."""
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        return place + str(error.problem or error.context or "not YAML").splitlines()[0]
    if isinstance(error, ReaderError):
        return f"character {error.position} is #x{error.character:04x}, which no YAML text holds"
    if isinstance(error, RecursionError):
        return "not YAML that can be read: it is nested too deeply, or holds itself"
    lines = str(error).splitlines() or [type(error).__name__]
    return f"not YAML: {lines[0][:200]}"


def _plain(value: Any, nodes: Iterator[int]) -> Any:
    """Returns the same data as plain dictionaries, lists and scalars, so that it is JSON."""
    # No more nodes than a file has bytes, unless aliases repeat what repeats others.
    if next(nodes) > LARGEST_FILE_BYTES:
        raise ValueError("its aliases repeat more than a file can hold")
    if isinstance(value, dict):
        plain: dict[str, Any] = {}
        for key, item in value.items():
            if str(key) in plain:
                raise ValueError(f'the key "{key}" stands twice, as text and as something else')
            plain[str(key)] = _plain(item, nodes)
        return plain
    if isinstance(value, list | tuple):
        return [_plain(item, nodes) for item in value]
    if isinstance(value, int) and value.bit_length() > LONGEST_NUMBER_BITS:
        raise ValueError(f"found {describe(value)}, which nothing in a sweep needs")
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)
