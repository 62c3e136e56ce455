import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.maps import dimensionality
from gridsweep.maps.dimensionality import nearest_distances, subsample

# Few shapes: compiling is what these tests spend their time on.
dimensions = jax.jit(dimensionality.dimensions)
participation_ratio = jax.jit(dimensionality.participation_ratio)
two_nn = jax.jit(lambda samples: dimensionality.two_nn_of_distances(nearest_distances(samples, 2)))


def gaussian(samples, spread, seed=0):
    spread = np.asarray(spread, float)
    return np.random.default_rng(seed).normal(size=(samples, len(spread))) * np.sqrt(spread)[None]


def slow_participation_ratio(samples):
    eigenvalues = np.linalg.eigvalsh(np.cov(samples, rowvar=False))
    return eigenvalues.sum() ** 2 / (eigenvalues**2).sum()


def slow_distances(samples, neighbours):
    rows = []
    for here in range(len(samples)):
        others = [np.linalg.norm(samples[here] - other) for i, other in enumerate(samples) if i != here]
        rows.append(sorted(others)[:neighbours])
    return np.array(rows)


def slow_two_nn(samples):
    ratios = np.sort([far / near for near, far in slow_distances(samples, 2) if near > 0])
    kept = int(0.9 * len(ratios))
    x = np.log(ratios[:kept])
    y = -np.log(1 - np.arange(1, kept + 1) / len(ratios))
    return np.linalg.lstsq(x[:, None], y, rcond=None)[0][0]


def slow_method_of_moments(samples, neighbours):
    return np.mean([row.mean() / (row[-1] - row.mean()) for row in slow_distances(samples, neighbours)])


@pytest.mark.parametrize("shape", [(40, 7), (7, 40), (30, 30)])
def test_participation_ratio_is_that_of_the_eigenvalues_on_either_side(shape):
    samples = np.random.default_rng(1).random(shape) ** 3
    found = participation_ratio(samples.astype(np.float32))
    np.testing.assert_allclose(found, slow_participation_ratio(samples), rtol=1e-5)


def test_participation_ratio_of_known_spectra():
    np.testing.assert_allclose(participation_ratio(gaussian(20_000, np.ones(10))), 10, atol=0.1)
    np.testing.assert_allclose(participation_ratio(gaussian(20_000, 2.0 ** -np.arange(10))), 2.994, atol=0.05)


def test_participation_ratio_of_an_exact_spectrum():
    # Orthogonal columns of length sqrt(2^-i): the covariance has these eigenvalues to the last digit.
    columns, _ = np.linalg.qr(gaussian(50, np.ones(10)) - gaussian(50, np.ones(10)).mean(axis=0))
    centred = np.linalg.qr(columns - columns.mean(axis=0))[0] * np.sqrt(2.0 ** -np.arange(10))[None]
    np.testing.assert_allclose(participation_ratio(centred.astype(np.float32)), 2.994, atol=1e-3)


def test_participation_ratio_ignores_scale_offset_and_rotation():
    samples = gaussian(80, 0.5 ** np.arange(6))
    turn, _ = np.linalg.qr(gaussian(6, np.ones(6), seed=2))
    plain = participation_ratio(samples.astype(np.float32))
    for changed in (samples @ turn, 1e25 * samples, 1e-25 * samples, samples + 3.0):
        np.testing.assert_allclose(participation_ratio(changed.astype(np.float32)), plain, rtol=1e-4)


def test_samples_that_do_not_count_change_nothing():
    samples = gaussian(60, np.ones(5)).astype(np.float32)
    spoiled = np.concatenate([samples, np.full((7, 5), np.nan, np.float32)])
    counted = np.arange(67) < 60
    np.testing.assert_allclose(participation_ratio(spoiled, counted), participation_ratio(samples), rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, -3e7])
def test_where_nothing_varies_there_are_no_dimensions(value):
    found = dimensions(np.full((50, 4), value, np.float32))
    assert [float(number) for number in found] == [0.0, 0.0, 0.0]


def test_what_is_not_finite_has_no_dimension():
    samples = gaussian(50, np.ones(4)).astype(np.float32)
    samples[3, 2] = np.nan
    assert all(np.isnan(number) for number in dimensions(samples))


@pytest.mark.parametrize(("count", "features", "neighbours"), [(300, 3, 5), (61, 40, 60), (5, 2, 100)])
def test_nearest_distances_are_those_of_a_search_one_by_one(count, features, neighbours):
    samples = np.random.default_rng(3).random((count, features)) + 5.0
    samples[4] = samples[1]
    scale = np.abs(samples - samples.mean(axis=0)).max()
    found = nearest_distances(samples.astype(np.float32), neighbours)
    expected = slow_distances(samples.astype(np.float32).astype(float), neighbours) / scale
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-7)


def test_the_estimates_from_neighbours_are_their_definitions():
    samples = gaussian(300, np.ones(4)).astype(np.float32)
    np.testing.assert_allclose(two_nn(samples), slow_two_nn(samples.astype(float)), rtol=1e-4)
    found = dimensionality.method_of_moments_of_distances(nearest_distances(samples, 20))
    np.testing.assert_allclose(found, slow_method_of_moments(samples.astype(float), 20), rtol=1e-4)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_the_estimates_from_neighbours_find_the_dimension_of_a_gaussian_cloud(d):
    # In 20 features: what counts is how many of them are used.
    place = np.linalg.qr(gaussian(20, np.ones(20), seed=4))[0][:d]
    found = dimensions((gaussian(2000, np.ones(d)) @ place).astype(np.float32))
    np.testing.assert_allclose(found, [d, d, d], rtol=0.12)


def test_a_ring_through_many_features_has_one_dimension_and_a_large_participation_ratio():
    angle = np.random.default_rng(5).uniform(0, 2 * np.pi, 2000)
    ring = np.concatenate([[np.cos(n * angle), np.sin(n * angle)] for n in range(1, 11)]).T
    found = dimensions(ring.astype(np.float32))
    assert found.participation_ratio > 19
    np.testing.assert_allclose([found.two_nn, found.method_of_moments], 1, atol=0.12)


def test_twins_at_distance_zero_say_nothing():
    samples = np.concatenate([gaussian(200, np.ones(4)), np.zeros((100, 4))]).astype(np.float32)
    np.testing.assert_allclose(two_nn(samples), slow_two_nn(samples.astype(float)), rtol=1e-4)


def test_lanes_find_what_each_finds_alone():
    lanes = np.stack([gaussian(50, np.ones(4), seed=seed) for seed in range(3)]).astype(np.float32)
    together = jax.jit(jax.vmap(dimensionality.dimensions))(lanes)
    for lane, samples in enumerate(lanes):
        alone = dimensions(samples)
        np.testing.assert_allclose([part[lane] for part in together], alone, rtol=1e-4)


def test_a_subsample_is_the_same_every_time_and_no_regular_one():
    samples = jnp.arange(1000.0)[:, None]
    first, again = subsample(samples, 100), subsample(samples, 100)
    np.testing.assert_array_equal(first, again)
    steps = np.diff(np.asarray(first)[:, 0])
    assert np.all(steps > 0)
    assert len(set(steps)) > 5
    assert subsample(samples, 1000) is samples


@pytest.mark.parametrize(("samples", "neighbours"), [(2, 5), (10, 1)])
def test_too_few_samples_or_neighbours_are_refused(samples, neighbours):
    with pytest.raises(ValueError, match="expected at least 3 and 2"):
        nearest_distances(jnp.zeros((samples, 2)), neighbours)
