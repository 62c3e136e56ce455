"""Mean square error over outputs, in squared units of the target (spec d.1)."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.kinds import kind
from gridsweep.losses._base import Loss


@kind
class Mse(Loss):
    """Mean square error; its floor is zero."""

    def per_step(
        self, output: Float[Array, "steps outputs"], activity: Float[Array, "steps outputs"]
    ) -> Float[Array, " steps"]:
        """Returns the mean over outputs of (y - z)^2."""
        return jnp.mean((activity - output) ** 2, axis=-1)

    def floor(self, activity: Float[Array, "steps outputs"]) -> Float[Array, " steps"]:
        """Returns zero: any target can be matched exactly."""
        return jnp.zeros(activity.shape[0])

    def excess(
        self, output: Float[Array, "rows outputs"], activity: Float[Array, "places outputs"]
    ) -> Float[Array, "rows places"]:
        """Returns the mean over outputs of (y - z)^2, less that of z^2."""
        of_place = jnp.sum(activity**2, axis=-1)
        return (of_place[None] - 2 * output @ activity.T) / output.shape[-1]
