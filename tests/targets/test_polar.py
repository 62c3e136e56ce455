"""The place as distance and direction, with and without its quadrant."""

import jax
import jax.numpy as jnp
import numpy as np

from gridsweep.arena.box import Box
from gridsweep.losses.polar import Polar as PolarLoss
from gridsweep.targets.polar import Polar
from tests.targets.test_difference_of_gaussians import through

PLACES_M = np.float32(
    [[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [0.3, 0.0], [-0.3, 0.0], [0.0, 0.5]]
)


def there_and_back(target):
    cells = target.draw(jax.random.key(0), Box())
    activity = target.encode(Box(), cells, through(PLACES_M))
    return activity, target.decode(Box(), cells, activity)


def test_the_whole_angle_leads_back_to_the_place():
    activity, decoded_m = there_and_back(Polar())
    np.testing.assert_allclose(activity[:, 0], np.linalg.norm(PLACES_M, axis=1), rtol=1e-6)
    np.testing.assert_allclose(activity[:, 1], np.arctan2(PLACES_M[:, 1], PLACES_M[:, 0]), rtol=1e-6)
    np.testing.assert_allclose(decoded_m, PLACES_M, atol=1e-6)


def test_the_published_angle_leads_to_the_right_half_of_the_arena():
    activity, decoded_m = there_and_back(Polar(angle="atan"))
    assert (np.abs(activity[:, 1]) <= np.pi / 2 + 1e-6).all()
    mirrored_m = np.where(PLACES_M[:, :1] < 0, -PLACES_M, PLACES_M)
    np.testing.assert_allclose(decoded_m, mirrored_m, atol=1e-6)


def test_the_centre_of_the_arena_has_an_angle():
    for angle in ("atan2", "atan"):
        target = Polar(angle=angle)
        activity = target.encode(Box(), jnp.zeros((0,)), through(np.zeros((2, 2), "float32")))
        np.testing.assert_array_equal(activity, 0.0)


def test_its_loss_is_the_square_distance_of_the_places():
    other_m = PLACES_M[::-1]
    target = Polar()
    here, there = (target.encode(Box(), jnp.zeros((0,)), through(place_m)) for place_m in (PLACES_M, other_m))
    found = PolarLoss().per_step(here, there)
    np.testing.assert_allclose(found, ((PLACES_M - other_m) ** 2).sum(axis=1), rtol=1e-5, atol=1e-6)
    assert not target.is_distribution
    assert target.usual_loss == "polar"
