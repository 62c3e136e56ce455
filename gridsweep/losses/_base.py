"""What a loss is: how far an output is from the activity asked for, and how small that can get."""

from abc import abstractmethod
from typing import ClassVar

from jaxtyping import Array, Float

from gridsweep.kinds import Kind, kind


@kind
class Loss(Kind):
    """A loss over one walk."""

    package = "gridsweep.losses"
    family = "loss"

    needs_distribution: ClassVar[bool] = False

    @abstractmethod
    def per_step(
        self, output: Float[Array, "steps outputs"], activity: Float[Array, "steps outputs"]
    ) -> Float[Array, " steps"]:
        """Returns the loss at each step of a walk."""

    @abstractmethod
    def floor(self, activity: Float[Array, "steps outputs"]) -> Float[Array, " steps"]:
        """Returns the smallest loss any output can reach at each step."""

    @abstractmethod
    def excess(
        self, output: Float[Array, "rows outputs"], activity: Float[Array, "places outputs"]
    ) -> Float[Array, "rows places"]:
        """Returns how much more each output costs with each activity than that activity costs itself.

        Up to a number for each row: what it is for is finding the place that an output fits best.
        """

    def ideal_output(self, activity: Float[Array, "rows outputs"]) -> Float[Array, "rows outputs"]:
        """Returns the output that costs no more than the floor: the activity itself, unless said."""
        return activity
