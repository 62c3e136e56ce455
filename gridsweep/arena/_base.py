"""What an arena is: where a walker may be, where its walls are, and how far apart two places are.

Positions are in metres; the origin is the middle of the square of ``side_m`` that the arena lies in.
"""

from abc import abstractmethod
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.kinds import Kind, Scalar, kind, per_lane


class Wall(NamedTuple):
    """The wall nearest to a place."""

    distance_m: Float[Array, ""]  # negative outside
    normal_rad: Float[Array, ""]  # direction of the outward normal


@kind
class Arena(Kind):
    """A bounded or periodic piece of the plane, at most ``side_m`` wide and high."""

    package = "gridsweep.arena"
    family = "arena"

    has_walls: ClassVar[bool] = True

    side_m: Scalar = per_lane(2.2, unit="m", meaning="length of a side", above=0.0, at_most=1000.0)

    def centre_m(self) -> Float[Array, "2"]:
        """Returns the centre of mass, in m: the origin unless said."""
        return jnp.zeros(2)

    @abstractmethod
    def sample_positions(self, key: PRNGKeyArray, number: int) -> Float[Array, "number 2"]:
        """Returns places drawn uniformly from the arena, in m."""

    @abstractmethod
    def nearest_wall(self, position_m: Float[Array, "2"]) -> Wall:
        """Returns the distance to the nearest wall and the direction out through it."""

    @abstractmethod
    def wrap(self, position_m: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Returns the place inside the arena that stands for ``position_m``; itself without a seam."""

    @abstractmethod
    def offset_m(
        self, from_m: Float[Array, "*#shape"], to_m: Float[Array, "*#shape"]
    ) -> Float[Array, "*#shape"]:
        """Returns the way from one place to another, in m: the shorter one where there are two.

        Taken coordinate by coordinate, so either coordinate may be given alone.
        """
