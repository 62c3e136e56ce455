"""A box: four soft walls and no seam."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.arena.box import Box


@pytest.mark.parametrize(
    ("place_m", "distance_m", "normal_rad"),
    [
        ((1.0, 0.2), 0.1, 0.0),  # right
        ((0.2, 1.0), 0.1, np.pi / 2),  # top
        ((-1.0, 0.2), 0.1, np.pi),  # left
        ((0.2, -1.0), 0.1, 3 * np.pi / 2),  # bottom
        ((1.15, 0.0), -0.05, 0.0),  # outside
        ((0.0, 0.0), 1.1, 0.0),  # all four are as near: the right one is first
        ((-1.0, -1.0), 0.1, np.pi),  # a corner: left before bottom
    ],
)
def test_the_nearest_wall_is_named_by_its_outward_normal(place_m, distance_m, normal_rad):
    wall = Box().nearest_wall(jnp.array(place_m))
    assert wall.distance_m == pytest.approx(distance_m, abs=1e-6)
    assert wall.normal_rad == pytest.approx(normal_rad, abs=1e-6)


def test_a_box_has_no_seam():
    place_m = jnp.array([[5.0, -7.0]])
    np.testing.assert_array_equal(Box().wrap(place_m), place_m)
    np.testing.assert_array_equal(Box().offset_m(jnp.array([-1.0]), jnp.array([1.0])), [2.0])


def test_a_box_is_as_wide_as_it_says_also_where_its_side_is_traced():
    sides_m = jnp.array([1.0, 4.0])
    reach = jax.vmap(lambda side_m: Box(side_m=side_m).sample_positions(jax.random.key(0), 500))(sides_m)
    np.testing.assert_allclose(np.abs(reach).max(axis=(1, 2)), sides_m / 2, rtol=0.02)
    np.testing.assert_allclose(reach[1], 4 * reach[0], rtol=1e-6)
