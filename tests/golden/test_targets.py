"""Our targets against the activations and decoded places of the published programs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.targets._place_cells import PlaceCells
from gridsweep.targets.cartesian import Cartesian
from gridsweep.targets.difference_of_gaussians import DifferenceOfGaussians
from gridsweep.targets.difference_of_softmaxes import DifferenceOfSoftmaxes
from gridsweep.targets.gaussian import Gaussian
from gridsweep.targets.general_difference_of_gaussians import GeneralDifferenceOfGaussians
from gridsweep.targets.high_dim_cartesian import HighDimCartesian, Planes
from gridsweep.targets.high_dim_polar import HighDimPolar, PolarReadings
from gridsweep.targets.polar import Polar
from gridsweep.targets.softmax_of_differences import SoftmaxOfDifferences
from gridsweep.trajectories import Walk

# The published names of settings of ours. The constants a name hints at (widths, fields) are in the file.
PLACE_CELLS = {
    "gaussian": (Gaussian, {"normalisation": "global"}),
    "gaussian_unnormalised": (Gaussian, {"normalisation": "none"}),
    "difference_of_softmaxes": (DifferenceOfSoftmaxes, {}),
    "difference_of_softmaxes_rf8_ss15": (DifferenceOfSoftmaxes, {}),
    "difference_of_softmaxes_heterogeneous": (DifferenceOfSoftmaxes, {}),
    "difference_of_softmaxes_three_fields": (DifferenceOfSoftmaxes, {}),
    "true_difference_of_gaussians": (DifferenceOfGaussians, {"decoder": "three_smallest"}),
    "general_difference_of_gaussians": (
        GeneralDifferenceOfGaussians,
        {"amplitude_excitatory": 1.0, "amplitude_inhibitory": 0.5},
    ),
    "softmax_of_differences": (SoftmaxOfDifferences, {}),
}
OTHERS = ("cartesian", "polar", "high_dim_cartesian", "high_dim_polar")


def walks_through(position_m):
    """Walks (walks, steps) of which the targets look at the places only."""
    return Walk(
        start_m=position_m[:, 0],
        start_heading_rad=jnp.zeros(len(position_m)),
        displacement_m=jnp.zeros_like(position_m),
        position_m=jnp.asarray(position_m),
        heading_rad=jnp.zeros(position_m.shape[:2]),
    )


def stored_target(published, name):
    """Our kind and the cells that the published program drew."""
    kind, settings = PLACE_CELLS[name]
    cells = PlaceCells(
        centres_m=jnp.asarray(published[f"{name}/centers_m"]),
        field_width_m=jnp.asarray(published[f"{name}/receptive_field_m"]),
        surround_ratio=jnp.asarray(published[f"{name}/surround_scale"]),
    )
    place_cells, fields = cells.field_width_m.shape
    return kind(place_cells=place_cells, fields_per_cell=fields, **settings), cells


def stored_coordinates(published, name):
    """Our kind and the random readings that the published program drew, where it has any."""
    if name in ("cartesian", "polar"):
        return (Cartesian() if name == "cartesian" else Polar(angle="atan")), jnp.zeros((0,))
    slopes = jnp.asarray(published[f"{name}/slopes"])
    intercepts = jnp.asarray(published[f"{name}/intercepts"]).ravel()
    if name == "high_dim_cartesian":
        return HighDimCartesian(place_cells=len(intercepts)), Planes(slopes, intercepts)
    centres_rad = jnp.asarray(published[f"{name}/von_mises_centers"]).ravel()
    place_cells = len(intercepts) + len(centres_rad)
    return HighDimPolar(place_cells=place_cells), PolarReadings(slopes.ravel(), intercepts, centres_rad)


def test_every_published_target_is_compared(published):
    stored = {key.split("/")[0] for key in published if key.endswith("/activation")}
    assert stored <= {*PLACE_CELLS, *OTHERS}


@pytest.mark.parametrize("name", PLACE_CELLS)
def test_place_cells_are_as_active_as_published(published, name):
    target, cells = stored_target(published, name)
    walks = walks_through(published["position_m"])
    activity = jax.vmap(lambda walk: target.encode(Box(), cells, walk))(walks)
    expected = published[f"{name}/activation"]
    assert expected.size > 0
    np.testing.assert_allclose(activity, expected, rtol=1e-4, atol=1e-6 * expected.max())


@pytest.mark.parametrize("name", PLACE_CELLS)
def test_places_are_decoded_from_published_activity_as_published(published, name):
    target, cells = stored_target(published, name)
    activity = jnp.asarray(published[f"{name}/activation"])
    decoded_m = jax.vmap(lambda output: target.decode(Box(), cells, output))(activity)
    np.testing.assert_allclose(decoded_m, published[f"{name}/decoded_m"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", OTHERS)
def test_codes_without_fields_are_as_published(published, name):
    target, cells = stored_coordinates(published, name)
    walks = walks_through(published["position_m"])
    activity = jax.vmap(lambda walk: target.encode(Box(), cells, walk))(walks)
    np.testing.assert_allclose(activity, published[f"{name}/activation"], rtol=0, atol=2e-6)


@pytest.mark.parametrize("name", OTHERS)
def test_places_are_decoded_from_published_codes_as_published(published, name):
    target, cells = stored_coordinates(published, name)
    stored = jnp.asarray(published[f"{name}/activation"])
    decoded_m = jax.vmap(lambda output: target.decode(Box(), cells, output))(stored)
    np.testing.assert_allclose(decoded_m, published[f"{name}/decoded_m"], rtol=0, atol=2e-6)


def test_the_cartesian_target_is_the_place_itself(published):
    target = Cartesian()
    cells = target.draw(jax.random.key(0), Box())
    walks = walks_through(published["position_m"])
    activity = jax.vmap(lambda walk: target.encode(Box(), cells, walk))(walks)
    np.testing.assert_array_equal(activity, published["cartesian/activation"])
    decoded_m = jax.vmap(lambda output: target.decode(Box(), cells, output))(activity)
    np.testing.assert_array_equal(decoded_m, published["cartesian/decoded_m"])
