"""The place itself, as two coordinates in metres.

The plainest thing a path integrator can be asked for, and a control: no place cells, no widths, no
period anywhere in the target.

Source: spec b.2 (``cartesian``), trained with the mean square error.
"""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.arena import Arena
from gridsweep.kinds import kind
from gridsweep.targets._base import Target
from gridsweep.trajectories import Walk


@kind
class Cartesian(Target):
    """Two outputs: x and y in m."""

    usual_loss: ClassVar[str] = "mse"
    draws_cells: ClassVar[bool] = False

    @property
    def outputs(self) -> int:
        """The two coordinates."""
        return 2

    def draw(self, key: PRNGKeyArray, arena: Arena) -> Float[Array, "0"]:
        """Returns nothing: coordinates have no cells."""
        del key, arena
        return jnp.zeros((0,))

    def encode(self, arena: Arena, cells: Float[Array, "0"], walk: Walk) -> Float[Array, "steps 2"]:
        """Returns the places of a walk, in m."""
        del arena, cells
        return walk.position_m

    def decode(
        self, arena: Arena, cells: Float[Array, "0"], output: Float[Array, "steps 2"]
    ) -> Float[Array, "steps 2"]:
        """Returns the output itself."""
        del arena, cells
        return output
