import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gridsweep.store.columns import ColumnError, clean_text, config_column, fixed_column
from results_schema import FIELDS, Field

LOSS, SEED, STATUS = FIELDS["loss"], FIELDS["seed"], FIELDS["status"]


class Traced:
    """An array of another library."""

    def __array__(self, dtype=None, copy=None):
        return np.array([1.5, 2.5])


@pytest.mark.parametrize(
    "values",
    [
        [1.5, 2.5],
        (1.5, 2.5),
        np.array([1.5, 2.5]),
        np.array([1.5, 2.5], np.float16),
        [np.float64(1.5), np.float32(2.5)],
        pa.array([1.5, 2.5]),
        pa.chunked_array([[1.5], [2.5]]),
        pd.Series([1.5, 2.5]),
        Traced(),
    ],
    ids=lambda values: type(values).__name__,
)
def test_a_column_may_come_in_any_array(values):
    assert fixed_column(LOSS, values).equals(pa.array([1.5, 2.5], pa.float32()))


def test_what_is_masked_or_none_is_null():
    right = pa.array([1.5, None], pa.float32())
    assert fixed_column(LOSS, np.ma.masked_invalid([1.5, np.nan])).equals(right)
    assert fixed_column(LOSS, [1.5, None]).equals(right)
    assert fixed_column(LOSS, [None, None]).null_count == 2


def test_nan_is_never_taken_for_null():
    for values in ([1.5, np.nan], np.array([1.5, np.nan]), pd.Series([1.5, np.nan])):
        with pytest.raises(ColumnError, match=r"is NaN or infinite in 1 of 2 values; a score that does not"):
            fixed_column(LOSS, values)


def test_whole_numbers_fit_where_numbers_do_and_numbers_only_when_they_are_whole():
    assert fixed_column(LOSS, [1, 2]).to_pylist() == [1.0, 2.0]
    assert fixed_column(SEED, np.array([0, 2**32 - 1], np.uint32)).to_pylist() == [0, 2**32 - 1]
    assert fixed_column(SEED, [1.0, 2.0]).to_pylist() == [1, 2]
    with pytest.raises(ColumnError, match="does not fit int64"):
        fixed_column(SEED, [1.5])


def test_text_comes_plain_or_as_codes():
    for values in (["failed"], np.array(["failed"]), pd.Categorical(["failed"]), pa.array(["failed"])):
        assert fixed_column(STATUS, values).equals(pa.array(["failed"]))
    assert fixed_column(STATUS, pa.array(["failed"]).dictionary_encode()).equals(pa.array(["failed"]))
    with pytest.raises(ColumnError, match="is no column"):
        fixed_column(STATUS, ["\ud800"])


def test_times_are_kept_to_the_microsecond_in_utc():
    at = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC)
    berlin = at.astimezone(datetime.timezone(datetime.timedelta(hours=1)))
    for value in (at, berlin, np.datetime64("2026-01-02T03:04:05.678901")):
        assert fixed_column(FIELDS["started_at"], [value]).to_pylist() == [at]
    with pytest.raises(ColumnError, match="found numbers, expected times"):
        fixed_column(FIELDS["started_at"], [1.5e9])


def test_axes_after_the_first_become_a_list():
    maps = np.arange(8.0).reshape(2, 2, 2)
    assert fixed_column(FIELDS["map"], maps).to_pylist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert fixed_column(FIELDS["map"], [maps[0].ravel(), maps[1].ravel()]).to_pylist() == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
    ]


def test_bounds_belong_to_the_field():
    field = Field(pa.float32(), unit="cm", lowest=0.0, highest=1.0)
    assert fixed_column(field, [0.0, 1.0]).to_pylist() == [0.0, 1.0]
    with pytest.raises(ColumnError, match=r"found 1.5, expected at most 1 cm"):
        fixed_column(field, [1.5])


def test_configuration_is_typed_by_its_python_values():
    for values, type_ in (
        ([True, None], pa.bool_()),
        ([1, 2], pa.int64()),
        ([0.5, None], pa.float64()),
        (["a", "b"], pa.string()),
        (np.array([1, 2], np.int32), pa.int64()),
        ([np.float32(0.5)], pa.float64()),
        (pa.array([True]), pa.bool_()),
    ):
        assert config_column(values).type == type_
    assert config_column([None, None]) is None
    with pytest.raises(ColumnError, match=r"holds true or false and whole numbers, one type is needed"):
        config_column([True, 1])
    with pytest.raises(ColumnError, match=r"too large|too big"):
        config_column([2**64])


def test_error_texts_are_made_safe_for_a_terminal():
    assert clean_text(None) is None
    assert clean_text("a\r\n\tb \x1b[2J\x07") == "a b [2J"
    assert clean_text("\u202egnp.exe\u200b") == "gnp.exe"
    assert len(clean_text("é" * 900)) == 500
