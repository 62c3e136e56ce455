"""A torus: no walls, and a shorter way round to every place."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gridsweep.arena.torus import Torus

HALF_M = 1.1


@given(x_m=st.floats(-20.0, 20.0, width=32))
@example(x_m=HALF_M)
@example(x_m=-HALF_M)
def test_every_place_has_one_place_inside(x_m):
    torus = Torus()
    inside_m = torus.wrap(jnp.float32(x_m))
    assert -HALF_M - 1e-6 <= inside_m < HALF_M
    turns = (x_m - float(inside_m)) / 2.2
    assert turns == pytest.approx(round(turns), abs=1e-5)
    assert torus.wrap(inside_m) == inside_m


def test_a_place_just_left_of_the_seam_is_not_rounded_to_the_far_side():
    torus = Torus(side_m=3.0)
    left_m = jnp.float32(np.nextafter(np.float32(-1.5), np.float32(-2)))
    assert -1.5 <= torus.wrap(left_m) < 1.5
    assert torus.wrap(torus.wrap(left_m)) == torus.wrap(left_m)


@given(x_m=st.floats(-1.0625, 1.0625, width=32), to_m=st.floats(-1.0625, 1.0625, width=32))
def test_the_way_between_two_places_is_the_shortest_of_three(x_m, to_m):
    ways_m = [to_m - x_m + turn for turn in (-2.2, 0.0, 2.2)]
    shortest_m = min(ways_m, key=abs)
    offset_m = Torus().offset_m(jnp.float32(x_m), jnp.float32(to_m))
    assert abs(offset_m) == pytest.approx(abs(shortest_m), abs=1e-5)


def test_the_published_distance_goes_straight_across():
    plain = Torus(distance="plain")
    assert plain.offset_m(jnp.float32(-1.0), jnp.float32(1.0)) == 2.0
    assert Torus().offset_m(jnp.float32(-1.0), jnp.float32(1.0)) == pytest.approx(-0.2, abs=1e-6)


def test_there_is_no_wall_to_turn_from():
    wall = Torus().nearest_wall(jnp.array([1.099, 0.0]))
    assert wall.distance_m == np.inf
