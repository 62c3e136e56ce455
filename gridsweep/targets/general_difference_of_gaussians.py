"""Difference of Gaussians whose centre and surround have heights of their own.

y = SHIFT(a_E exp(-A) - a_I exp(-B)), with A and B the square distance to the nearest field over twice the
variance of its centre and of its surround. Between a_I = 0 (a Gaussian, normalised by its sum) and
a_I = a_E (the true difference of Gaussians) lies a_I = a_E / s^2, whose spectrum is that of the difference
of softmaxes: this target shows which of the ingredients matters. A ring of the spectrum dominates the zero
frequency for 1/16 < a_I / a_E < 0.356 at s = 2. Only the ratio of the two heights has an effect, up to
rounding.

Source: encoder spec b.2 and b.3; decoder b.4: mean centre of the three most active cells. Entropy floor
(512 cells, 0.12 m, s = 2, ratio 1/4): 6.06 nats, a little below the difference of softmaxes. Decoder
floor: 4.3 cm, near that of Gaussian cells; 4.9 cm at a ratio of 0.4, and 20 cm at 0.7, where far cells are
among the most active (f.3).
"""

import dataclasses
from typing import Self

import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.arena import Arena
from gridsweep.kinds import Scalar, kind, per_lane
from gridsweep.targets._place_cells import PlaceCells, scaled_square_distances
from gridsweep.targets._surround import SurroundTarget, shifted_to_one
from gridsweep.trajectories import Walk


@kind
class GeneralDifferenceOfGaussians(SurroundTarget):
    """Place cells with a centre and a surround of any two heights."""

    amplitude_excitatory: Scalar = per_lane(1.0, meaning="height of the centre", above=0.0, at_most=1e6)
    amplitude_inhibitory: Scalar = per_lane(
        0.25, meaning="depth of the surround; 0: none", at_least=0.0, at_most=1e6
    )

    def encode(self, arena: Arena, cells: PlaceCells, walk: Walk) -> Float[Array, "steps cells"]:
        """Returns place-cell activity along one walk; each row sums to one."""
        centre, surround = scaled_square_distances(arena, cells, walk.position_m)
        excitation = self.amplitude_excitatory * jnp.exp(-centre)
        return shifted_to_one(excitation - self.amplitude_inhibitory * jnp.exp(-surround))

    def canonical(self) -> Self:
        """Leaves out the width of a surround that has no depth."""
        normal = super().canonical()
        if self.amplitude_inhibitory != 0:
            return normal
        return dataclasses.replace(normal, surround_ratio=2.0, surround_convention="sigma")
