"""The place itself: nothing to draw, nothing to decode."""

import jax
import numpy as np

from gridsweep.arena.box import Box
from gridsweep.targets.cartesian import Cartesian
from tests.tiny import one_walk


def test_the_place_is_reported_in_metres_and_is_no_distribution():
    target, walk = Cartesian(), one_walk()
    cells = target.draw(jax.random.key(0), Box())
    np.testing.assert_array_equal(target.encode(Box(), cells, walk), walk.position_m)
    np.testing.assert_array_equal(target.encode_start(Box(), cells, walk), walk.start_m)
    np.testing.assert_array_equal(target.decode(Box(), cells, walk.position_m), walk.position_m)
    assert target.outputs == 2
    assert not target.is_distribution
