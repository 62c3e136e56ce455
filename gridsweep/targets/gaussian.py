"""Gaussian place cells: one bump of activity per cell, normalised over the population.

The plainest supervised target and the control for the others: it asks for a place code without putting
any grid period into it. Its spectrum falls monotonically from zero frequency.

Source: spec b.2 (``gaussian``): softmax(-A) with ``global`` normalisation, exp(-A) with ``none``, where A
is the square distance to the nearest field over twice its variance. Entropy floor (512 cells, 0.12 m):
3.10 nats; decoder floor 4.2 cm (spec b.3, b.4).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.arena import Arena
from gridsweep.kinds import kind, per_cohort
from gridsweep.targets._place_cells import PlaceCells, PlaceCellTarget, scaled_square_distances
from gridsweep.trajectories import Walk


@kind
class Gaussian(PlaceCellTarget):
    """Place cells with isotropic Gaussian fields."""

    normalisation: str = per_cohort(
        "global",
        choices=("global", "none"),
        meaning="global: activity sums to one over cells; none: peaks at one",
    )

    @property
    def is_distribution(self) -> bool:
        """Only the normalised activity sums to one."""
        return self.normalisation == "global"

    def encode(self, arena: Arena, cells: PlaceCells, walk: Walk) -> Float[Array, "steps cells"]:
        """Returns place-cell activity along one walk."""
        centre, _ = scaled_square_distances(arena, cells, walk.position_m)
        return jax.nn.softmax(-centre, axis=-1) if self.normalisation == "global" else jnp.exp(-centre)
