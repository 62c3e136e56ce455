"""Gradient descent: u = momentum u + g;  w -= learning_rate * u. Plain without momentum (spec d.2).

The published reproduction of the LSTM study has PyTorch's form with ``momentum: 0.9``.
"""

import optax

from gridsweep.kinds import Scalar, kind, per_lane
from gridsweep.optimizers._base import COUPLED_DECAY, Optimizer


@kind
class Sgd(Optimizer):
    """Gradient descent, with momentum if asked for."""

    momentum: Scalar = per_lane(
        0.0, meaning="memory of the scaled gradient", at_least=0.0, at_most=1.0, before=0.0
    )
    coupled_decay: Scalar = per_lane(0.0, meaning=COUPLED_DECAY, at_least=0.0, before=0.0)

    def transformation(self, learning_rate: Scalar) -> optax.GradientTransformation:
        """Returns the rule at a learning rate."""
        return optax.chain(
            optax.add_decayed_weights(self.coupled_decay),
            optax.trace(decay=self.momentum),
            optax.scale(-learning_rate),
        )
