"""What the published evaluation does to any network, reproduced: empty bins, and what they do to a score.

Entropy floors, decoder floors, the 41 of 49 settings that cannot be decoded and the softmax of differences
are in tests/targets/test_published_floors.py; the tails of the null in tests/systems/test_filtered_noise.py;
the steps of the walk in tests/golden. docs/published_study.md lists them all.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep import scores
from gridsweep.arena.box import Box
from gridsweep.evaluations.published import Published
from gridsweep.maps.rate_map import add_samples, empty_sums, rate_maps
from gridsweep.targets.gaussian import Gaussian
from gridsweep.trajectories.random_walk import RandomWalk
from tests.scores.lattices import hexagonal_map, square_map

BINS, SEEDS = 44, 8


@functools.cache
def walks():
    """200 walks of the published evaluation for each seed."""
    batches, number = Published().batches(200, 20)
    steps = Published().walk_steps(20)
    draw = jax.jit(jax.vmap(lambda key: RandomWalk().walk(key, Box(), steps)))
    drawn = draw(jax.random.split(jax.random.key(5), SEEDS * batches * number))
    return jax.tree.map(lambda leaf: np.asarray(leaf).reshape(SEEDS, number, *leaf.shape[1:]), drawn)


IDEAL = jnp.stack([hexagonal_map(0.9), square_map(0.9)])


@jax.jit
def maps_along(position_m):
    """Maps of two units whose rates are an ideal hexagonal and a square lattice of 0.9 m."""
    place_m = jnp.nan_to_num(position_m)
    x, y = jnp.unstack(jnp.clip(jnp.floor((place_m + 1.1) * BINS / 2.2).astype(int), 0, BINS - 1), axis=1)
    return rate_maps(add_samples(empty_sums(2, BINS), position_m, IDEAL[:, x, y].T, 2.2))


@functools.cache
def seen(batch_size):
    """The two maps as one batch of so many walks shows them, for each seed."""
    position_m = walks().position_m.copy()
    position_m[:, batch_size:] = np.nan  # nowhere
    return np.stack([np.asarray(maps_along(of_seed.reshape(-1, 2))) for of_seed in position_m])


# Spec f.6: the share of 44 x 44 bins that nobody visits in a batch of walks of 50 steps.
@pytest.mark.parametrize(
    ("batch_size", "empty"),
    [(30, 0.71), (60, 0.50), (90, 0.35), (120, 0.25), (150, 0.18), (180, 0.13), (200, 0.10)],
)
def test_bins_that_a_published_batch_leaves_empty(batch_size, empty):
    assert np.mean(np.isnan(seen(batch_size)[:, 0])) == pytest.approx(empty, abs=0.012)


# Spec f.6: grid_score_60 of the hexagon, which is 1.436 when every bin is visited; the square's by 90. One
# batch of 30 walks differs from the next by 0.12, of 60 by 0.05, of 200 by 0.01 (standard deviations).
@pytest.mark.parametrize(
    ("batch_size", "score", "sd"), [(30, 1.15, 0.12), (60, 1.35, 0.05), (200, 1.43, 0.01)]
)
def test_empty_bins_take_from_the_score_of_an_ideal_hexagon(batch_size, score, sd):
    found = scores.measure(seen(batch_size)[:, 0])["grid_score_60"]
    assert np.mean(found) == pytest.approx(score, abs=sd)


def test_empty_bins_take_from_the_score_of_an_ideal_square():
    found = scores.measure(seen(30)[:, 1])["grid_score_90"]
    assert np.mean(found) == pytest.approx(1.42, abs=0.12)
    assert scores.measure(square_map(0.9)[None])["grid_score_90"] == pytest.approx(1.565, abs=0.005)


# Spec a.2 and b.4: what a network is off by that has learned nothing, in cm.
def test_a_network_that_never_moves_is_off_by_how_far_the_walker_gets():
    away_m = np.linalg.norm(walks().position_m - walks().start_m[:, :, None], axis=-1)
    assert 100 * away_m[:, :, :20].mean() == pytest.approx(19.4, rel=0.03)
    assert 100 * away_m.mean() == pytest.approx(41.0, rel=0.03)


def test_a_network_that_reports_noise_is_off_by_nearly_a_metre():
    target = Gaussian()
    for_cells, for_noise = jax.random.split(jax.random.key(1))
    position_m = walks().position_m.reshape(-1, 2)[::20]
    noise = jax.random.normal(for_noise, (len(position_m), target.place_cells))
    decoded_m = jax.jit(target.decode)(Box(), target.draw(for_cells, Box()), noise)
    error_cm = 100 * np.linalg.norm(decoded_m - position_m, axis=-1).mean()
    assert error_cm == pytest.approx(95.0, rel=0.04)
    centre_cm = 100 * np.linalg.norm(position_m, axis=-1).mean()
    assert centre_cm == pytest.approx(84.0, rel=0.04)
