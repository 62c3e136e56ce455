"""What the arenas with straight walls that are no square share.

A convex polygon is what lies behind all of its walls. A wall is given by the direction of its outward normal
and its distance from the origin, which is the middle of the square that maps cover.
"""

from abc import abstractmethod

import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.arena._base import Arena, Wall
from gridsweep.kinds import kind


@kind
class Polygon(Arena):
    """A convex arena with straight walls."""

    @abstractmethod
    def walls(self) -> tuple[Float[Array, " walls"], Float[Array, " walls"]]:
        """Returns the direction of each wall's outward normal (rad) and its distance from the origin (m)."""

    def nearest_wall(self, position_m: Float[Array, "2"]) -> Wall:
        """Returns the nearest wall; the first of equals."""
        normals_rad, from_origin_m = self.walls()
        x_m, y_m = position_m
        distances_m = from_origin_m - (x_m * jnp.cos(normals_rad) + y_m * jnp.sin(normals_rad))
        nearest = jnp.argmin(distances_m)
        return Wall(distances_m[nearest], normals_rad[nearest])

    def wrap(self, position_m: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Returns the position unchanged: there is no seam."""
        return position_m

    def offset_m(
        self, from_m: Float[Array, "*#shape"], to_m: Float[Array, "*#shape"]
    ) -> Float[Array, "*#shape"]:
        """Returns the straight way, in m."""
        return to_m - from_m
