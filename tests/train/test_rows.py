"""Rows collected as columns."""

import numpy as np
import pytest

from gridsweep import scores
from gridsweep.systems import Observation
from gridsweep.train.rows import PUBLISHED_SAMPLE, Rows, _published_sample, rows_of_lane
from tests.tiny import small_document, small_runs


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


@pytest.fixture
def observed(monkeypatch):
    """Rows of a run with two evaluations, the first of them on two numbers of bins; its maps and scores.

    Scores are drawn and not taken: compiling the scorer for two sizes of map would be all of the test.
    """
    rng = np.random.default_rng(0)
    evaluation = [{"kind": "published", "bins": [9, 8]}, {"kind": "corrected", "bins": [8]}]
    run = next(iter(small_runs(base=small_document()["base"] | {"evaluation": evaluation})))
    places = [("corrected", 8), ("published", 8), ("published", 9)]
    maps = {(name, bins): rng.random((5, bins, bins)).astype(np.float32) for name, bins in places}
    drawn = {id(maps[place]): drawn_scores(rng) for place in places}
    monkeypatch.setattr(scores, "measure", lambda maps, side_m: drawn[id(maps)])
    visits = {(name, bins): np.ones((bins, bins)) for name, bins in places}
    metrics = {name: {"loss": np.float32(1.0)} for name in ("published", "corrected")}
    rows = rows_of_lane(
        run,
        observation=Observation(maps, visits, metrics),
        weights={},
        alive=True,
        diverged_update=-1,
        keep={"rate_maps": "none", "weights": "none"},
    )
    return rows.tables, maps, {place: drawn[id(maps[place])] for place in places}


def drawn_scores(rng):
    found = {"grid_score_60": rng.normal(size=5), "grid_score_90": rng.normal(size=5)}
    period_m = np.where(found["grid_score_60"] > 0, rng.random(5), np.nan)
    return found | {"silent": np.zeros(5, bool), "period_m": period_m}


def test_a_network_is_summed_up_on_the_first_bins_of_each_evaluation_and_the_run_has_those_of_the_first(
    observed,
):
    tables, maps, drawn = observed
    evaluations, runs = tables["evaluations"], tables["runs"]
    at = {name: place for place, name in enumerate(evaluations["evaluation"])}
    for name, bins in (("published", 9), ("corrected", 8)):
        expected = scores.measure_network(maps[name, bins], drawn[name, bins])
        assert set(expected) == set(scores.network_columns())
        for column, value in expected.items():
            assert evaluations[column][at[name]] == value, column
    for column in scores.network_columns():
        assert runs[column] == [evaluations[column][at["published"]]], column


def test_a_score_that_a_unit_does_not_have_is_none(observed):
    units = observed[0]["units"]
    assert None in units["period_m"]
    for score, period in zip(units["grid_score_60"], units["period_m"], strict=True):
        assert (period is None) == (score <= 0)
