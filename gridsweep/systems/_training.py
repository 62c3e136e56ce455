"""How a network is trained: the optimizer, its rate, the penalty, the batch and how long."""

from gridsweep.kinds import Kind, Scalar, kind, part, per_cohort, per_lane
from gridsweep.optimizers import Optimizer


@kind
class Training(Kind):
    """Settings of gradient training. Published values: spec d.3."""

    family = "training"

    optimizer: Optimizer = part(default="adam", meaning="how weights follow gradients")
    learning_rate: Scalar = per_lane(1e-4, meaning="step size of the optimizer", above=0.0, at_most=1e3)
    weight_decay: Scalar = per_lane(
        1e-4, meaning="coefficient of the sum of squares of the penalised tensor", at_least=0.0, at_most=1e6
    )
    batch_size: int = per_cohort(200, unit="walks", meaning="walks in a batch", at_least=1, at_most=1_000_000)
    steps: int = per_cohort(20, unit="steps", meaning="time steps of a walk", at_least=1, at_most=100_000)
    updates: int = per_cohort(
        200_000, unit="updates", meaning="optimizer updates", at_least=1, at_most=1_000_000_000
    )
    precision: str = per_cohort("float32", choices=("float32",), meaning="of the matrix products in training")
