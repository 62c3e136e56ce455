"""Square distance between two places given as (distance, angle), in m^2.

r1^2 + r2^2 - 2 r1 r2 cos(th1 - th2): the law of cosines, so an angle that is off by a full turn costs
nothing and one near the centre costs little. Source: spec d.1 (published as ``polarmse``).
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.kinds import kind
from gridsweep.losses._base import Loss


@kind
class Polar(Loss):
    """Square distance of polar coordinates; its floor is zero."""

    def per_step(
        self, output: Float[Array, "steps 2"], activity: Float[Array, "steps 2"]
    ) -> Float[Array, " steps"]:
        """Returns the square distance between the two places, in m^2, at each step."""
        if activity.shape[-1] != 2:
            raise ValueError(
                f"polar loss: found a target of {activity.shape[-1]} outputs, expected 2, distance and angle"
            )
        radius_m, angle_rad = output[:, 0], output[:, 1]
        wanted_m, wanted_rad = activity[:, 0], activity[:, 1]
        # The law of cosines with 1 - cos as a half angle: a small distance is not lost in large radii.
        half_chord = jnp.sin((angle_rad - wanted_rad) / 2)
        return (radius_m - wanted_m) ** 2 + 4 * radius_m * wanted_m * half_chord**2

    def floor(self, activity: Float[Array, "steps 2"]) -> Float[Array, " steps"]:
        """Returns zero: any place can be matched exactly."""
        return jnp.zeros(activity.shape[0])

    def excess(
        self, output: Float[Array, "rows 2"], activity: Float[Array, "places 2"]
    ) -> Float[Array, "rows places"]:
        """Returns the square distance between the two places, in m^2."""
        rows, places = len(output), len(activity)
        pairs = jnp.repeat(output, places, axis=0), jnp.tile(activity, (rows, 1))
        return self.per_step(*pairs).reshape(rows, places)
