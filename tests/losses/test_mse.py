"""Mean square error over outputs."""

import jax.numpy as jnp
import numpy as np

from gridsweep.losses.mse import Mse


def test_it_is_the_mean_over_outputs_of_the_squared_difference():
    output, activity = jnp.array([[1.0, 2.0], [0.0, 0.0]]), jnp.array([[1.0, 0.0], [3.0, 4.0]])
    np.testing.assert_allclose(Mse().per_step(output, activity), [2.0, 12.5])


def test_its_floor_is_reached_by_the_target_itself():
    activity = jnp.array([[1.0, -2.0], [0.5, 0.0]])
    np.testing.assert_array_equal(Mse().per_step(activity, activity), Mse().floor(activity))
