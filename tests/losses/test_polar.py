"""Square distance of places written as distance and angle."""

import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.losses.polar import Polar


def test_it_is_the_law_of_cosines_for_negative_distances_too():
    rng = np.random.default_rng(0)
    (r1, th1), (r2, th2) = rng.normal(size=(2, 2, 20)) * 3
    output, activity = (jnp.float32(np.stack(pair, axis=1)) for pair in ((r1, th1), (r2, th2)))
    expected = r1**2 + r2**2 - 2 * r1 * r2 * np.cos(th1 - th2)
    np.testing.assert_allclose(Polar().per_step(output, activity), expected, rtol=1e-4, atol=1e-5)


def test_a_full_turn_costs_nothing():
    activity = jnp.array([[1.0, 0.5], [0.3, -3.0]])
    turned = activity + jnp.array([[0.0, 2 * jnp.pi]])
    np.testing.assert_allclose(Polar().per_step(turned, activity), Polar().floor(activity), atol=1e-10)


def test_a_target_that_is_no_distance_and_angle_is_refused():
    with pytest.raises(ValueError, match="found a target of 3 outputs, expected 2"):
        Polar().per_step(jnp.zeros((4, 3)), jnp.zeros((4, 3)))
