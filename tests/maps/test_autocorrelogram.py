import jax
import numpy as np
import pytest

from benchmarks.peers import scorer
from gridsweep.maps.autocorrelogram import autocorrelogram, count_lags, half_autocorrelogram


def in_float64(function, *arrays):
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, jax.jit(function)(*arrays))


def slow_autocorrelogram(rate_map):
    """Pearson correlation at each lag from the two overlapping windows themselves."""
    bins = len(rate_map)
    found = np.zeros((2 * bins - 1, 2 * bins - 1))
    for lag_x in range(1 - bins, bins):
        for lag_y in range(1 - bins, bins):
            here = rate_map[max(0, -lag_x) : bins - max(0, lag_x), max(0, -lag_y) : bins - max(0, lag_y)]
            there = rate_map[max(0, lag_x) : bins + min(0, lag_x), max(0, lag_y) : bins + min(0, lag_y)]
            if np.ptp(here) > 0 and np.ptp(there) > 0:
                found[lag_x + bins - 1, lag_y + bins - 1] = np.corrcoef(here.ravel(), there.ravel())[0, 1]
    return found


@pytest.mark.parametrize("bins", [4, 5, 9, 12])
def test_each_lag_holds_the_correlation_of_the_overlapping_windows(bins):
    maps = np.random.default_rng(bins).normal(size=(3, bins, bins))
    expected = np.stack([slow_autocorrelogram(rate_map) for rate_map in maps])
    np.testing.assert_allclose(in_float64(autocorrelogram, maps), expected, rtol=0, atol=1e-12)


def test_unvisited_bins_count_as_zero_rate():
    maps = np.random.default_rng(1).random((2, 8, 8))
    maps[:, 2:4, 5] = np.nan
    filled = np.nan_to_num(maps)
    np.testing.assert_array_equal(in_float64(autocorrelogram, maps), in_float64(autocorrelogram, filled))


def test_the_middle_is_one_and_the_whole_is_centrally_symmetric():
    found = in_float64(autocorrelogram, np.random.default_rng(2).random((2, 9, 9)))
    np.testing.assert_allclose(found[:, 8, 8], 1.0, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found, found[:, ::-1, ::-1])


def test_rates_may_be_scaled_and_shifted():
    maps = np.random.default_rng(3).random((2, 10, 10))
    changed = in_float64(autocorrelogram, 37.0 * maps + 2.0)
    np.testing.assert_allclose(changed, in_float64(autocorrelogram, maps), rtol=0, atol=1e-9)


def test_windows_without_variance_are_guarded_and_counted():
    stripes = np.tile(np.array([0.0, 0.0, 1.0, 0.0, 0.0, 0.0]), (6, 1)).T
    maps = np.stack([np.zeros((6, 6)), np.full((6, 6), 0.3), stripes])
    half = in_float64(half_autocorrelogram, maps)
    whole = in_float64(autocorrelogram, maps)
    assert np.all(np.isfinite(whole))
    assert np.all(whole[:2] == 0.0)
    expected = np.sum(slow_autocorrelogram(stripes) == 0.0)  # overlaps that hold no stripe on one side
    np.testing.assert_array_equal(in_float64(count_lags, half.guarded), [121, 121, expected])


def test_the_far_tail_of_a_place_like_map_keeps_its_own_precision():
    x, y = np.mgrid[-1.1:1.1:20j, -1.1:1.1:20j]
    bump = np.exp(-((x + 0.6) ** 2 + (y - 0.5) ** 2) / (2 * 0.1**2))  # from 1 down to 1e-112
    found = in_float64(autocorrelogram, bump[None])[0]
    assert np.max(np.abs(found)) < 1.0 + 1e-9
    np.testing.assert_allclose(found, scorer.autocorrelogram(bump), rtol=0, atol=1e-9)
