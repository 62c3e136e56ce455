"""Maps read on bins that are not their own: means over areas, exact wherever bins fit."""

import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.maps.area_mean import area_mean, overlaps, share_samples


@pytest.mark.parametrize(("points", "bins"), [(12, 12), (12, 4), (12, 24), (55, 44), (44, 55), (7, 8)])
def test_bins_cover_the_square_once(points, bins):
    shares = overlaps(points, bins)
    np.testing.assert_allclose(shares.sum(axis=0), 1.0, atol=1e-6)
    np.testing.assert_allclose(shares.sum(axis=1), points / bins, atol=1e-5)


@pytest.mark.parametrize(("points", "bins"), [(12, 4), (12, 6)])
def test_a_bin_of_whole_pieces_holds_their_mean(points, bins):
    maps = np.random.default_rng(0).normal(size=(3, points, points))
    whole = points // bins
    expected = maps.reshape(3, bins, whole, bins, whole).mean(axis=(2, 4))
    np.testing.assert_allclose(area_mean(jnp.float32(maps), bins), expected, atol=1e-6)


def test_equal_bins_and_finer_ones_that_fit_change_nothing():
    maps = jnp.float32(np.random.default_rng(1).normal(size=(2, 6, 6)))
    np.testing.assert_array_equal(area_mean(maps, 6), maps)
    np.testing.assert_allclose(area_mean(maps, 12), np.kron(maps, np.ones((2, 2))), atol=1e-6)


def test_the_mean_of_a_map_survives_any_bins():
    maps = jnp.float32(np.random.default_rng(2).normal(size=(2, 55, 55)))
    np.testing.assert_allclose(
        np.mean(area_mean(maps, 44), axis=(1, 2)), np.mean(maps, axis=(1, 2)), atol=1e-6
    )
    visits = jnp.abs(maps[0])
    assert float(share_samples(visits, 44).sum()) == pytest.approx(float(visits.sum()), rel=1e-5)
