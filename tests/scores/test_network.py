import numpy as np
import pytest

from gridsweep.scores import _network, measure_network, network_columns
from results_schema.fields import NETWORK

SCORES = {
    "grid_score_60": np.array([0.0, 0.0, 0.9, 0.5, 1.3, -0.4, 0.8, 0.2, 0.31, 1.0]),
    "grid_score_90": np.array([0.0, 1.45, 1.0, 0.2, 1.6, -0.4, 0.8, 0.2, 0.31, 1.2]),
}


def test_its_columns_are_those_of_the_contract():
    assert set(network_columns()) == set(NETWORK)


def test_fractions_count_every_unit_and_only_what_exceeds_the_threshold():
    found = _network.summarise(SCORES)
    assert found["fraction_grid_score_60_above_0_8"] == pytest.approx(3 / 10)
    assert found["fraction_grid_score_60_above_0_3"] == pytest.approx(6 / 10)
    assert found["fraction_grid_score_60_above_1_2"] == pytest.approx(1 / 10)
    assert found["fraction_grid_score_90_above_1_0"] == pytest.approx(3 / 10)
    assert found["fraction_grid_score_90_above_1_5"] == pytest.approx(1 / 10)


def test_maximum_and_quantiles_are_those_of_all_units():
    found = _network.summarise(SCORES)
    assert found["grid_score_60_max"] == 1.3
    assert found["grid_score_90_max"] == 1.6
    assert found["grid_score_60_q50"] == pytest.approx(np.median(SCORES["grid_score_60"]))
    assert found["grid_score_90_q75"] == pytest.approx(np.quantile(SCORES["grid_score_90"], 0.75))
    ordered = [found[f"grid_score_90_q{percent}"] for percent in (50, 75, 90, 95, 99)]
    assert ordered == sorted(ordered)


def test_a_network_without_units_has_no_scores():
    nothing = {score: np.zeros(0) for score in SCORES}
    assert set(_network.summarise(nothing).values()) == {None}


def test_floors_are_whole_numbers_beside_their_ratios():
    maps = np.random.default_rng(0).random((9, 8, 8)).astype(np.float32)
    found = measure_network(maps, {score: values[:9] for score, values in SCORES.items()})
    for form in ("units_as_samples", "bins_as_samples"):
        ratio = found[f"rate_map_participation_ratio_{form}"]
        assert found[f"rate_map_participation_ratio_{form}_floor"] == int(ratio) < ratio
    assert isinstance(found["rate_map_rank"], int)
