"""What an evaluation is: the walks on which a trained network is looked at, and the bins of its maps."""

from abc import abstractmethod
from typing import ClassVar

from gridsweep.kinds import Kind, kind, per_cohort


@kind
class Evaluation(Kind):
    """How many walks of how many steps, and how finely the arena is cut."""

    package = "gridsweep.evaluations"
    family = "evaluation"

    layer: ClassVar[str] = "scored"  # or "recurrent": of which units the maps are

    bins: tuple[int, ...] = per_cohort(
        (44,),
        unit="bins",
        meaning="bins a side of the rate maps; several for several resolutions",
        at_least=8,
        at_most=256,
    )

    @abstractmethod
    def walk_steps(self, training_steps: int) -> int:
        """Returns the number of steps of each walk, given that of training."""

    @abstractmethod
    def batches(self, training_batch_size: int, training_steps: int) -> tuple[int, int]:
        """Returns (number of batches, walks in each)."""
