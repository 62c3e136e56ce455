"""The place as a distance and a direction from the arena's centre.

y = (|r|, angle of r). A control like the Cartesian target, with a seam in the angle and a pole. ``atan2``
is the whole angle. ``atan`` is the published one, the arctangent of y/x, which is the same for opposite
places: the quadrant is lost and no decoder can bring it back.

Source: encoder spec b.2; decoder b.4, (y_0 cos y_1, y_0 sin y_1); the quadrant f.24. Trained with the
``polar`` loss, so it has no entropy floor: the smallest loss is 0. Decoder floor: 0 with ``atan2``, 86 cm
with ``atan``.
"""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.arena import Arena
from gridsweep.kinds import kind, per_cohort
from gridsweep.targets._base import Target
from gridsweep.trajectories import Walk


@kind
class Polar(Target):
    """Two outputs: distance in m and angle in rad."""

    usual_loss: ClassVar[str] = "polar"
    draws_cells: ClassVar[bool] = False

    angle: str = per_cohort(
        "atan2",
        choices=("atan2", "atan"),
        meaning="atan2: the whole angle; atan: as published, one value for opposite places",
    )

    @property
    def outputs(self) -> int:
        """Distance and angle."""
        return 2

    def draw(self, key: PRNGKeyArray, arena: Arena) -> Float[Array, "0"]:
        """Returns nothing: coordinates have no cells."""
        del key, arena
        return jnp.zeros((0,))

    def encode(self, arena: Arena, cells: Float[Array, "0"], walk: Walk) -> Float[Array, "steps 2"]:
        """Returns (distance in m, angle in rad) of the places of a walk; the centre has angle 0."""
        del arena, cells
        x_m, y_m = walk.position_m[:, 0], walk.position_m[:, 1]
        if self.angle == "atan2":
            angle_rad = jnp.arctan2(y_m, x_m)
        else:
            angle_rad = jnp.arctan(y_m / jnp.where(x_m == 0, jnp.finfo(x_m.dtype).tiny, x_m))
        return jnp.stack([jnp.hypot(x_m, y_m), angle_rad], axis=-1)

    def decode(
        self, arena: Arena, cells: Float[Array, "0"], output: Float[Array, "steps 2"]
    ) -> Float[Array, "steps 2"]:
        """Returns the places at those distances and angles, in m."""
        del arena, cells
        radius_m, angle_rad = output[:, 0], output[:, 1]
        return radius_m[:, None] * jnp.stack([jnp.cos(angle_rad), jnp.sin(angle_rad)], axis=-1)
