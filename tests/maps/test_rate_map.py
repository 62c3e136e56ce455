import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.maps.rate_map import (
    SAMPLES_PER_BIN,
    add_samples,
    bin_numbers,
    empty_sums,
    rate_maps,
    sum_by_product,
    sum_row_by_row,
)

SIDE_M = 2.2

add = jax.jit(add_samples)


def slow_rate_maps(position_m, activity, side_m, bins):
    """Mean activity by bin: NumPy's histogram, one unit at a time."""
    edges = np.linspace(-side_m / 2, side_m / 2, bins + 1)
    x, y = position_m.astype(float).T
    visits, _, _ = np.histogram2d(x, y, bins=(edges, edges))
    sums = [np.histogram2d(x, y, bins=(edges, edges), weights=unit)[0] for unit in activity.astype(float).T]
    with np.errstate(invalid="ignore"):
        return np.stack(sums) / visits, visits


def walk(seed, samples, units, side_m=SIDE_M):
    """Positions in bins and across the walls, away from the edges of bins, and activity."""
    rng = np.random.default_rng(seed)
    position_m = rng.uniform(-0.52, 0.52, (samples, 2)) * side_m
    activity = rng.normal(size=(samples, units))
    return position_m.astype(np.float32), activity.astype(np.float32)


@pytest.mark.parametrize("bins", [4, 7, 20])
@pytest.mark.parametrize("samples", [50, 3_000])
def test_a_rate_map_is_the_mean_activity_in_each_bin(bins, samples):
    position_m, activity = walk(bins, samples, units=3)
    sums = add(empty_sums(3, bins), position_m, activity, SIDE_M)
    expected, visits = slow_rate_maps(position_m, activity, SIDE_M, bins)
    np.testing.assert_array_equal(sums.visits, visits)
    np.testing.assert_allclose(rate_maps(sums), expected, rtol=1e-5, atol=1e-6)


def test_the_first_axis_is_x_and_unvisited_bins_are_nan():
    position_m = jnp.array([[0.9, -0.9], [0.9, -0.9]])
    sums = add(empty_sums(1, 4), position_m, jnp.array([[1.0], [2.0]]), SIDE_M)
    expected = np.full((1, 4, 4), np.nan)
    expected[0, 3, 0] = 1.5
    np.testing.assert_array_equal(rate_maps(sums), expected)
    assert rate_maps(sums).dtype == jnp.float32


def test_both_outer_edges_belong_to_the_box_and_positions_outside_are_ignored():
    half_m = SIDE_M / 2
    position_m = jnp.array(
        [[half_m, half_m], [-half_m, -half_m], [1.2, 0.0], [0.0, -1.2], [jnp.nan, 0.0], [1e30, 0.0]]
    )
    sums = add(empty_sums(1, 4), position_m, jnp.ones((6, 1)), SIDE_M)
    expected = np.zeros((4, 4))
    expected[3, 3] = expected[0, 0] = 1
    np.testing.assert_array_equal(sums.visits, expected)
    np.testing.assert_array_equal(sums.activity[0], expected)


def test_the_bins_cover_a_box_of_any_size_even_a_traced_one():
    position_m, activity = walk(1, 2_000, units=2, side_m=1.5)
    sums = add(empty_sums(2, 6), position_m, activity, jnp.float32(1.5))
    expected, _ = slow_rate_maps(position_m, activity, 1.5, 6)
    np.testing.assert_allclose(rate_maps(sums), expected, rtol=1e-5, atol=1e-6)


def test_samples_may_come_in_any_batches():
    position_m, activity = walk(2, 6_000, units=2)
    together = add(empty_sums(2, 8), position_m, activity, SIDE_M)
    in_parts = empty_sums(2, 8)
    for start, stop in [(0, 1), (1, 700), (700, 5_000), (5_000, 6_000)]:
        in_parts = add(in_parts, position_m[start:stop], activity[start:stop], SIDE_M)
    np.testing.assert_array_equal(together.visits, in_parts.visits)
    np.testing.assert_allclose(rate_maps(together), rate_maps(in_parts), rtol=0, atol=1e-6)


def test_every_machine_computes_the_same_sums():
    position_m, activity = walk(5, 2_000, units=3)
    bin_of = bin_numbers(jnp.asarray(position_m), SIDE_M, 6)
    by_row = sum_row_by_row(bin_of, jnp.asarray(activity), 6)
    by_product = sum_by_product(bin_of, jnp.asarray(activity), 6)
    np.testing.assert_allclose(by_row, by_product, rtol=0, atol=1e-4)


def test_no_samples_change_nothing():
    sums = add(empty_sums(2, 4), jnp.zeros((0, 2)), jnp.zeros((0, 2)), SIDE_M)
    assert jnp.all(jnp.isnan(rate_maps(sums)))


@pytest.mark.parametrize("batches", [1, 200])
def test_many_samples_lose_no_precision(batches):
    samples, bins = 400_000, 8  # six thousand a bin
    rng = np.random.default_rng(3)
    position_m = rng.uniform(-1.1, 1.1, (samples, 2)).astype(np.float32)
    activity = np.stack([np.full(samples, 0.9), 1000.0 + rng.random(samples)], axis=1).astype(np.float32)
    sums = empty_sums(2, bins)
    for part in np.split(np.arange(samples), batches):
        sums = add(sums, position_m[part], activity[part], SIDE_M)
    expected, _ = slow_rate_maps(position_m, activity, SIDE_M, bins)
    # A bin edge falls between float32 positions a few times in 400,000: 1e-3 / 6,000 for the second unit.
    np.testing.assert_allclose(rate_maps(sums)[0], np.float32(0.9), rtol=2.5e-7)
    np.testing.assert_allclose(rate_maps(sums)[1], expected[1], rtol=1e-6)


def test_lanes_do_not_mix_under_vmap():
    bins, samples = 5, SAMPLES_PER_BIN * 25 + 13
    lanes = [walk(seed, samples, units=2) for seed in range(3)]
    position_m, activity = (jnp.stack(part) for part in zip(*lanes, strict=True))
    side_m = jnp.array([2.2, 1.0, 3.0])
    start = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), empty_sums(2, bins))
    together = jax.jit(jax.vmap(add_samples))(start, position_m, activity, side_m)
    for lane in range(3):
        alone = add(empty_sums(2, bins), position_m[lane], activity[lane], side_m[lane])
        for one, many in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one, many[lane])


def test_a_batch_can_be_added_inside_a_scan_and_the_sums_can_be_donated():
    position_m, activity = walk(4, 1_200, units=2)
    batches = position_m.reshape(4, 300, 2), activity.reshape(4, 300, 2)

    def add_all(sums, batches):
        return jax.lax.scan(lambda sums, batch: (add_samples(sums, *batch, SIDE_M), None), sums, batches)[0]

    streamed = jax.jit(add_all, donate_argnums=0)(empty_sums(2, 6), batches)
    together = add(empty_sums(2, 6), position_m, activity, SIDE_M)
    np.testing.assert_allclose(rate_maps(streamed), rate_maps(together), rtol=0, atol=1e-6)
