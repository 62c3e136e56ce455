"""One column in, one checked Arrow array out.

A column arrives as a list, a NumPy array (masked where NULL) or an Arrow array and leaves with
exactly the type of the contract. Nothing is guessed: text is not a number, a fraction is not a
count, NaN is not a missing score.
"""

# Arrow makes its compute functions at run time, where pyright cannot see them.
# pyright: reportAttributeAccessIssue=false

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from results_schema import CONFIG_TYPES, Field

ArrayLike: TypeAlias = Any
Columns: TypeAlias = Mapping[str, ArrayLike]

MESSAGE_LENGTH = 500

_NOT_A_COLUMN = (pa.ArrowException, OverflowError, UnicodeEncodeError, TypeError, ValueError)
_WORDS = {bool: "true or false", int: "whole numbers", float: "numbers", str: "text"}


class ColumnError(ValueError):
    """A column is not what the contract asks for; the message says what was found."""


def fixed_column(field: Field, values: ArrayLike) -> pa.Array:
    """Returns a column of the contract in its stored type. Raises ColumnError."""
    type_ = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    array = _cast(_arrow(values), type_)
    if array.null_count and not field.nullable:
        raise ColumnError(f"is NULL in {array.null_count} of {len(array)} rows, every row needs a value")
    _check_finite(field, array)
    if field.lowest is not None or field.highest is not None:
        _check_bounds(field, array)
    return array


def config_column(values: ArrayLike) -> pa.Array | None:
    """Returns a column typed by the Python type of its values; None when all of them are None.

    Raises ColumnError for a mixture: a column that is sometimes text and sometimes a number
    would be read wrongly by whoever reads the files.
    """
    found = python_values(values)
    types = sorted({type(value) for value in found if value is not None}, key=str)
    if not types:
        return None
    if unknown := [type_.__name__ for type_ in types if type_ not in CONFIG_TYPES]:
        raise ColumnError(f"found {', '.join(unknown)}, expected true or false, a number, text or None")
    if len(types) > 1:
        raise ColumnError(f"holds {' and '.join(_WORDS[type_] for type_ in types)}, one type is needed")
    try:
        array = pa.array(found, CONFIG_TYPES[types[0]])
    except _NOT_A_COLUMN as error:
        raise ColumnError(_first_line(error)) from error
    _check_finite(Field(array.type), array)
    return array


def clean_text(text: str | None) -> str | None:
    """Returns the first 500 characters of a message with its control characters removed.

    An error text comes from anywhere, and ends up in a terminal. Line ends become spaces.
    """
    if text is None:
        return None
    spaced = " ".join(text.split())
    kept = (character for character in spaced if not unicodedata.category(character).startswith("C"))
    return "".join(kept)[:MESSAGE_LENGTH]


def python_values(values: ArrayLike) -> list[Any]:
    """Returns a column as Python values, None where it is NULL or masked."""
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values.to_pylist()
    if hasattr(values, "__array__"):
        values = np.asanyarray(values).tolist()
    return [value.item() if isinstance(value, np.generic) else value for value in values]


def _arrow(values: ArrayLike) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks()
    if isinstance(values, pa.Array):
        return values
    if not isinstance(values, np.ndarray | Sequence) and hasattr(values, "__array__"):
        values = np.asarray(values)
    if isinstance(values, np.ndarray) and values.ndim > 1:
        return _lists(values)
    try:
        # from_pandas would turn NaN into NULL in silence.
        return pa.array(values, from_pandas=False)
    except _NOT_A_COLUMN as error:
        raise ColumnError(f"is no column: {_first_line(error)}") from error


def _lists(values: np.ndarray) -> pa.Array:
    """Returns a list per row: the axes after the first are flattened in C order."""
    rows, length = len(values), int(np.prod(values.shape[1:]))
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * length), flat)


def _cast(array: pa.Array, type_: pa.DataType) -> pa.Array:
    found, right = _sort(array.type), _sort(type_)
    if found not in {right, "NULL"} and {found, right} != {"whole numbers", "numbers"}:
        raise ColumnError(f"found {found}, expected {right}")
    try:
        return array.cast(type_, safe=True)
    except pa.ArrowException as error:
        raise ColumnError(f"does not fit {type_}: {_first_line(error)}") from error


def _sort(type_: pa.DataType) -> str:
    """Returns what kind of thing a type holds; a cast never crosses from one to another."""
    if pa.types.is_dictionary(type_):
        return _sort(type_.value_type)
    if isinstance(type_, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
        return "lists of numbers" if _sort(type_.value_type) != "text" else "lists of text"
    if pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        return _WORDS[str]
    for is_type, word in (
        (pa.types.is_null, "NULL"),
        (pa.types.is_boolean, _WORDS[bool]),
        (pa.types.is_integer, _WORDS[int]),
        (pa.types.is_floating, _WORDS[float]),
        (pa.types.is_timestamp, "times"),
    ):
        if is_type(type_):
            return word
    return str(type_)


def _check_finite(field: Field, array: pa.Array) -> None:
    flat = array.flatten() if isinstance(array, pa.ListArray) else array
    if not pa.types.is_floating(flat.type):
        return
    wrong = pc.is_inf(flat) if field.nan_means else pc.invert(pc.is_finite(flat))
    if count := _count(wrong):
        advice = "" if field.nan_means else "; a score that does not exist is None or masked, never NaN"
        raise ColumnError(f"is NaN or infinite in {count} of {len(flat)} values{advice}")


def _check_bounds(field: Field, array: pa.Array) -> None:
    extremes = pc.min_max(array).as_py()
    if extremes["min"] is None:
        return
    for found, bound, side in (
        (extremes["min"], field.lowest, "at least"),
        (extremes["max"], field.highest, "at most"),
    ):
        if bound is not None and (found < bound if side == "at least" else found > bound):
            raise ColumnError(f"found {found:g}, expected {side} {bound:.12g} {field.unit}".rstrip())


def _count(mask: pa.Array) -> int:
    return pc.sum(mask).as_py() or 0


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
