"""A square box with soft walls: the walker turns away from a wall but may overshoot it a little.

Source: the published studies, spec a.1 and a.2: side 2.2 m. A walker near a wall turns until it runs
along it, so a few in a thousand positions lie up to 0.1 m outside.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.arena._base import Arena, Wall
from gridsweep.kinds import kind


@kind
class Box(Arena):
    """A square arena with four walls."""

    def sample_positions(self, key: PRNGKeyArray, number: int) -> Float[Array, "number 2"]:
        """Returns places drawn uniformly from the box, in m."""
        return (jax.random.uniform(key, (number, 2)) - 0.5) * self.side_m

    def nearest_wall(self, position_m: Float[Array, "2"]) -> Wall:
        """Returns the nearest of the walls right, top, left, bottom; the first of equals."""
        half_m = self.side_m / 2
        x_m, y_m = position_m
        distances_m = jnp.stack([half_m - x_m, half_m - y_m, x_m + half_m, y_m + half_m])
        nearest = jnp.argmin(distances_m)
        return Wall(distances_m[nearest], nearest * (jnp.pi / 2))

    def wrap(self, position_m: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Returns the position unchanged: a box has no seam."""
        return position_m

    def offset_m(
        self, from_m: Float[Array, "*#shape"], to_m: Float[Array, "*#shape"]
    ) -> Float[Array, "*#shape"]:
        """Returns the straight way, in m."""
        return to_m - from_m
