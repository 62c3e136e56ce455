"""What the targets with an inhibitory surround share: its width, written either way.

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
        if self.surround_convention == "sigma" or isinstance(self.surround_ratio, Uniform):
            return self
        return dataclasses.replace(self, surround_ratio=self.surround_ratio**0.5, surround_convention="sigma")
