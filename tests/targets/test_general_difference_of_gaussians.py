"""Differences of Gaussians of any two heights."""

import jax
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.targets.difference_of_gaussians import DifferenceOfGaussians
from gridsweep.targets.gaussian import Gaussian
from gridsweep.targets.general_difference_of_gaussians import GeneralDifferenceOfGaussians
from tests.targets.test_difference_of_gaussians import arenas, slow_places, through
from tests.targets.test_difference_of_softmaxes import slow_shift
from tests.targets.test_place_cells import some_cells
from tests.targets.test_poisson_fields import PLACES_M
from tests.tiny import one_walk


@arenas
@pytest.mark.parametrize("patchy", [False, True])
@pytest.mark.parametrize(("excitatory", "inhibitory"), [(1.0, 0.5), (0.1, 10.0), (2.5, 0.0)])
def test_activity_is_the_shifted_difference_with_its_heights(arena, patchy, excitatory, inhibitory):
    cells, centre, surround = slow_places(arena, patchy)
    target = GeneralDifferenceOfGaussians(
        place_cells=9,
        fields_per_cell=cells.field_width_m.shape[1],
        amplitude_excitatory=excitatory,
        amplitude_inhibitory=inhibitory,
    )
    found = target.encode(arena, cells, through(PLACES_M))
    expected = slow_shift(excitatory * np.exp(-centre) - inhibitory * np.exp(-surround))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_equal_heights_are_the_true_difference_of_gaussians():
    cells = some_cells(4, 12, 1)
    general = GeneralDifferenceOfGaussians(place_cells=12, amplitude_inhibitory=1.0)
    activity = general.encode(Box(), cells, one_walk())
    true = DifferenceOfGaussians(place_cells=12).encode(Box(), cells, one_walk())
    np.testing.assert_allclose(activity, true, rtol=1e-5, atol=1e-7)


def test_without_a_surround_it_is_a_gaussian_less_its_least_active_cell():
    target = GeneralDifferenceOfGaussians(amplitude_inhibitory=0.0)
    cells = target.draw(jax.random.key(0), Box())
    activity = target.encode(Box(), cells, one_walk())
    np.testing.assert_allclose(activity, Gaussian().encode(Box(), cells, one_walk()), atol=1e-6)


def test_a_surround_without_depth_has_no_width_to_be_known_by():
    none = GeneralDifferenceOfGaussians(amplitude_inhibitory=0.0)
    wide = GeneralDifferenceOfGaussians(
        amplitude_inhibitory=0.0, surround_ratio=9.0, surround_convention="variance"
    )
    assert wide.canonical() == none.canonical() == none
    deep = GeneralDifferenceOfGaussians(surround_ratio=9.0, surround_convention="variance")
    assert deep.canonical() == GeneralDifferenceOfGaussians(surround_ratio=3.0)


def test_a_common_factor_of_the_heights_changes_nothing_but_rounding():
    cells = some_cells(4, 12, 1)
    one, other = (
        GeneralDifferenceOfGaussians(
            place_cells=12, amplitude_excitatory=factor, amplitude_inhibitory=0.3 * factor
        ).encode(Box(), cells, one_walk())
        for factor in (1.0, 7.0)
    )
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
