"""The walk of the LSTM studies, beside the published statistics and a plain loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.trajectories.slowing_walk import SlowingWalk

HALF_M, MARGIN_M, STEP_S = 1.1, 0.03, 0.02


@pytest.fixture(scope="module")
def walks():
    walk = jax.jit(jax.vmap(lambda key: SlowingWalk().walk(key, Box(), 100)))
    return walk(jax.random.split(jax.random.key(0), 3_000))


def test_walks_have_the_published_statistics(walks):
    """Other_systems 1.2: what leaves the box, and how far walkers go."""
    position_m = np.asarray(walks.position_m)
    assert np.mean((np.abs(position_m) > HALF_M).any(axis=-1)) == pytest.approx(0.009, abs=0.002)
    assert np.abs(position_m).max() == pytest.approx(1.16, abs=0.04)
    steps_m = np.linalg.norm(walks.displacement_m, axis=-1)
    assert 100 * steps_m.mean() == pytest.approx(1.96, abs=0.03)
    net_m = np.linalg.norm(position_m[:, -1] - walks.start_m, axis=-1)
    assert net_m.mean() == pytest.approx(1.06, abs=0.03)
    turns_rad = np.diff(np.asarray(walks.heading_rad), axis=1)
    away = (np.abs(position_m[:, :-1]) < HALF_M - MARGIN_M).all(axis=-1)
    turns_rad = (turns_rad[away] + np.pi) % (2 * np.pi) - np.pi
    assert turns_rad.std() == pytest.approx(0.230, abs=0.003)


def test_a_walk_is_that_of_a_plain_loop():
    rng = np.random.default_rng(0)
    turns_rad, speeds = 0.23 * rng.standard_normal(300), rng.rayleigh(0.8168, 301)
    start_m, heading_rad = np.array([1.0, 0.9]), 0.6
    walk = SlowingWalk().follow_from(
        Box(), jnp.asarray(start_m), jnp.float32(heading_rad), jnp.asarray(turns_rad), jnp.asarray(speeds)
    )
    place_m, speed, slowed = start_m, speeds[0], 0
    for step in range(300):
        to_walls_m = np.array(
            [HALF_M - place_m[0], HALF_M - place_m[1], HALF_M + place_m[0], HALF_M + place_m[1]]
        )
        wall = np.argmin(to_walls_m)
        towards = (heading_rad - wall * np.pi / 2 + np.pi) % (2 * np.pi) - np.pi
        turn = turns_rad[step]
        if to_walls_m[wall] < MARGIN_M and abs(towards) < np.pi / 2:
            turn += np.sign(towards) * (np.pi / 2 - abs(towards))
            speed, slowed = speed / 4, slowed + 1
        else:
            speed = speeds[step + 1]
        place_m = place_m + speed * STEP_S * np.array([np.cos(heading_rad), np.sin(heading_rad)])
        heading_rad += turn
        np.testing.assert_allclose(walk.position_m[step], place_m, atol=2e-3)
    assert slowed > 10, "the walk meets walls"


def test_a_walker_that_stays_at_a_wall_falls_to_a_quarter_again_and_again():
    # Each turn undoes the avoidance and more, so the walker faces the wall at every step.
    turns_rad = jnp.full(5, -jnp.pi / 2 + 0.1)
    walk = SlowingWalk().follow_from(
        Box(), jnp.array([1.09, 0.0]), jnp.float32(0.1), turns_rad, jnp.full(6, 0.2)
    )
    lengths_m = np.linalg.norm(walk.displacement_m, axis=-1)
    np.testing.assert_allclose(lengths_m, 0.2 * STEP_S * 0.25 ** np.arange(1, 6), rtol=1e-4)
