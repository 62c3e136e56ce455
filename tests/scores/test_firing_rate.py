import functools

import numpy as np

from gridsweep import scores

measure = functools.partial(scores.measure, only=["firing_rate"])


def maps_of(*values):
    """One map per value, or per four rows of values."""
    return np.stack([np.broadcast_to(np.asarray(value, float), (4, 4)) for value in values])


def test_rates_are_those_of_the_visited_bins():
    partly = np.full((4, 4), np.nan)
    partly[0, :3] = [1.0, 2.0, 6.0]
    found = measure(np.stack([partly, np.arange(16.0).reshape(4, 4)]))
    np.testing.assert_allclose(found["mean_rate"], [3.0, 7.5])
    np.testing.assert_allclose(found["peak_rate"], [6.0, 15.0])
    assert found["silent"].tolist() == [False, False]


def test_the_peak_of_rates_below_zero_is_below_zero():
    found = measure(maps_of(-0.5))
    assert found["peak_rate"] == -0.5
    assert not found["silent"]


def test_a_unit_is_silent_when_every_visited_bin_is_exactly_zero():
    some_unvisited = np.zeros((4, 4))
    some_unvisited[1] = np.nan
    almost = np.zeros((4, 4))
    almost[2, 2] = 1e-30
    found = measure(np.stack([some_unvisited, almost]))
    assert found["silent"].tolist() == [True, False]
    assert found["silent"].dtype == bool


def test_a_unit_without_a_visited_bin_has_rates_of_zero():
    found = measure(maps_of(np.nan))
    assert found["mean_rate"] == 0.0
    assert found["peak_rate"] == 0.0
    assert found["silent"]
