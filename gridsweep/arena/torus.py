"""A square whose opposite sides are one: no walls, and two ways round to every place.

The published networks wrapped positions but measured the distance to a place cell straight across the
box, so their targets break at the seam (spec a.3). Here the default is the shorter way round
(``minimum_image``); ``plain`` is the published behaviour.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.arena._base import Arena, Wall
from gridsweep.kinds import kind, per_cohort


@kind
class Torus(Arena):
    """A periodic square arena."""

    has_walls: ClassVar[bool] = False

    distance: str = per_cohort(
        "minimum_image", choices=("minimum_image", "plain"), meaning="how far apart two places are"
    )

    def sample_positions(self, key: PRNGKeyArray, number: int) -> Float[Array, "number 2"]:
        """Returns places drawn uniformly from the torus, in m."""
        return (jax.random.uniform(key, (number, 2)) - 0.5) * self.side_m

    def nearest_wall(self, position_m: Float[Array, "2"]) -> Wall:
        """Returns a wall infinitely far away: there is none."""
        return Wall(jnp.full_like(position_m[0], jnp.inf), jnp.zeros_like(position_m[0]))

    def wrap(self, position_m: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Returns the place in [-side/2, side/2) that is the same point of the torus."""
        turned_m = jnp.mod(position_m + self.side_m / 2, self.side_m)
        # Just left of the seam the remainder rounds up to a whole side, which is the seam itself.
        return jnp.where(turned_m < self.side_m, turned_m, 0.0) - self.side_m / 2

    def offset_m(
        self, from_m: Float[Array, "*#shape"], to_m: Float[Array, "*#shape"]
    ) -> Float[Array, "*#shape"]:
        """Returns the shorter way round, or the plain difference under ``distance: plain``."""
        offset_m = to_m - from_m
        return offset_m if self.distance == "plain" else self.wrap(offset_m)
