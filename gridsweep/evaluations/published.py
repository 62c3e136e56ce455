"""The published evaluation: one batch of the training batch size, walks of 50 steps.

Source: spec d.4. Rate maps at 44, 20 and 32 bins; the notebooks use 44. With a batch of 200 walks a tenth
of the 44 x 44 bins stay empty, and the scorer counts them as silent.
"""

from gridsweep.evaluations._base import Evaluation
from gridsweep.kinds import kind, per_cohort

STEPS = 50


@kind
class Published(Evaluation):
    """One batch of walks of 50 steps, unless said."""

    bins: tuple[int, ...] = per_cohort(
        (44, 20, 32),
        unit="bins",
        meaning="bins a side of the rate maps; several for several resolutions",
        at_least=8,
        at_most=256,
    )

    steps: int = per_cohort(
        STEPS, unit="steps", meaning="steps of a walk; 0: as many as in training", at_least=0, at_most=100_000
    )

    def walk_steps(self, training_steps: int) -> int:
        """Returns ``steps``, whatever the training length; that for 0."""
        return self.steps or training_steps

    def batches(self, training_batch_size: int, training_steps: int) -> tuple[int, int]:
        """Returns one batch of the training batch size."""
        del training_steps
        return 1, training_batch_size
