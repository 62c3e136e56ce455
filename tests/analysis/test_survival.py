import sys

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ecdf, norm

from gridsweep.analysis.survival import (
    bootstrap_fractions,
    exceedance_counts,
    fractions_above,
    survival,
    survival_function,
    tail_probability,
    wilson_interval,
)


def table_of(networks, group="a", silent=None):
    """A row a unit, from a list of arrays of scores."""
    scores = np.concatenate(networks)
    run_ids = np.repeat([f"{group}{i:04d}" for i in range(len(networks))], [len(n) for n in networks])
    is_silent = np.zeros(len(scores), bool) if silent is None else np.asarray(silent)
    return pd.DataFrame({"run_id": run_ids, "grid_score_60": scores, "silent": is_silent, "group": group})


def clustered(rng, networks, units, spread=0.2):
    """Scores whose mean differs between networks, and the survival function they come from."""
    means = 0.1 + spread * rng.normal(size=(networks, 1))
    scores = means + 0.3 * rng.normal(size=(networks, units))
    return scores, lambda t: norm.sf((np.asarray(t) - 0.1) / np.hypot(spread, 0.3))


def test_the_curve_is_one_minus_the_empirical_distribution():
    rng = np.random.default_rng(0)
    scores = np.round(rng.normal(0.1, 0.4, 500), 2)  # with ties
    thresholds = np.linspace(-1, 1.5, 251)
    reference = ecdf(scores).sf.evaluate(thresholds)
    np.testing.assert_allclose(survival_function(scores, thresholds), reference, atol=1e-12)
    curve = survival(table_of([scores[:200], scores[200:]]), thresholds=thresholds).curves
    np.testing.assert_allclose(curve["fraction"], reference, atol=1e-12)


def test_a_score_does_not_exceed_itself():
    assert survival_function(np.array([0.8]), np.array([0.8])) == 0.0
    assert survival(table_of([np.array([0.8])]), thresholds=[0.8]).curves["fraction"].item() == 0.0


def test_unscored_and_silent_units_are_counted_and_exceed_nothing():
    table = table_of([np.array([0.9, np.nan, 0.0, 0.5])], silent=[False, False, True, False])
    found = survival(table, thresholds=[-2.0, 0.7])
    assert found.curves["fraction"].tolist() == [0.5, 0.25]  # not 0.75: the silent unit's 0 is no score
    assert found.groups[["units", "silent", "unscored"]].to_numpy().tolist() == [[4, 1, 1]]


def test_a_network_of_silent_units_has_no_best_unit():
    silent = [True, True, False, False]
    found = survival(table_of([np.zeros(2), np.array([0.1, 0.9])], silent=silent), thresholds=[-1.0, 0.5])
    assert found.networks["best"].isna().tolist() == [True, False]
    assert found.best["fraction"].tolist() == [0.5, 0.5]


def test_no_units_is_an_error_that_names_a_likely_cause():
    with pytest.raises(ValueError, match="position_error_cm < 10 remove every run"):
        survival_function(np.array([]), np.array([0.8]))
    with pytest.raises(ValueError, match="no units to rank"):
        survival(table_of([np.array([0.1])]).iloc[:0])


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match=r"no column grid_score_90, target\.kind; it has run_id"):
        survival(table_of([np.array([0.1])]), "grid_score_90", "target.kind")


def test_counts_of_exceedances_are_those_of_a_plain_loop():
    rng = np.random.default_rng(1)
    scores, run_of = rng.normal(size=60).round(1), rng.integers(0, 4, 60)
    scores[:5] = np.nan
    thresholds = np.linspace(-2, 2, 21).round(1)
    slow = [[(scores[run_of == run] > t).sum() for t in thresholds] for run in range(4)]
    np.testing.assert_array_equal(exceedance_counts(run_of, scores, thresholds, 4), slow)


def test_the_matrix_bootstrap_is_the_plain_one():
    rng = np.random.default_rng(2)
    networks = [rng.normal(size=size) for size in (5, 9, 7, 30)]
    thresholds = np.linspace(-1, 1, 5)
    counts = np.array([[(scores > t).sum() for t in thresholds] for scores in networks])
    units = np.array([len(scores) for scores in networks])
    fast = bootstrap_fractions(counts, units, 300, np.random.default_rng(3))
    drawn = np.random.default_rng(3).integers(4, size=(300, 4), dtype=np.int32)
    slow = [
        survival_function(np.concatenate([networks[i] for i in one_draw]), thresholds) for one_draw in drawn
    ]
    np.testing.assert_allclose(fast, slow, atol=1e-12)


def test_the_bootstrap_in_pieces_is_the_bootstrap_at_once(monkeypatch):
    counts, units = np.arange(12).reshape(6, 2), np.full(6, 20)
    whole = bootstrap_fractions(counts, units, 50, np.random.default_rng(0))
    monkeypatch.setattr(sys.modules["gridsweep.analysis.survival"], "_CELLS_AT_ONCE", 6 * 7)
    np.testing.assert_array_equal(whole, bootstrap_fractions(counts, units, 50, np.random.default_rng(0)))


def test_bands_cover_the_truth_where_bands_over_units_do_not():
    rng = np.random.default_rng(4)
    covered, covered_over_units, rounds = 0, 0, 150
    for seed in range(rounds):
        scores, truth = clustered(rng, networks=10, units=200)
        curve = survival(table_of(list(scores)), thresholds=[0.3], draws=500, seed=seed).curves.iloc[0]
        covered += curve["low"] <= truth(0.3) <= curve["high"]
        half = 1.96 * np.sqrt(curve["fraction"] * (1 - curve["fraction"]) / scores.size)
        covered_over_units += abs(curve["fraction"] - truth(0.3)) <= half
    assert covered / rounds > 0.88
    assert covered_over_units / rounds < 0.5


def test_few_networks_get_a_wider_band_than_plain_percentiles_and_many_the_same():
    assert tail_probability(5, 0.95) < 0.005
    assert tail_probability(2000, 0.95) == pytest.approx(0.025, abs=2e-4)


def test_the_band_of_three_networks_is_their_range():
    scores = [np.array([0.0, 1.0]), np.array([1.0, 1.0]), np.array([0.0, 0.0])]
    curve = survival(table_of(scores), thresholds=[0.5]).curves.iloc[0]
    assert (curve["fraction"], curve["low"], curve["high"]) == (0.5, 0.0, 1.0)


def test_one_network_has_no_band_and_says_so():
    found = survival(table_of([np.array([0.1, 0.9])]), thresholds=[0.5])
    assert found.curves[["low", "high"]].isna().all(axis=None)
    assert found.best[["low", "high"]].isna().all(axis=None)
    assert found.groups["note"].tolist() == ["one network, so no band"]


def test_a_band_does_not_depend_on_the_groups_beside_it_nor_on_the_order_of_rows():
    rng = np.random.default_rng(5)
    one = table_of(list(rng.normal(size=(6, 20))), "a")
    two = table_of(list(rng.normal(size=(4, 20))), "b")
    alone = survival(one, thresholds=[0.0, 0.5]).curves
    shuffled = pd.concat([two, one]).sample(frac=1, random_state=0)
    beside = survival(shuffled, thresholds=[0.0, 0.5]).curves
    pd.testing.assert_frame_equal(beside[beside["group"] == "a"].reset_index(drop=True), alone)


def test_groups_may_be_null_and_several_columns():
    table = table_of([np.array([0.1]), np.array([0.9])])
    table["target.kind"] = pd.Categorical(["gaussian", None])
    table["ratio"] = [2.0, np.nan]
    found = survival(table, by=["target.kind", "ratio"], thresholds=[0.5])
    assert found.groups["networks"].tolist() == [1, 1]
    assert found.groups["target.kind"].isna().tolist() == [False, True]
    assert found.curves["fraction"].tolist() == [0.0, 1.0]


def test_the_default_thresholds_hold_the_usual_criteria_and_each_largest_score():
    table = pd.concat([table_of([np.array([0.1234567])], "a"), table_of([np.array([1.7123])], "b")])
    thresholds = survival(table).curves["threshold"].unique()
    assert {0.3, 0.75, 0.8, 0.85, 1.0, 1.15, 1.2, 0.1234567, 1.7123} <= set(thresholds)
    assert thresholds[0] == -0.5
    assert thresholds[-1] >= 1.7123


def test_shares_above_the_usual_thresholds_are_those_of_the_curve():
    rng = np.random.default_rng(6)
    table = table_of(list(rng.normal(0.3, 0.5, size=(8, 50))))
    shares = fractions_above(table)
    assert shares["threshold"].tolist() == [0.3, 0.75, 0.8, 0.85, 1.0, 1.15, 1.2]
    scores = table["grid_score_60"].to_numpy()
    assert shares["units_above"].tolist() == [(scores > t).sum() for t in shares["threshold"]]
    best = table.groupby("run_id")["grid_score_60"].max()
    assert shares["networks_with"].tolist() == [(best > t).sum() for t in shares["threshold"]]
    curves = survival(table).curves.set_index("threshold")
    at = curves.loc[shares["threshold"], ["fraction", "low", "high"]].to_numpy()
    np.testing.assert_array_equal(at, shares[["fraction", "low", "high"]])


def test_wilson_intervals_have_a_width_where_all_networks_agree():
    low, high = wilson_interval(np.array([0, 3, 7]), 7, 0.95)
    assert (low[0], high[-1]) == (0.0, 1.0)
    assert high[0] == pytest.approx(0.3543, abs=1e-4)
    assert (low[1], high[1]) == pytest.approx((0.1582, 0.7495), abs=1e-4)


@pytest.mark.slow
def test_ten_thousand_draws_over_all_published_networks_take_seconds():
    rng = np.random.default_rng(7)
    counts = rng.integers(0, 1024, size=(11_608, 421))
    fractions = bootstrap_fractions(counts, np.full(11_608, 1024), 10_000, rng)
    assert fractions.shape == (10_000, 421)
