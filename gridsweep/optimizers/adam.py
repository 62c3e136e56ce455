"""Adam in two forms, which differ in where epsilon stands.

``keras`` (TensorFlow 2.8): epsilon is added to the root before bias correction. At update t,
w -= learning_rate * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + 1e-7). ``torch`` (and Optax): after it,
w -= learning_rate * m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + 1e-8). With one epsilon, 1e-7, the two are
0.04 apart in a weight after eight updates at a rate of 0.01. Epsilon is the form's own unless it is set.
Source: spec d.2 ("epsilon hat").
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from gridsweep.kinds import Scalar, kind, per_cohort, per_lane
from gridsweep.optimizers._base import COUPLED_DECAY, Optimizer


@kind
class Adam(Optimizer):
    """Adam, Keras or PyTorch form."""

    form: str = per_cohort(
        "keras",
        choices=("keras", "torch"),
        meaning="keras: epsilon beside the root as it is; torch: beside the root corrected for bias",
    )
    first_decay: Scalar = per_lane(0.9, meaning="memory of the mean gradient", at_least=0.0, at_most=1.0)
    second_decay: Scalar = per_lane(
        0.999, meaning="memory of the mean square gradient", at_least=0.0, at_most=1.0
    )
    epsilon: Scalar = per_lane(1e-7, meaning="added to the root of the mean square gradient", above=0.0)
    coupled_decay: Scalar = per_lane(0.0, meaning=COUPLED_DECAY, at_least=0.0, before=0.0)

    @classmethod
    def complete(cls, settings: dict[str, Any]) -> dict[str, Any]:
        """Gives the PyTorch form without an epsilon PyTorch's."""
        return {"epsilon": 1e-8} | settings if settings.get("form") == "torch" else settings

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
            root_correction = jnp.sqrt(1 - self.second_decay**count)
            correction = root_correction / (1 - self.first_decay**count)
            # Added to the corrected root, epsilon is this much smaller beside the root as it is.
            epsilon = self.epsilon * root_correction if self.form == "torch" else self.epsilon
            step = jax.tree.map(
                lambda m, v: -learning_rate * correction * m / (jnp.sqrt(v) + epsilon), mean, square
            )
            return step, optax.ScaleByAdamState(count=count, mu=mean, nu=square)

        return optax.chain(
            optax.add_decayed_weights(self.coupled_decay), optax.GradientTransformation(init, update)
        )
