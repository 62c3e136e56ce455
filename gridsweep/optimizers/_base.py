"""What an optimizer is: an Optax transformation whose learning rate may be traced.

The forms matter as much as the constants (spec d.2): where epsilon stands, whether the root it is added
to is bias-corrected, and what the running averages start from. Each file says whose form it is.
"""

from abc import abstractmethod

import optax

from gridsweep.kinds import Kind, Scalar, kind

COUPLED_DECAY = "times a weight, added to its gradient after clipping: PyTorch's weight_decay, of all weights"


@kind
class Optimizer(Kind):
    """An update rule."""

    package = "gridsweep.optimizers"
    family = "optimizer"

    @abstractmethod
    def transformation(self, learning_rate: Scalar) -> optax.GradientTransformation:
        """Returns the rule at a learning rate, which may be a traced value of one lane."""
