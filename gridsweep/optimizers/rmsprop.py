"""RMSprop as TensorFlow 2.8's Keras and PyTorch have it: epsilon outside the root, v from 0.

v = .9 v + .1 g^2;  u = momentum u + g / (sqrt(v) + 1e-7);  w -= learning_rate * u. The two programs share
this form; the constants here are those of Keras, without momentum. PyTorch's are ``decay: 0.99`` and
``epsilon: 1e-8``; the published reproduction in it has ``momentum: 0.9`` and ``epsilon: 1e-4`` as well.
Optax's own puts epsilon inside the root by default. Source: spec d.2.
"""

import optax

from gridsweep.kinds import Scalar, kind, per_lane
from gridsweep.optimizers._base import COUPLED_DECAY, Optimizer


@kind
class Rmsprop(Optimizer):
    """RMSprop, epsilon outside the root."""

    decay: Scalar = per_lane(0.9, meaning="memory of the mean square gradient", at_least=0.0, at_most=1.0)
    epsilon: Scalar = per_lane(1e-7, meaning="added to the root of the mean square gradient", above=0.0)
    momentum: Scalar = per_lane(0.0, meaning="memory of the scaled gradient", at_least=0.0, at_most=1.0)
    coupled_decay: Scalar = per_lane(0.0, meaning=COUPLED_DECAY, at_least=0.0, before=0.0)

    def transformation(self, learning_rate: Scalar) -> optax.GradientTransformation:
        """Returns the rule at a learning rate."""
        rule = optax.scale_by_rms(decay=self.decay, eps=self.epsilon, initial_scale=0.0, eps_in_sqrt=False)
        decay = optax.add_decayed_weights(self.coupled_decay)
        return optax.chain(decay, rule, optax.trace(decay=self.momentum), optax.scale(-learning_rate))
