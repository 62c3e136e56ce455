"""Modified Brownian motion: no place outside, nine steps of ten without a move."""

import jax
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.arena.hexagon import Hexagon
from gridsweep.arena.triangle import Triangle
from gridsweep.trajectories.brownian import Brownian


@pytest.fixture(scope="module", params=[Box, Triangle, Hexagon], ids=lambda kind: kind.kind_name())
def arena_and_walks(request):
    arena = request.param(side_m=2.0)
    law = Brownian(step_sd_m=0.2)  # long steps, so that walls are met
    walk = jax.jit(jax.vmap(lambda key: law.walk(key, arena, 500)))
    return arena, walk(jax.random.split(jax.random.key(0), 40))


def test_every_place_lies_inside_the_arena(arena_and_walks):
    arena, walks = arena_and_walks
    distances_m = jax.vmap(lambda place_m: arena.nearest_wall(place_m).distance_m)(
        walks.position_m.reshape(-1, 2)
    )
    assert (distances_m >= 0).all()
    assert (distances_m < 0.05).any(), "walls are met"


def test_walkers_start_at_the_centre_and_stand_still_nine_steps_of_ten(arena_and_walks):
    arena, walks = arena_and_walks
    np.testing.assert_array_equal(walks.start_m, np.tile(arena.centre_m(), (40, 1)))
    lengths_m = np.linalg.norm(walks.displacement_m, axis=-1)
    assert np.mean(lengths_m == 0) == pytest.approx(0.9, abs=0.01)
    # The mean size of a normal draw.
    assert lengths_m[lengths_m > 0].mean() == pytest.approx(0.2 * (2 / np.pi) ** 0.5, rel=0.06)


def test_a_step_leads_where_the_walker_looks(arena_and_walks):
    _, walks = arena_and_walks
    x_m, y_m = np.asarray(walks.displacement_m).reshape(-1, 2).T
    moved = np.hypot(x_m, y_m) > 0.01
    off_rad = (np.arctan2(y_m, x_m) - np.asarray(walks.heading_rad).reshape(-1))[moved]
    np.testing.assert_allclose((off_rad + np.pi) % (2 * np.pi) - np.pi, 0.0, atol=1e-3)


def test_away_from_walls_a_turn_is_small():
    walk = jax.jit(lambda: Brownian(step_sd_m=0.0).walk(jax.random.key(1), Box(), 2_000))()
    turns_rad = (np.diff(np.asarray(walk.heading_rad)) + np.pi) % (2 * np.pi) - np.pi
    assert turns_rad.std() == pytest.approx(0.05 * np.pi, rel=0.05)


def test_walks_may_start_anywhere():
    law = Brownian(start="anywhere")
    walk = jax.jit(jax.vmap(lambda key: law.walk(key, Box(side_m=2.0), 1)))
    walks = walk(jax.random.split(jax.random.key(0), 200))
    assert np.std(walks.start_m) == pytest.approx(2 / 12**0.5, rel=0.1)
