"""The null against SciPy's filter."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from gridsweep.evaluations.corrected import Corrected
from gridsweep.systems.filtered_noise import FilteredNoise, smoothing_matrix


def null(**settings):
    return FilteredNoise(units=3, evaluation=(Corrected(bins=(12, 20)),), **settings)


@pytest.mark.parametrize("bins", [8, 20, 44])
@pytest.mark.parametrize("width_bins", [0.3, 1.0, 3.0, 7.7, 40.0, 64.0])
def test_smoothing_is_that_of_scipy_with_reflecting_edges(bins, width_bins):
    noise = np.random.default_rng(0).normal(size=(bins, bins))
    blur = np.asarray(smoothing_matrix(bins, width_bins), float)
    np.testing.assert_allclose(
        blur @ noise @ blur.T, gaussian_filter(noise, width_bins, mode="reflect"), atol=1e-5
    )


def test_smoothing_keeps_a_constant_map_and_its_width_may_be_traced():
    widths_bins = jnp.array([0.5, 3.0, 20.0])
    blurs = jax.vmap(lambda width_bins: smoothing_matrix(16, width_bins))(widths_bins)
    np.testing.assert_allclose(blurs.sum(axis=2), 1.0, atol=1e-5)
    np.testing.assert_allclose(blurs[1], smoothing_matrix(16, 3.0), atol=1e-6)


@pytest.mark.parametrize("threshold", ["rectified", "signed"])
def test_maps_are_smoothed_noise_cut_at_zero_if_asked(threshold):
    system = null(threshold=threshold, smoothing_bins=2.0)
    keys = system.keys()
    seen = system.observe(system.init(keys), keys)
    for bins in (12, 20):
        noise = np.asarray(jax.random.normal(jax.random.fold_in(keys.noise, bins), (3, bins, bins)), float)
        smooth = np.stack([gaussian_filter(unit, 2.0, mode="reflect") for unit in noise])
        expected = np.maximum(smooth, 0) if threshold == "rectified" else smooth
        np.testing.assert_allclose(seen.maps["corrected", bins], expected, atol=1e-5)
        np.testing.assert_array_equal(seen.visits["corrected", bins], 1.0)


def test_the_noise_depends_on_its_seed_and_not_on_the_filter():
    narrow, wide, other = (
        null(smoothing_bins=1e-3),
        null(smoothing_bins=5.0),
        null(seed=1, smoothing_bins=1e-3),
    )
    raw, _, different = (
        system.observe(system.init(system.keys()), system.keys()).maps["corrected", 12]
        for system in (narrow, wide, other)
    )
    noise = jax.random.normal(jax.random.fold_in(wide.keys().noise, 12), (3, 12, 12))
    np.testing.assert_allclose(raw, np.maximum(noise, 0), atol=1e-6)
    assert not np.array_equal(raw, different)
