"""The lookup decoder finds the place of every target that tells places apart."""

import jax
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.kinds import discover
from gridsweep.losses import Loss
from gridsweep.losses.cross_entropy import CrossEntropy
from gridsweep.systems._lookup import PLACES_A_SIDE, look_up
from gridsweep.targets import Target
from gridsweep.targets.difference_of_gaussians import DifferenceOfGaussians
from tests.tiny import one_walk, some_walks

HALF_DIAGONAL_M = 2.2 / PLACES_A_SIDE / 2**0.5
TARGETS = discover(Target.package, Target)


def found_m(target, loss):
    cells = target.draw(jax.random.key(0), Box())
    wanted = target.encode(Box(), cells, one_walk())
    return np.asarray(look_up(target, Box(), loss, cells, loss.ideal_output(wanted)))


@pytest.mark.parametrize("name", TARGETS)
def test_an_exact_target_is_read_as_the_nearest_place_of_the_grid(name):
    target = TARGETS[name]()
    assert np.abs(some_walks().position_m).max() < 1.1 + 0.1  # soft walls: the grid ends at the box
    loss = discover(Loss.package, Loss)[target.usual_loss]()
    # The target costs least at its own place; one grid place further where its slope is flat.
    off_m = np.linalg.norm(found_m(target, loss) - np.clip(one_walk().position_m, -1.1, 1.1), axis=-1)
    assert off_m.max() <= 2.5 * HALF_DIAGONAL_M, off_m


def test_the_hole_detector_can_be_read_although_its_published_decoder_fails():
    target = DifferenceOfGaussians(place_cells=512, field_width_m=0.2, decoder="three_smallest")
    cells = target.draw(jax.random.key(0), Box())
    wanted = target.encode(Box(), cells, one_walk())
    published_m = target.decode(Box(), cells, wanted)
    off_m = np.linalg.norm(published_m - one_walk().position_m, axis=-1)
    looked_up_m = np.linalg.norm(found_m(target, CrossEntropy()) - one_walk().position_m, axis=-1)
    assert off_m.mean() > 0.15  # spec f.3: 20 to 35 cm
    assert looked_up_m.mean() < 0.03
