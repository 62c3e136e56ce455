"""Counts of units between thresholds, beside the plainest way of counting."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsweep.analysis.survival import default_thresholds, exceedance_counts
from gridsweep.analysis.tallies import FARTHEST, STEP, smallest_counts, tally, thresholds_for


def units(seed=0, networks=5, most=40):
    rng = np.random.default_rng(seed)
    row_of = np.repeat(np.arange(networks), rng.integers(1, most, networks))
    scores = np.round(rng.normal(0.2, 0.6, len(row_of)), 2)  # many lie exactly on a threshold
    scores[rng.random(len(scores)) < 0.1] = np.nan
    return pd.DataFrame({"score": scores, "silent": rng.random(len(scores)) < 0.2}), row_of


def exceeding(cells):
    """How many units of each network exceed each threshold."""
    return np.cumsum(cells[:, ::-1], axis=1)[:, ::-1][:, 1:]


@given(st.integers(0, 2**16))
def test_every_count_is_the_one_that_a_loop_over_units_finds(seed):
    table, row_of = units(seed)
    shuffled = np.random.default_rng(seed).permutation(len(table))
    table, row_of = table.iloc[shuffled].reset_index(drop=True), row_of[shuffled]
    thresholds = thresholds_for([table["score"].to_numpy()])
    found = tally(table, "score", row_of, 5, thresholds)
    above = exceeding(found.cells)
    for network in range(5):
        mine = table[row_of == network]
        active = mine.loc[~mine["silent"], "score"]
        for place, threshold in enumerate(thresholds):
            assert above[network, place] == sum(score > threshold for score in active)
        assert found.cells[network].sum() == len(mine)
        assert found.silent[network] == mine["silent"].sum()
        assert found.unscored[network] == active.isna().sum()
        assert found.best[network] == pytest.approx(active.max(), nan_ok=True)
        ranked = sorted(mine["score"].where(~mine["silent"]).fillna(-np.inf))
        middle = ranked[(len(ranked) - 1) // 2]
        assert found.median[network] == pytest.approx(np.nan if middle == -np.inf else middle, nan_ok=True)


def test_they_are_the_counts_that_survival_curves_are_made_of():
    table, row_of = units()
    ranked = np.where(table["silent"], np.nan, table["score"])
    thresholds = thresholds_for([ranked])
    np.testing.assert_array_equal(
        exceeding(tally(table, "score", row_of, 5, thresholds).cells),
        exceedance_counts(row_of, ranked, thresholds, 5),
    )
    assert set(thresholds) <= set(default_thresholds(ranked, np.zeros(len(ranked), int)))


def test_units_of_no_network_are_left_out_and_a_network_without_units_is_empty():
    table, row_of = units()
    row_of = np.where(row_of == 2, -1, row_of)
    found = tally(table, "score", row_of, 7, thresholds_for([]))
    assert found.cells[[2, 5, 6]].sum() == 0
    assert np.isnan(found.best[[2, 5, 6]]).all()
    assert found.cells.sum() == (row_of >= 0).sum()


def test_thresholds_of_the_literature_are_among_them_and_far_scores_do_not_make_thousands():
    usual = thresholds_for([np.array([0.1, np.nan])])
    assert {0.3, 0.75, 0.8, 0.85, 1.0, 1.15, 1.2, 1.5} <= set(usual)
    assert (usual[0], usual[-1]) == (-0.5, 1.6)
    np.testing.assert_allclose(np.diff(usual), STEP)
    far = thresholds_for([np.array([-9.0, 7.0]), np.array([])])
    assert (far[0], far[-1]) == (-FARTHEST, FARTHEST)
    reached = thresholds_for([np.array([1.61])])
    assert reached[-1] >= 1.61 > reached[-2]


def test_counts_take_the_bytes_they_need():
    assert smallest_counts(np.array([[65_535]])).dtype == np.uint16
    assert smallest_counts(np.array([[65_536]])).dtype == np.uint32
