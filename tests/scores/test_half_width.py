import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from benchmarks.peers import scorer
from gridsweep.maps.autocorrelogram import half_autocorrelogram
from gridsweep.scores import measure
from gridsweep.scores.half_width import first_fall, radial_average

SIDE_M = 2.2


def half_width_m(maps, side_m=SIDE_M):
    return measure(maps, side_m, only=["half_width"])["autocorrelogram_half_width_m"]


def smooth_noise(width_bins, maps, bins):
    noise = np.random.default_rng(bins).normal(size=(maps, bins, bins))
    return ndimage.gaussian_filter(noise, (0, width_bins, width_bins))


def slow_half_width_bins(rate_map):
    """Annulus by annulus over the whole of the plain autocorrelogram."""
    whole = scorer.autocorrelogram(rate_map)
    bins = len(rate_map)
    x, y = np.mgrid[1 - bins : bins, 1 - bins : bins]
    radius = np.hypot(x, y)
    radii, values = [], []
    for number in range(bins):
        on_annulus = np.rint(radius) == number
        radii.append(radius[on_annulus].mean())
        known = on_annulus & (whole != 0.0)  # a guarded lag holds an exact 0
        values.append(whole[known].mean() if known.any() else np.nan)
    for inner in range(bins - 1):
        if values[inner] > 0.5 >= values[inner + 1]:
            share = (values[inner] - 0.5) / (values[inner] - values[inner + 1])
            return radii[inner] + share * (radii[inner + 1] - radii[inner])
    return np.nan


def test_the_radius_is_that_of_a_search_through_the_whole_autocorrelogram():
    maps = smooth_noise(1.5, 12, 16)
    maps[4:8] = np.maximum(maps[4:8], 0.0)
    maps[8:10, :5] = 0.0
    maps[10, 3:6] = np.nan
    expected = [slow_half_width_bins(rate_map) * SIDE_M / 16 for rate_map in maps]
    np.testing.assert_allclose(half_width_m(maps), expected, rtol=1e-9)
    assert np.all(np.isfinite(expected))


@pytest.mark.parametrize("width_bins", [2.0, 3.0])
def test_smoothed_noise_has_the_half_width_of_its_filter(width_bins):
    expected_m = 2 * width_bins * np.sqrt(np.log(2)) * SIDE_M / 44
    found = half_width_m(smooth_noise(width_bins, 128, 44))
    # In a box of finite size the mean of each window is taken out, and with it some of the correlation.
    np.testing.assert_allclose(np.median(found), expected_m, rtol=0.05)


def test_rates_may_be_scaled_and_shifted_and_metres_follow_the_side():
    maps = smooth_noise(1.5, 4, 16)
    plain = half_width_m(maps)
    np.testing.assert_allclose(half_width_m(3.0 * maps + 2.0), plain, rtol=1e-9)
    np.testing.assert_allclose(half_width_m(maps, 1.1), plain / 2, rtol=1e-12)


def test_a_constant_map_has_none():
    assert np.all(np.isnan(half_width_m(np.stack([np.zeros((16, 16)), np.full((16, 16), 0.3)]))))


def test_the_average_is_1_at_the_centre_and_counts_each_pair_of_lags_twice():
    maps = smooth_noise(1.5, 3, 16)
    with jax.enable_x64(True):
        found = jax.jit(lambda maps: radial_average(half_autocorrelogram(maps)))(maps)
    radius, mean = map(np.asarray, found)
    np.testing.assert_allclose(mean[0], 1.0, atol=1e-12)
    assert radius[0] == 0.0
    np.testing.assert_allclose(radius[1], (1 + np.sqrt(2)) / 2, rtol=1e-12)
    whole = scorer.autocorrelogram(maps[0])[14:17, 14:17].ravel()
    np.testing.assert_allclose(mean[1, 0], np.delete(whole, 4).mean(), rtol=1e-9)


def test_the_first_fall_counts_and_is_found_between_two_radii():
    values = jnp.array([[1.0, 0.8, 0.2, 0.9, 0.1], [1.0, 0.9, 0.8, 0.7, 0.6], [1.0, np.nan, 0.4, 0.3, 0.2]]).T
    found = first_fall(jnp.arange(5.0), values, 0.5)
    np.testing.assert_allclose(found, [1.5, np.nan, np.nan], rtol=1e-6)
