import numpy as np
import pandas as pd
import pytest

from gridsweep.analysis.per_network import mean_with_band, quantiles_of_networks


def test_quantiles_are_those_of_each_network_and_silent_units_are_the_lowest():
    table = pd.DataFrame(
        {
            "group": ["a"] * 9,
            "run_id": ["x"] * 5 + ["y"] * 4,
            "grid_score_90": [0.1, 0.2, 0.3, 0.4, 0.5, 9.0, 9.0, 9.0, 0.7],
            "silent": [False] * 5 + [True, True, True, False],
        }
    )
    found = quantiles_of_networks(table, (0.5, 1.0)).set_index(["run_id", "quantile"])["value"]
    assert found["x", 0.5] == 0.3
    assert found["x", 1.0] == 0.5
    assert np.isnan(found["y", 0.5])
    assert found["y", 1.0] == 0.7


def test_the_band_of_a_mean_covers_it():
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        _, low, high = mean_with_band(rng.normal(0.4, 0.1, 8), draws=300, seed=seed)
        covered += low <= 0.4 <= high
    assert covered / 200 > 0.9


def test_a_single_network_has_no_band_and_none_has_no_mean():
    mean, low, _ = mean_with_band(np.array([0.3, np.nan]))
    assert mean == pytest.approx(0.3)
    assert np.isnan(low)
    assert np.isnan(mean_with_band(np.array([np.nan]))[0])
