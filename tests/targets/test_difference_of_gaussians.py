"""The true difference of Gaussians, and the two that differ from it by heights or by a softmax."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.arena.torus import Torus
from gridsweep.targets.difference_of_gaussians import DifferenceOfGaussians
from gridsweep.trajectories import Walk
from tests.targets.test_difference_of_softmaxes import slow_shift
from tests.targets.test_place_cells import slow_decode, slow_distances, some_cells
from tests.targets.test_poisson_fields import PLACES_M, patchy_cells, slow_patchy_distances

arenas = pytest.mark.parametrize("arena", [Box(), Torus()], ids=lambda arena: arena.kind_name())


def through(position_m):
    """A walk of which targets look at the places only."""
    place_m = jnp.asarray(position_m)
    return Walk(place_m[0], jnp.zeros(()), jnp.zeros_like(place_m), place_m, jnp.zeros(len(place_m)))


def slow_places(arena, patchy):
    """(cells, A, B) at some places: of one field each, or of one to four."""
    periodic = isinstance(arena, Torus)
    cells = patchy_cells(3) if patchy else some_cells(3, 9, 1)
    slow = slow_patchy_distances if patchy else slow_distances
    return cells, *slow(cells, PLACES_M, periodic)


@arenas
@pytest.mark.parametrize("patchy", [False, True])
def test_activity_is_the_shifted_difference_of_two_gaussians(arena, patchy):
    cells, centre, surround = slow_places(arena, patchy)
    target = DifferenceOfGaussians(place_cells=9, fields_per_cell=cells.field_width_m.shape[1])
    found = target.encode(arena, cells, through(PLACES_M))
    np.testing.assert_allclose(found, slow_shift(np.exp(-centre) - np.exp(-surround)), rtol=1e-3, atol=1e-5)


def test_a_cell_is_silent_on_a_ring_and_not_at_its_centre():
    cells = some_cells(0, 1, 1)._replace(
        centres_m=jnp.zeros((1, 1, 2)),
        field_width_m=jnp.full((1, 1), 0.1),
        surround_ratio=jnp.full((1, 1), 2.0),
    )
    far = jnp.tile(jnp.array([[[50.0, 0.0]]]), (3, 1, 1))  # cells out of reach, with which to compare
    cells = cells._replace(
        centres_m=jnp.concatenate([cells.centres_m, far]),
        field_width_m=jnp.full((4, 1), 0.1),
        surround_ratio=jnp.full((4, 1), 2.0),
    )
    distances_m = np.linspace(0.0, 1.0, 201)
    places_m = np.stack([distances_m, 0 * distances_m], axis=1)
    raw = np.asarray(DifferenceOfGaussians(place_cells=4).encode(Box(), cells, through(np.float32(places_m))))
    contrast = raw[:, 0] - raw[:, 1]
    assert (contrast <= 1e-6).all(), "never more active than far away"
    assert contrast[0] == pytest.approx(0.0, abs=1e-6)
    silent = raw[:, 0] < 1e-6
    # exp(-d^2/2w^2) - exp(-d^2/8w^2) is least where d^2 = (8/3) ln 4 w^2.
    ring_m = 0.1 * np.sqrt(8 / 3 * np.log(4))
    assert silent[np.argmin(np.abs(distances_m - ring_m))]


def test_the_published_decoder_takes_the_least_active_cells():
    cells = some_cells(5, 9, 1)
    output = jnp.float32(np.random.default_rng(1).normal(size=(20, 9)))
    least = DifferenceOfGaussians(place_cells=9, decoder="three_smallest").decode(Box(), cells, output)
    np.testing.assert_allclose(least, slow_decode(cells.centres_m, -output), atol=1e-6)
    most = DifferenceOfGaussians(place_cells=9).decode(Box(), cells, output)
    np.testing.assert_allclose(most, slow_decode(cells.centres_m, output), atol=1e-6)


def test_a_place_out_of_reach_of_every_field_is_no_reason_for_a_nan():
    cells = some_cells(5, 9, 1)
    activity = DifferenceOfGaussians(place_cells=9).encode(
        Box(), cells, through(np.full((2, 2), 90.0, "float32"))
    )
    np.testing.assert_allclose(activity, 1 / 9, rtol=1e-6)


def test_ratios_of_variances_and_of_widths_are_one_identity():
    variance = DifferenceOfGaussians(surround_ratio=4.0, surround_convention="variance")
    assert variance.canonical() == DifferenceOfGaussians(surround_ratio=2.0)
    drawn = variance.draw(jax.random.key(0), Box()).surround_ratio
    np.testing.assert_array_equal(drawn, 2.0)
