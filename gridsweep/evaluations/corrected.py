"""Evaluation with enough data: positions streamed until every bin is well visited.

The published evaluation leaves a tenth to seven tenths of the bins empty (spec f.6). Here sums and counts
are accumulated over at least 200,000 positions at a fixed batch, whatever the training batch was, on
walks as long as those of training, and occupancy is kept.
"""

import math

from gridsweep.evaluations._base import Evaluation
from gridsweep.kinds import kind, per_cohort

WALKS_PER_BATCH = 500


@kind
class Corrected(Evaluation):
    """Streams positions at a fixed batch size."""

    positions: int = per_cohort(
        200_000, unit="positions", meaning="places visited, at least", at_least=1_000, at_most=100_000_000
    )
    steps: int = per_cohort(
        0, unit="steps", meaning="steps of a walk; 0: as many as in training", at_least=0, at_most=100_000
    )

    def walk_steps(self, training_steps: int) -> int:
        """Returns ``steps``, or the training length."""
        return self.steps or training_steps

    def batches(self, training_batch_size: int, training_steps: int) -> tuple[int, int]:
        """Returns as many batches of 500 walks as the positions need."""
        del training_batch_size
        steps = self.walk_steps(training_steps)
        walks = min(WALKS_PER_BATCH, math.ceil(self.positions / steps))
        return math.ceil(self.positions / (walks * steps)), walks
