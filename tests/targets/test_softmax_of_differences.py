"""Softmax of differences: Gaussian cells of another width."""

import dataclasses

import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.targets.gaussian import Gaussian
from gridsweep.targets.softmax_of_differences import SoftmaxOfDifferences
from tests.targets.test_difference_of_gaussians import arenas, slow_places, through
from tests.targets.test_difference_of_softmaxes import slow_softmax
from tests.targets.test_place_cells import some_cells
from tests.targets.test_poisson_fields import PLACES_M
from tests.tiny import one_walk


@arenas
@pytest.mark.parametrize("patchy", [False, True])
def test_activity_is_the_softmax_of_surround_less_centre(arena, patchy):
    cells, centre, surround = slow_places(arena, patchy)
    target = SoftmaxOfDifferences(place_cells=9, fields_per_cell=cells.field_width_m.shape[1])
    found = target.encode(arena, cells, through(PLACES_M))
    np.testing.assert_allclose(found, slow_softmax(surround - centre), rtol=1e-3, atol=1e-6)


def test_it_is_the_gaussian_target_of_a_larger_width_cell_by_cell():
    cells = some_cells(6, 30, 1)
    activity = SoftmaxOfDifferences(place_cells=30).encode(Box(), cells, one_walk())
    width_m = cells.field_width_m / np.sqrt(1 - cells.surround_ratio**-2.0)
    wider = cells._replace(field_width_m=width_m)
    expected = Gaussian(place_cells=30).encode(Box(), wider, one_walk())
    np.testing.assert_allclose(activity, expected, rtol=1e-3, atol=1e-7)


def test_it_keeps_a_name_of_its_own():
    target = SoftmaxOfDifferences()
    assert target.canonical() == target
    assert target.kind_name() == "softmax_of_differences"
    assert dataclasses.replace(target, surround_ratio=3.0).canonical() != target
