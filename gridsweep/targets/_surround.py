"""What the targets with an inhibitory surround share: its width, written either way, and the shift.

Source: spec f.1. The No-Free-Lunch programs give the ratio of standard deviations, Sorscher's and
Nayebi's the ratio of variances, under one name and both with the value 2. Here ``surround_convention``
says which is meant; identity is computed from the ratio of standard deviations.
"""

import dataclasses
from typing import Self

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.kinds import Scalar, Uniform, kind, per_cohort, per_lane
from gridsweep.targets._base import draw_spread
from gridsweep.targets._place_cells import PlaceCellTarget


@kind
class SurroundTarget(PlaceCellTarget):
    """Place cells with a centre and a wider surround."""

    surround_ratio: Scalar = per_lane(
        2.0, meaning="width of the surround over that of the centre", above=1.0, at_most=1e6, spread=True
    )
    surround_convention: str = per_cohort(
        "sigma",
        choices=("sigma", "variance"),
        meaning="whether surround_ratio is of standard deviations or variances",
    )

    def draw_surround_ratio(self, key: PRNGKeyArray, shape: tuple[int, int]) -> Float[Array, "cells fields"]:
        """Returns the ratio of standard deviations for each cell and field."""
        ratio = draw_spread(key, self.surround_ratio, shape)
        return jnp.sqrt(ratio) if self.surround_convention == "variance" else ratio

    def canonical(self) -> Self:
        """Writes a constant ratio as one of standard deviations; a uniform one is uniform as it is said."""
        normal = super().canonical()
        if self.surround_convention == "sigma" or isinstance(self.surround_ratio, Uniform):
            return normal
        return dataclasses.replace(
            normal, surround_ratio=self.surround_ratio**0.5, surround_convention="sigma"
        )


def shifted_to_one(raw: Float[Array, "steps cells"]) -> Float[Array, "steps cells"]:
    """Returns activity shifted by its smallest value's size, then divided by its sum (SHIFT of spec b.2).

    Uniform where all cells are silent: a place so far from every field that all values underflow.
    """
    shifted = raw + jnp.abs(jnp.min(raw, axis=-1, keepdims=True))
    total = jnp.sum(shifted, axis=-1, keepdims=True)
    silent = total == 0
    return (shifted + silent) / jnp.where(silent, raw.shape[-1], total)
