"""Rows collected as columns."""

import numpy as np
import pytest

from gridsweep.train.rows import PUBLISHED_SAMPLE, Rows, _published_sample
from tests.tiny import small_runs


def test_a_column_that_a_row_lacks_is_none_there():
    rows = Rows()
    rows.add("runs", [{"a": 1}, {"b": 2}])
    rows.add("runs", [{"a": 3, "c": 4}])
    assert rows.tables["runs"] == {"a": [1, None, 3], "b": [None, 2, None], "c": [None, None, 4]}


def test_extending_aligns_columns_that_only_one_side_has():
    rows, other = Rows(), Rows()
    rows.add("runs", [{"a": 1}])
    other.add("runs", [{"b": 2}, {"a": 3}])
    other.add("units", [{"u": 1}])
    rows.extend(other)
    assert rows.tables == {"runs": {"a": [1, None, 3], "b": [None, 2, None]}, "units": {"u": [1]}}


def test_setting_a_column_fills_every_row():
    rows = Rows()
    rows.add("runs", [{"a": 1}, {"a": 2}])
    rows.set("runs", cohort_id="c")
    rows.set("absent", cohort_id="c")
    assert rows.tables["runs"]["cohort_id"] == ["c", "c"]
    assert rows.tables.get("absent", {}) in ({}, {"cohort_id": []})


@pytest.mark.parametrize("units", [8, PUBLISHED_SAMPLE, 3 * PUBLISHED_SAMPLE])
def test_the_published_sample_is_a_draw_of_1024_that_the_evaluation_seed_fixes(units):
    first, again, other = (
        _published_sample(run, units)
        for run in (
            *small_runs(**base_seed(0)) * 2,
            *small_runs(**base_seed(1)),
        )
    )
    assert np.count_nonzero(first) == min(units, PUBLISHED_SAMPLE)
    np.testing.assert_array_equal(first, again)
    assert np.array_equal(first, other) == (units <= PUBLISHED_SAMPLE)


def base_seed(seed):
    return {"parameters": {"system.evaluation_seed": {"value": seed}}}
