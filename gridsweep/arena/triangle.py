"""An equilateral triangle standing on a side of ``side_m``.

One of the three arenas of Cueva & Wei 2018, whose grid-like units are closer to hexagonal in it than in a
square (spec other_systems 2). The origin is half way up, so that the triangle fills the square of its maps in
width and 0.866 of it in height; its centre of mass, where walks start, is below.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.arena._polygon import Polygon
from gridsweep.kinds import kind

HEIGHT = 3**0.5 / 2  # over the side


@kind
class Triangle(Polygon):
    """An equilateral triangle."""

    def centre_m(self) -> Float[Array, "2"]:
        """Returns the centre of mass: a third of the way up."""
        return jnp.stack([jnp.float32(0.0), -HEIGHT * self.side_m / 6])

    def walls(self) -> tuple[Float[Array, "3"], Float[Array, "3"]]:
        """Returns the right, the left and the lower wall."""
        normals_rad = jnp.array([jnp.pi / 6, 5 * jnp.pi / 6, -jnp.pi / 2], jnp.float32)
        return normals_rad, jnp.array([1, 1, 2], jnp.float32) * (HEIGHT / 4) * self.side_m

    def sample_positions(self, key: PRNGKeyArray, number: int) -> Float[Array, "number 2"]:
        """Returns places drawn uniformly from the triangle, in m."""
        shares = jax.random.uniform(key, (number, 2))
        # Half of a parallelogram, folded onto the other half.
        shares = jnp.where(jnp.sum(shares, axis=1, keepdims=True) > 1, 1 - shares, shares)
        x = shares[:, 0] + shares[:, 1] / 2 - 0.5
        return jnp.stack([x, HEIGHT * (shares[:, 1] - 0.5)], axis=1) * self.side_m
