"""What a trajectory is: a law by which a walker moves through an arena."""

from abc import abstractmethod
from typing import NamedTuple

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


@kind
class Trajectory(Kind):
    """A law of motion."""

    package = "gridsweep.trajectories"
    family = "trajectory"

    @abstractmethod
    def walk(self, key: PRNGKeyArray, arena: Arena, steps: int) -> Walk:
        """Returns one walk of ``steps`` steps drawn with ``key``."""
