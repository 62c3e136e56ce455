"""A regular hexagon, ``side_m`` from corner to opposite corner, which lie on the x axis.

One of the three arenas of Cueva & Wei 2018 (spec other_systems 2). Its walls are half of ``side_m`` long; it
fills the square of its maps in width and 0.866 of it in height.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.arena._polygon import Polygon
from gridsweep.kinds import kind

APOTHEM = 3**0.5 / 4  # from the centre to a wall, over the width from corner to corner


@kind
class Hexagon(Polygon):
    """A regular hexagon."""

    def walls(self) -> tuple[Float[Array, "6"], Float[Array, "6"]]:
        """Returns the six walls, from the upper right on."""
        normals_rad = (jnp.arange(6) + 0.5) * (jnp.pi / 3)
        return normals_rad, jnp.ones(6) * (APOTHEM * self.side_m)

    def sample_positions(self, key: PRNGKeyArray, number: int) -> Float[Array, "number 2"]:
        """Returns places drawn uniformly from the hexagon, in m."""
        for_rhombus, for_place = jax.random.split(key)
        # Three rhombi meet at the centre; each lies between two corners that are two apart.
        first_rad = jax.random.randint(for_rhombus, (number,), 0, 3) * (2 * jnp.pi / 3)
        corners_rad = first_rad[:, None] + jnp.array([[0.0, 2 * jnp.pi / 3]])
        shares = jax.random.uniform(for_place, (number, 2))
        x = jnp.sum(shares * jnp.cos(corners_rad), axis=1)
        y = jnp.sum(shares * jnp.sin(corners_rad), axis=1)
        return jnp.stack([x, y], axis=1) * (self.side_m / 2)
