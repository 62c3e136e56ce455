"""What a trajectory is: a law by which a walker moves through an arena."""

from abc import abstractmethod
from typing import NamedTuple, Self

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.arena import Arena
from gridsweep.kinds import Kind, kind


class Walk(NamedTuple):
    """One walk: where it starts, and each step's displacement, place and heading after it.

    ``position_m[k] = start_m + displacement_m[:k + 1].sum(0)``, up to wrapping on a torus.
    """

    start_m: Float[Array, "2"]
    start_heading_rad: Float[Array, ""]
    displacement_m: Float[Array, "steps 2"]
    position_m: Float[Array, "steps 2"]
    heading_rad: Float[Array, " steps"]  # in [-pi, pi)


def standing_at(
    position_m: Float[Array, "places 2"], heading_rad: Float[Array, " places"] | None = None
) -> Walk:
    """Returns places as a walk without a way between them, for what knows walks alone.

    Steps are zero. So are headings that are not given: targets of place ignore them, of heading it says
    nothing.
    """
    headings_rad = jnp.zeros(len(position_m)) if heading_rad is None else heading_rad
    return Walk(
        start_m=position_m[0],
        start_heading_rad=headings_rad[0],
        displacement_m=jnp.zeros_like(position_m),
        position_m=position_m,
        heading_rad=headings_rad,
    )


@kind
class Trajectory(Kind):
    """A law of motion."""

    package = "gridsweep.trajectories"
    family = "trajectory"

    def without_walls(self) -> Self:
        """Returns the same law without a say in what a wall does; most laws have none."""
        return self

    @abstractmethod
    def walk(self, key: PRNGKeyArray, arena: Arena, steps: int) -> Walk:
        """Returns one walk of ``steps`` steps drawn with ``key``."""
