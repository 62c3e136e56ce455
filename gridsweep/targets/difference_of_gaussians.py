"""Difference of Gaussians (DoG) of equal height: a hole detector.

y = SHIFT(exp(-A) - exp(-B)), with A and B the square distance to the nearest field over twice the variance
of its centre and of its surround. The difference is 0 at the centre, negative on a ring and 0 far away,
so after the shift a cell is most active at its centre and everywhere far from it. A control for the
difference of softmaxes, which has the same ingredients and no zero-frequency part; here it dominates.

Source: encoder spec b.2 and b.3 (published as ``true_difference_of_gaussians``; a normalisation is
ignored there and is no setting here); decoder b.4 and f.3: the published programs take the three *least*
active cells, which lie on the ring (``three_smallest``). ``three_largest`` is the rule of the other
targets. Entropy floor (512 cells, 0.12 m, s = 2): 6.19 nats. Decoder floor of ``three_smallest``: 13 cm
at (0.12 m, s = 2), and below 10 cm for 8 of the 49 published settings only; of ``three_largest``: above
1 m with narrow fields, where far cells are as active as near ones, and 4 cm with wide (0.4 m, s = 4).
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.arena import Arena
from gridsweep.kinds import kind, per_cohort
from gridsweep.targets._place_cells import PlaceCells, scaled_square_distances
from gridsweep.targets._surround import SurroundTarget, shifted_to_one
from gridsweep.trajectories import Walk


@kind
class DifferenceOfGaussians(SurroundTarget):
    """Place cells that fall silent on a ring around their field."""

    decoder: str = per_cohort(
        "three_largest",
        choices=("three_largest", "three_smallest"),
        meaning="which cells a place is decoded from; three_smallest: as published",
    )

    def encode(self, arena: Arena, cells: PlaceCells, walk: Walk) -> Float[Array, "steps cells"]:
        """Returns place-cell activity along one walk; each row sums to one."""
        centre, surround = scaled_square_distances(arena, cells, walk.position_m)
        return shifted_to_one(jnp.exp(-centre) - jnp.exp(-surround))

    def decode(
        self, arena: Arena, cells: PlaceCells, output: Float[Array, "steps cells"]
    ) -> Float[Array, "steps 2"]:
        """Returns the mean centre of the three most, or least, active cells."""
        return super().decode(arena, cells, output if self.decoder == "three_largest" else -output)
