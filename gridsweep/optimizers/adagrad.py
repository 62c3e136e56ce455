"""Adagrad as TensorFlow 2.8's Keras has it: the sum of squares starts at 0.1, epsilon outside the root.

a += g^2;  w -= learning_rate * g / (sqrt(a) + 1e-7). Optax's own puts epsilon inside the root.
Source: spec d.2.
"""

import jax
import jax.numpy as jnp
import optax

from gridsweep.kinds import Scalar, kind, per_lane
from gridsweep.optimizers._base import Optimizer


@kind
class Adagrad(Optimizer):
    """Adagrad, Keras form."""

    initial_sum: Scalar = per_lane(0.1, meaning="what the sum of square gradients starts from", at_least=0.0)
    epsilon: Scalar = per_lane(1e-7, meaning="added to the root of the sum of square gradients", above=0.0)

    def transformation(self, learning_rate: Scalar) -> optax.GradientTransformation:
        """Returns the rule at a learning rate."""

        def init(params):
            return optax.ScaleByRssState(
                sum_of_squares=jax.tree.map(lambda leaf: jnp.full_like(leaf, self.initial_sum), params)
            )

        def update(updates, state, params=None):
            del params
            total = jax.tree.map(lambda a, g: a + g * g, state.sum_of_squares, updates)
            step = jax.tree.map(
                lambda a, g: -learning_rate * g / (jnp.sqrt(a) + self.epsilon), total, updates
            )
            return step, optax.ScaleByRssState(sum_of_squares=total)

        return optax.GradientTransformation(init, update)
