"""What a target is: what the network is asked to report about where it is.

A target draws its cells once per run, encodes places into the activity the network should produce, and
decodes a network's output back into a place. All three are written for one walk of one lane.
"""

from abc import abstractmethod
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.arena import Arena
from gridsweep.kinds import Kind, Problem, Scalar, Uniform, kind
from gridsweep.trajectories import Walk, standing_at

Cells = Any  # a pytree of arrays, whatever the target needs to remember of its draw


@kind
class Target(Kind):
    """An encoding of place."""

    package = "gridsweep.targets"
    family = "target"

    usual_loss: ClassVar[str] = "cross_entropy"
    draws_cells: ClassVar[bool] = True  # whether anything about it is random

    @property
    @abstractmethod
    def outputs(self) -> int:
        """How many numbers the network reports."""

    @property
    def heads(self) -> tuple[int, ...]:
        """How many outputs each head of the report has. The loss is that of each head, summed."""
        return (self.outputs,)

    @property
    def starts(self) -> tuple[int, ...]:
        """How many numbers the network is told of a start, block by block; the heads unless said."""
        return self.heads

    @property
    def is_distribution(self) -> bool:
        """Whether the activity of each head is non-negative and sums to one, as a cross-entropy needs."""
        return self.usual_loss == "cross_entropy"

    @abstractmethod
    def draw(self, key: PRNGKeyArray, arena: Arena) -> Cells:
        """Returns the cells of one run: all that is random about the target."""

    @abstractmethod
    def encode(self, arena: Arena, cells: Cells, walk: Walk) -> Float[Array, "steps outputs"]:
        """Returns the activity asked for along one walk."""

    @abstractmethod
    def decode(
        self, arena: Arena, cells: Cells, output: Float[Array, "steps outputs"]
    ) -> Float[Array, "steps 2"]:
        """Returns the places a network's output (or a target's activity) points at, in m."""

    def encode_start(self, arena: Arena, cells: Cells, walk: Walk) -> Float[Array, " told"]:
        """Returns what sets the network's initial state: the activity at the start of a walk, unless said."""
        start = standing_at(walk.start_m[None], walk.start_heading_rad[None])
        return self.encode(arena, cells, start)[0]

    def problems_in(self, arena: Arena) -> list[Problem]:
        """What of this target cannot be in that arena; nothing unless said."""
        del arena
        return []


def too_wide(field: str, width_m: Scalar | Uniform, side_m: Scalar, side: str) -> list[Problem]:
    """Returns the complaint about a field that is wider than the arena, or nothing.

    Such a field answers much alike everywhere: the width was meant in another unit, or the arena.

    Args:
        field: the width's key in a sweep file.
        width_m: standard deviation of a field, or what it is drawn from.
        side_m: the side of the square that the arena lies in, which no arena is wider than.
        side: the key of that side.
    """
    widest_m = width_m.high if isinstance(width_m, Uniform) else width_m
    if widest_m <= side_m:
        return []
    drawn = " as the widest of those drawn" if isinstance(width_m, Uniform) else ""
    return [
        Problem(
            field,
            f"a width of {widest_m:g} m{drawn}, wider than the arena",
            f"at most {side_m:g} m ({side})",
        )
    ]


def draw_spread(key: PRNGKeyArray, value: Scalar | Uniform, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Returns one value for each cell and field: the constant, or independent uniform draws."""
    if isinstance(value, Uniform):
        return value.low + (value.high - value.low) * jax.random.uniform(key, shape)
    return jnp.full(shape, value, jnp.float32)
