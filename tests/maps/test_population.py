import jax
import numpy as np
import pytest
from scipy import ndimage

from gridsweep.maps import population


def in_float64(function, maps):
    with jax.enable_x64(True):
        return float(jax.jit(function)(np.asarray(maps, float)))


def eigenvalue_ratio(samples):
    eigenvalues = np.linalg.eigvalsh(np.cov(samples, rowvar=False))
    return eigenvalues.sum() ** 2 / (eigenvalues**2).sum()


def smoothed(maps):
    filled = np.nan_to_num(maps)
    return np.stack([ndimage.gaussian_filter(rate_map, 2.0) for rate_map in filled]).reshape(len(maps), -1)


def some_maps(units, bins=8, seed=0):
    maps = np.random.default_rng(seed).random((units, bins, bins)) ** 3
    maps[:, 2, 3:5] = np.nan
    return maps


@pytest.mark.parametrize("units", [12, 90])
def test_each_form_is_its_definition_on_either_side_of_the_matrix(units):
    maps = some_maps(units)
    by_units = in_float64(population.participation_ratio_of_units, maps)
    by_bins = in_float64(population.participation_ratio_of_bins, maps)
    visited = ~np.isnan(maps[0]).ravel()
    np.testing.assert_allclose(by_units, eigenvalue_ratio(smoothed(maps)), rtol=1e-9)
    np.testing.assert_allclose(by_bins, eigenvalue_ratio(maps.reshape(units, -1)[:, visited].T), rtol=1e-9)
    assert abs(by_units - by_bins) > 0.5


def test_units_that_differ_in_one_way_have_one_dimension_and_equal_units_none():
    shape = np.outer(np.hanning(8), np.ones(8))
    maps = np.linspace(1.0, 2.0, 6)[:, None, None] * shape[None]
    assert in_float64(population.participation_ratio_of_units, maps) == pytest.approx(1.0)
    assert in_float64(population.participation_ratio_of_bins, maps) == pytest.approx(1.0)
    assert in_float64(population.participation_ratio_of_units, np.tile(maps[:1], (6, 1, 1))) == 0.0
    assert in_float64(population.participation_ratio_of_units, np.zeros((6, 8, 8))) == 0.0
    assert in_float64(population.participation_ratio_of_bins, np.zeros((6, 8, 8))) == 0.0


@pytest.mark.parametrize("units", [12, 90])
@pytest.mark.parametrize("ways", [1, 5])
def test_the_rank_is_the_number_of_independent_maps_up_to_the_rounding_of_float32(units, ways):
    rng = np.random.default_rng(ways)
    maps = (rng.normal(size=(units, ways)) @ rng.random((ways, 64))).reshape(units, 8, 8).astype(np.float32)
    assert in_float64(population.rank, maps) == ways
    assert in_float64(population.rank, 1e-20 * maps) == ways
    assert np.linalg.matrix_rank(smoothed(maps.astype(float)), rtol=max(units, 64) * 2.0**-23) == ways


def test_the_rank_of_nothing_is_none():
    assert in_float64(population.rank, np.zeros((12, 8, 8))) == 0
