"""Softmax of differences (SoD): Gaussian place cells by another name.

y = softmax(-A + B), with A and B the square distance to the nearest field over twice the variance of its
centre and of its surround. Of one field, -A + B = -(1 - s^-2) d^2 / (2 w^2): exactly a Gaussian target of
width w / sqrt(1 - s^-2), 0.139 m for 0.12 m and s = 2. It is here because it was studied under this name;
a result with it is a result with Gaussian cells and no evidence of its own.

Source: encoder spec b.2, b.3 and f.4; decoder b.4: mean centre of the three most active cells. Entropy
floor (512 cells, 0.12 m, s = 2): 3.36 nats, that of Gaussian cells of 0.139 m; decoder floor 4.2 cm.
"""

import jax
from jaxtyping import Array, Float

from gridsweep.arena import Arena
from gridsweep.kinds import kind
from gridsweep.targets._place_cells import PlaceCells, scaled_square_distances
from gridsweep.targets._surround import SurroundTarget
from gridsweep.trajectories import Walk


@kind
class SoftmaxOfDifferences(SurroundTarget):
    """Place cells of which one softmax is taken, over centre minus surround."""

    def encode(self, arena: Arena, cells: PlaceCells, walk: Walk) -> Float[Array, "steps cells"]:
        """Returns place-cell activity along one walk; each row sums to one."""
        centre, surround = scaled_square_distances(arena, cells, walk.position_m)
        return jax.nn.softmax(surround - centre, axis=-1)
