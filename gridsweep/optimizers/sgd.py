"""Plain gradient descent: w -= learning_rate * g (spec d.2)."""

import optax

from gridsweep.kinds import Scalar, kind
from gridsweep.optimizers._base import Optimizer


@kind
class Sgd(Optimizer):
    """Gradient descent without momentum."""

    def transformation(self, learning_rate: Scalar) -> optax.GradientTransformation:
        """Returns the rule at a learning rate."""
        return optax.scale(-learning_rate)
