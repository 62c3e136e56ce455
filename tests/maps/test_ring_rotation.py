import functools

import jax
import numpy as np
import pytest
from scipy import ndimage

from gridsweep.maps.autocorrelogram import HalfAutocorrelogram
from gridsweep.maps.ring_rotation import TURNS_DEG, ring_rotation, turn_rings

assert_close = functools.partial(np.testing.assert_allclose, rtol=0, atol=1e-12)


def symmetric_noise(bins, units):
    noise = np.random.default_rng(bins).normal(size=(units, 2 * bins - 1, 2 * bins - 1))
    return noise + noise[:, ::-1, ::-1]


def turned_rings(whole, rotation):
    half = np.moveaxis(whole[:, whole.shape[1] // 2 :], 0, -1)
    with jax.enable_x64(True):
        rings = turn_rings(HalfAutocorrelogram(half, np.zeros(half.shape, bool), half), rotation)
        return jax.tree.map(np.asarray, rings)


def values_at(whole, places, bins):
    """The values of a whole autocorrelogram at places of the flattened half plane; zero when empty."""
    half = whole[:, bins - 1 :].reshape(len(whole), -1)
    return np.moveaxis(np.concatenate([half, np.zeros((len(whole), 1))], axis=1)[:, places], 0, -1)


@pytest.mark.parametrize("bins", [4, 5, 10, 13, 20])
def test_turned_rings_are_those_of_scipy(bins):
    whole = symmetric_noise(bins, units=2)
    edges = (0.2 * bins, 0.5 * bins, 1.0 * bins)
    rotation = ring_rotation(bins, edges)
    rings = turned_rings(whole, rotation)
    for turn, angle in enumerate(TURNS_DEG):
        once = ndimage.rotate(whole, angle, axes=(2, 1), reshape=False)
        assert_close(rings.turned[turn], values_at(once, rotation.plain, bins))
        # Turned by a quarter more, the same value stands at the quarter-turned pixel.
        more = ndimage.rotate(whole, angle + 90, axes=(2, 1), reshape=False)
        assert_close(rings.turned[turn], values_at(more, rotation.quarter, bins))
    quarter = ndimage.rotate(whole, 90, axes=(2, 1), reshape=False)
    assert_close(rings.quarter, values_at(quarter, rotation.plain, bins))


def test_each_annulus_holds_one_of_each_pair_of_opposite_pixels():
    bins, edges = 12, (2.4, 4.8, 12.0)
    rotation = ring_rotation(bins, edges)
    x, y = np.mgrid[1 - bins : bins, 1 - bins : bins]
    radius = np.sqrt(x**2 + y**2)
    rings = turned_rings(radius[None], rotation)
    for annulus, (low, high) in enumerate([(2.4, 4.8), (4.8, 12.0)]):
        inside = np.sort(radius[(radius > low) & (radius <= high)])
        found = np.sort(np.repeat(rings.plain[annulus, : rotation.pixels[annulus], 0], 2))
        np.testing.assert_array_equal(found, inside)
        assert np.all(rings.plain[annulus, rotation.pixels[annulus] :] == 0)


def test_the_operator_stays_small():
    weights = ring_rotation(44, (8.8, 44.0)).weights
    assert weights.nbytes < 20e6
