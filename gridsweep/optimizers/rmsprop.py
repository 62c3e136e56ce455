"""RMSprop as TensorFlow 2.8's Keras has it: epsilon outside the root, no momentum, v from 0.

v = .9 v + .1 g^2;  w -= learning_rate * g / (sqrt(v) + 1e-7). Optax's own puts epsilon inside the root by
default. Source: spec d.2.
"""

import optax

from gridsweep.kinds import Scalar, kind, per_lane
from gridsweep.optimizers._base import Optimizer


@kind
class Rmsprop(Optimizer):
    """RMSprop, Keras form."""

    decay: Scalar = per_lane(0.9, meaning="memory of the mean square gradient", at_least=0.0, at_most=1.0)
    epsilon: Scalar = per_lane(1e-7, meaning="added to the root of the mean square gradient", above=0.0)

    def transformation(self, learning_rate: Scalar) -> optax.GradientTransformation:
        """Returns the rule at a learning rate."""
        rule = optax.scale_by_rms(decay=self.decay, eps=self.epsilon, initial_scale=0.0, eps_in_sqrt=False)
        return optax.chain(rule, optax.scale(-learning_rate))
