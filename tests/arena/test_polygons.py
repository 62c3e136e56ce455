"""The triangle and the hexagon: corners, walls and normals."""

import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.arena.hexagon import Hexagon
from gridsweep.arena.triangle import Triangle

HEIGHT = 2 * 3**0.5 / 2  # of a triangle of side 2


def corners_m(arena):
    if isinstance(arena, Triangle):
        return [(-1.0, -HEIGHT / 2), (1.0, -HEIGHT / 2), (0.0, HEIGHT / 2)]
    return [(np.cos(k * np.pi / 3), np.sin(k * np.pi / 3)) for k in range(6)]


@pytest.mark.parametrize("kind", [Triangle, Hexagon], ids=lambda kind: kind.kind_name())
def test_corners_lie_on_two_walls_and_middles_of_sides_on_one(kind):
    arena = kind(side_m=2.0)
    corners = np.array(corners_m(arena))
    for number, (here, following) in enumerate(zip(corners, np.roll(corners, -1, axis=0), strict=True)):
        assert float(arena.nearest_wall(jnp.asarray(here)).distance_m) == pytest.approx(0, abs=1e-6), number
        wall = arena.nearest_wall(jnp.asarray((here + following) / 2))
        assert float(wall.distance_m) == pytest.approx(0, abs=1e-6)
        normal = np.array([np.cos(wall.normal_rad), np.sin(wall.normal_rad)])
        assert normal @ (following - here) == pytest.approx(0, abs=1e-6)
        assert normal @ ((here + following) / 2 - np.asarray(arena.centre_m())) > 0, "it points outwards"
        outside = (here + following) / 2 + 0.1 * normal
        assert float(arena.nearest_wall(jnp.asarray(outside)).distance_m) == pytest.approx(-0.1, abs=1e-6)


def test_the_centre_is_that_of_the_corners():
    for kind in (Triangle, Hexagon):
        arena = kind(side_m=2.0)
        np.testing.assert_allclose(arena.centre_m(), np.mean(corners_m(arena), axis=0), atol=1e-6)
