"""The place as many random linear readings of its two coordinates.

y = r S + b: each output is a plane over the arena, with slopes S and intercept b drawn once per run from
U(-1, 1). As many outputs as there are place cells elsewhere, and still nothing local and no period: a
control for the number of outputs.

Source: encoder spec b.2; decoder b.4, (y - b) S^+ with the Moore-Penrose inverse. Trained with the mean
square error, so it has no entropy floor: the smallest loss is 0. Decoder floor: 0.
"""

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.arena import Arena
from gridsweep.kinds import kind, per_cohort
from gridsweep.targets._base import Target
from gridsweep.trajectories import Walk


class Planes(NamedTuple):
    """The random readings of one run."""

    slopes_per_m: Float[Array, "2 cells"]
    intercepts: Float[Array, " cells"]


@kind
class HighDimCartesian(Target):
    """Outputs that are random linear functions of the place."""

    usual_loss: ClassVar[str] = "mse"

    place_cells: int = per_cohort(512, unit="cells", meaning="number of outputs", at_least=4, at_most=65536)

    @property
    def outputs(self) -> int:
        """One output a reading."""
        return self.place_cells

    def draw(self, key: PRNGKeyArray, arena: Arena) -> Planes:
        """Returns slopes and intercepts, uniform in (-1, 1)."""
        del arena
        for_slopes, for_intercepts = jax.random.split(key)
        return Planes(
            slopes_per_m=jax.random.uniform(for_slopes, (2, self.place_cells), minval=-1.0),
            intercepts=jax.random.uniform(for_intercepts, (self.place_cells,), minval=-1.0),
        )

    def encode(self, arena: Arena, cells: Planes, walk: Walk) -> Float[Array, "steps cells"]:
        """Returns the readings along one walk."""
        del arena
        x_m, y_m = walk.position_m[:, :1], walk.position_m[:, 1:]
        return x_m * cells.slopes_per_m[:1] + y_m * cells.slopes_per_m[1:] + cells.intercepts[None]

    def decode(
        self, arena: Arena, cells: Planes, output: Float[Array, "steps cells"]
    ) -> Float[Array, "steps 2"]:
        """Returns the places that fit the outputs best, in m, by least squares."""
        del arena
        with jax.default_matmul_precision("highest"):
            gram = cells.slopes_per_m @ cells.slopes_per_m.T
            return jnp.linalg.solve(gram, cells.slopes_per_m @ (output - cells.intercepts[None]).T).T
