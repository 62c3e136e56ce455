import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gridsweep.analysis import area_between, difference, permutation_test, survival


def table_of(**groups):
    """A row a unit, from lists of arrays of scores by group."""
    frames = [
        pd.DataFrame({"run_id": f"{group}{i}", "grid_score_60": scores, "silent": False, "group": group})
        for group, networks in groups.items()
        for i, scores in enumerate(networks)
    ]
    return pd.concat(frames, ignore_index=True)


def clustered(rng, networks, units, mean=0.1, spread=0.2):
    """Networks whose mean scores differ."""
    means = mean + spread * rng.normal(size=(networks, 1))
    return list(means + 0.3 * rng.normal(size=(networks, units)))


def test_the_difference_is_that_of_the_curves():
    rng = np.random.default_rng(0)
    table = table_of(a=clustered(rng, 4, 30), b=clustered(rng, 5, 20, mean=0.3))
    table.loc[::7, "silent"] = True
    found = difference(table, "b", "a", (0.3, 0.8), draws=200)
    curves = survival(table, thresholds=(0.3, 0.8), draws=20)
    for frame, columns in (
        (curves.curves, ("first", "second")),
        (curves.best, ("network_first", "network_second")),
    ):
        shares = frame.set_index(["group", "threshold"])["fraction"]
        np.testing.assert_allclose(found[columns[0]], shares["b"], rtol=1e-12)
        np.testing.assert_allclose(found[columns[1]], shares["a"], rtol=1e-12)
    np.testing.assert_allclose(found["difference"], found["first"] - found["second"])
    assert (found["low"] <= found["difference"]).all()
    assert (found["difference"] <= found["high"]).all()


def test_intervals_of_differences_and_areas_cover_the_truth():
    rng = np.random.default_rng(1)
    rounds = 120
    at = stats.norm.sf(np.array([(0.3 - 0.3), (0.3 - 0.1)]) / np.hypot(0.2, 0.3))
    # The area beyond t of a normal curve: sd * (density - t * tail) at t in units of sd.
    sd = np.hypot(0.2, 0.3)
    z = (0.3 - np.array([0.3, 0.1])) / sd
    areas = sd * (stats.norm.pdf(z) - z * stats.norm.sf(z))
    shares_covered = areas_covered = 0
    for seed in range(rounds):
        table = table_of(a=clustered(rng, 10, 100, mean=0.3), b=clustered(rng, 10, 100))
        row = difference(table, "a", "b", (0.3,), draws=400, seed=seed).iloc[0]
        shares_covered += row["low"] <= at[0] - at[1] <= row["high"]
        area = area_between(table, "a", "b", 0.3, draws=400, seed=seed)
        areas_covered += area.low <= areas[0] - areas[1] <= area.high
    for covered in (shares_covered, areas_covered):
        assert covered / rounds > 0.88


def test_the_area_is_the_integral_of_the_difference_of_the_curves():
    rng = np.random.default_rng(2)
    table = table_of(a=clustered(rng, 3, 40), b=clustered(rng, 3, 40))
    thresholds = np.linspace(0.2, 2.5, 20_001)
    curves = survival(table, thresholds=thresholds, draws=2).curves.pivot(index="threshold", columns="group")
    steps = (curves["fraction"]["a"] - curves["fraction"]["b"]).to_numpy()
    integral = np.trapezoid(steps, thresholds)
    assert area_between(table, "a", "b", 0.2, draws=10).area == pytest.approx(integral, abs=1e-4)


def test_newcombe_s_interval_is_the_published_one():
    # Newcombe 1998, table II, comparison (a), method 10: 56/70 against 48/80.
    networks = {
        "a": [np.array([1.0])] * 56 + [np.array([0.0])] * 14,
        "b": [np.array([1.0])] * 48 + [np.array([0.0])] * 32,
    }
    row = difference(table_of(**networks), "a", "b", (0.5,), draws=2).iloc[0]
    assert row["network_difference"] == pytest.approx(0.2)
    assert (row["network_low"], row["network_high"]) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_a_single_network_has_no_interval():
    table = table_of(a=[np.array([0.9, 0.1])], b=[np.array([0.2, 0.1]), np.array([0.5, 0.1])])
    found = difference(table, "a", "b", (0.3,)).iloc[0]
    assert found["difference"] == pytest.approx(0.25)
    assert np.isnan(found["low"])
    assert np.isnan(found["network_low"])
    assert np.isnan(area_between(table, "a", "b").low)


def test_the_permutation_test_is_the_exact_one_where_every_deal_can_be_listed():
    rng = np.random.default_rng(3)
    table = table_of(a=clustered(rng, 4, 50, mean=0.35), b=clustered(rng, 4, 50))
    excess = np.clip(table["grid_score_60"] - 0.3, 0, None).groupby(table["run_id"]).mean()
    exact = stats.permutation_test(
        (excess[[f"a{i}" for i in range(4)]], excess[[f"b{i}" for i in range(4)]]),
        lambda x, y: x.mean() - y.mean(),
        alternative="greater",
        permutation_type="independent",
    )
    found = permutation_test(table, "a", "b", permutations=20_000)
    assert found.area == pytest.approx(exact.statistic)
    assert found.p_value == pytest.approx(exact.pvalue, abs=0.01)
    assert found.networks == (4, 4)


def test_under_the_null_the_p_value_is_uniform_and_under_a_difference_small():
    rng = np.random.default_rng(4)
    p_values = [
        permutation_test(
            table_of(a=clustered(rng, 5, 20), b=clustered(rng, 6, 20)), "a", "b", permutations=200
        ).p_value
        for _ in range(150)
    ]
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
    apart = table_of(a=clustered(rng, 6, 200, mean=0.9), b=clustered(rng, 6, 200))
    assert permutation_test(apart, "a", "b").p_value < 0.01
    assert permutation_test(apart, "b", "a").p_value > 0.99


def test_permutations_in_pieces_are_the_permutations_at_once(monkeypatch):
    rng = np.random.default_rng(5)
    table = table_of(a=clustered(rng, 3, 10), b=clustered(rng, 3, 10))
    whole = permutation_test(table, "a", "b", permutations=50)
    monkeypatch.setattr("gridsweep.analysis.comparison._CELLS_AT_ONCE", 6 * 7)
    assert permutation_test(table, "a", "b", permutations=50) == whole


def test_an_unknown_group_is_named_beside_those_there_are():
    table = table_of(a=[np.array([0.1])], b=[np.array([0.2])])
    with pytest.raises(ValueError, match="found no group 'c' in group, expected one of 'a', 'b'"):
        difference(table, "a", "c")
