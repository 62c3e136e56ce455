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
