"""The place as random linear readings of its distance and bumps over its direction.

The first half of the outputs is |r| m + b, with slopes m and intercepts b from U(-1, 1); the second half
is exp(kappa cos(theta - mu)), theta the direction of r, with von Mises centres mu from U(-pi, pi) and
kappa = 1. All are drawn once per run. As many outputs as there are place cells elsewhere, without a
period over the arena. An odd number has its middle output in the second half.

Source: encoder spec b.2; decoder b.4: the distance by least squares, (first half - b) m^+, the direction
as the centre of the most active output of the second half. Trained with the mean square error, so it has
no entropy floor: the smallest loss is 0. Decoder floor (512 outputs): 1.0 cm, from the gaps between centres.
"""

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.arena import Arena
from gridsweep.kinds import kind, per_cohort
from gridsweep.targets._base import Target
from gridsweep.trajectories import Walk

CONCENTRATION = 1.0  # kappa of the von Mises bumps, spec b.2


class PolarReadings(NamedTuple):
    """The random readings of one run."""

    slopes_per_m: Float[Array, " radial"]
    intercepts: Float[Array, " radial"]
    centres_rad: Float[Array, " angular"]


@kind
class HighDimPolar(Target):
    """Outputs that are random functions of distance or direction."""

    usual_loss: ClassVar[str] = "mse"

    place_cells: int = per_cohort(512, unit="cells", meaning="number of outputs", at_least=4, at_most=65536)

    @property
    def outputs(self) -> int:
        """One output a reading."""
        return self.place_cells

    def draw(self, key: PRNGKeyArray, arena: Arena) -> PolarReadings:
        """Returns slopes and intercepts, uniform in (-1, 1), and centres, uniform over the circle."""
        del arena
        for_slopes, for_intercepts, for_centres = jax.random.split(key, 3)
        radial = self.place_cells // 2
        angular = self.place_cells - radial
        return PolarReadings(
            slopes_per_m=jax.random.uniform(for_slopes, (radial,), minval=-1.0),
            intercepts=jax.random.uniform(for_intercepts, (radial,), minval=-1.0),
            centres_rad=jax.random.uniform(for_centres, (angular,), minval=-jnp.pi, maxval=jnp.pi),
        )

    def encode(self, arena: Arena, cells: PolarReadings, walk: Walk) -> Float[Array, "steps cells"]:
        """Returns the readings along one walk."""
        del arena
        x_m, y_m = walk.position_m[:, :1], walk.position_m[:, 1:]
        of_distance = jnp.hypot(x_m, y_m) * cells.slopes_per_m[None] + cells.intercepts[None]
        away_rad = jnp.arctan2(y_m, x_m) - cells.centres_rad[None]
        return jnp.concatenate([of_distance, jnp.exp(CONCENTRATION * jnp.cos(away_rad))], axis=-1)

    def decode(
        self, arena: Arena, cells: PolarReadings, output: Float[Array, "steps cells"]
    ) -> Float[Array, "steps 2"]:
        """Returns the places at the distances and directions that the outputs point at, in m."""
        del arena
        of_distance, of_direction = jnp.split(output, [len(cells.slopes_per_m)], axis=-1)
        slopes_per_m = cells.slopes_per_m[None]
        rise = jnp.sum((of_distance - cells.intercepts[None]) * slopes_per_m, axis=-1)
        radius_m = rise / jnp.sum(slopes_per_m**2)
        angle_rad = cells.centres_rad[jnp.argmax(of_direction, axis=-1)]
        return radius_m[:, None] * jnp.stack([jnp.cos(angle_rad), jnp.sin(angle_rad)], axis=-1)
