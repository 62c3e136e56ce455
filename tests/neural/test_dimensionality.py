"""The participation ratio in its three definitions; fact numbers are those of the specification, acceptance 7."""

import hypothesis
import hypothesis.extra.numpy
import hypothesis.strategies as st
import jax
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from gridsweep.maps import dimensionality as in_jax
from gridsweep.neural.dimensionality import map_rank, of_bins, of_units, participation_ratio


def slowly(samples):
    values = np.linalg.eigvalsh(np.cov(samples, rowvar=False))
    return values.sum() ** 2 / np.sum(values**2)


def test_an_isotropic_gaussian_has_its_dimensions():
    """Fact 1: 10 within .1 at 20,000 samples."""
    samples = np.random.default_rng(0).normal(size=(20_000, 10))
    assert participation_ratio(samples) == pytest.approx(10, abs=0.1)


def test_halving_eigenvalues_have_nearly_three():
    """Fact 1: 2^-i for i = 0 to 9 give 2.994."""
    axes, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(400, 10)) @ np.eye(10))
    axes -= axes.mean(axis=0)
    axes, _ = np.linalg.qr(axes)
    assert participation_ratio(axes * np.sqrt(2.0 ** -np.arange(10))) == pytest.approx(2.994, abs=0.001)


matrices = hypothesis.extra.numpy.arrays(
    float, st.tuples(st.integers(3, 30), st.integers(2, 12)), elements=st.floats(-10, 10, width=16)
)


@hypothesis.given(matrices, st.integers(0, 1000))
def test_it_lies_between_one_and_the_rank_and_ignores_scale_and_rotation(samples, seed):
    """Fact 1."""
    hypothesis.assume(np.ptp(samples, axis=0).max() > 0.1)
    ratio = participation_ratio(samples)
    rank = np.linalg.matrix_rank(samples - samples.mean(axis=0))
    assert 1 - 1e-9 <= ratio <= rank + 1e-9
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(samples.shape[1],) * 2))
    assert participation_ratio(-3.7 * samples @ turn + 5.0) == pytest.approx(ratio, rel=1e-6)
    if samples.shape[1] > 1:
        assert ratio == pytest.approx(slowly(samples), rel=1e-6)


def some_maps():
    rng = np.random.default_rng(2)
    maps = gaussian_filter(rng.normal(size=(12, 20, 20)), sigma=(0, 2, 2)) + rng.normal(size=(12, 1, 1))
    maps[:, 0, :2] = np.nan
    return maps


def test_units_as_samples_is_the_published_definition():
    maps = some_maps()
    smooth = np.stack([gaussian_filter(np.nan_to_num(one), 2) for one in maps]).reshape(12, -1)
    assert of_units(maps) == pytest.approx(slowly(smooth), rel=1e-6)


def test_bins_as_samples_is_the_population_s_own_and_another_number():
    maps = some_maps()
    flat = maps.reshape(12, -1).T
    assert of_bins(maps) == pytest.approx(slowly(flat[np.isfinite(flat).all(axis=1)]), rel=1e-6)
    assert abs(of_bins(maps) - of_units(maps)) > 0.5


def test_it_equals_the_one_in_jax():
    activity = np.random.default_rng(3).normal(size=(500, 7)) * np.arange(1, 8)
    with jax.enable_x64(True):
        assert participation_ratio(activity) == pytest.approx(
            float(in_jax.participation_ratio(activity)), rel=1e-5
        )


def test_what_does_not_vary_has_no_dimensions_and_what_is_not_finite_is_refused():
    assert participation_ratio(np.ones((5, 3))) == 0.0
    with pytest.raises(ValueError, match="not finite"):
        participation_ratio(np.array([[1.0, np.nan], [2.0, 3.0]]))
    with pytest.raises(ValueError, match="at least two samples"):
        participation_ratio(np.ones((1, 3)))


def test_the_rank_counts_independent_maps():
    maps = some_maps()
    assert map_rank(np.concatenate([maps, 2 * maps[:3]])) == 12
