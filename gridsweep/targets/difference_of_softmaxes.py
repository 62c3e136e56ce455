"""Difference of softmaxes (DoS): a normalised bump minus a wider normalised bump.

The target that grows lattices. Each softmax sums to one over cells, so their difference has no
zero-frequency part: in the continuum it is exp(-d^2/2w^2) - s^-2 exp(-d^2/2 s^2 w^2), whose spectrum is a
ring at k*^2 = 4 ln s / ((s^2 - 1) w^2). A network that must reproduce it is handed a period: 7.55 w for
s = 2, if its units become hexagonal.

Source: spec b.2 and b.3 (published as ``difference_of_gaussians`` with ``global`` normalisation). The
difference is shifted by its most negative value and renormalised at each place, so activity is a uniform
level plus a Mexican hat. Entropy floor (512 cells, 0.12 m, s = 2): 6.09 of ln 512 = 6.238 nats; decoder
floor as for Gaussian cells while there are enough of them (spec b.4).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.arena import Arena
from gridsweep.kinds import kind, per_cohort
from gridsweep.targets._place_cells import PlaceCells, scaled_square_distances
from gridsweep.targets._surround import SurroundTarget, shifted_to_one
from gridsweep.trajectories import Walk


@kind
class DifferenceOfSoftmaxes(SurroundTarget):
    """Place cells whose activity is a Mexican hat above a uniform level."""

    normalisation: str = per_cohort(
        "global",
        choices=("global", "none"),
        meaning="global: two softmaxes; none: two unnormalised Gaussians",
    )

    def encode(self, arena: Arena, cells: PlaceCells, walk: Walk) -> Float[Array, "steps cells"]:
        """Returns place-cell activity along one walk; each row sums to one."""
        centre, surround = scaled_square_distances(arena, cells, walk.position_m)
        if self.normalisation == "none":
            return shifted_to_one(jnp.exp(-centre) - jnp.exp(-surround))
        return shifted_to_one(jax.nn.softmax(-centre, axis=-1) - jax.nn.softmax(-surround, axis=-1))
