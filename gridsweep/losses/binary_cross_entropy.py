"""Cross-entropy of each output by itself, as if every cell were a coin, in nats.

The mean over outputs of -y log p - (1 - y) log(1 - p) with p = sigmoid(z). It asks for an activity between
0 and 1; here, as for the cross-entropy, for one that sums to one over cells.
Source: spec d.1 (published as ``binarycrossentropy``).
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.kinds import kind
from gridsweep.losses._base import Loss


@kind
class BinaryCrossEntropy(Loss):
    """Sigmoid cross-entropy; its floor is the mean entropy of the coins."""

    needs_distribution: ClassVar[bool] = True

    def per_step(
        self, output: Float[Array, "steps outputs"], activity: Float[Array, "steps outputs"]
    ) -> Float[Array, " steps"]:
        """Returns the mean over outputs of -y log sigmoid(z) - (1 - y) log sigmoid(-z), in nats."""
        return jnp.mean(jax.nn.softplus(output) - activity * output, axis=-1)

    def floor(self, activity: Float[Array, "steps outputs"]) -> Float[Array, " steps"]:
        """Returns the mean over outputs of the entropy of a coin with that activity, in nats."""
        on = jax.scipy.special.xlogy(activity, activity)
        off = jax.scipy.special.xlog1py(1 - activity, -activity)
        return -jnp.mean(on + off, axis=-1)

    def excess(
        self, output: Float[Array, "rows outputs"], activity: Float[Array, "places outputs"]
    ) -> Float[Array, "rows places"]:
        """Returns the mean divergence of the coins in nats, less what depends on z alone."""
        return -self.floor(activity)[None] - output @ activity.T / output.shape[-1]

    def ideal_output(self, activity: Float[Array, "rows outputs"]) -> Float[Array, "rows outputs"]:
        """Returns the logit of y, no further out than float32 goes."""
        least = jnp.finfo(jnp.float32).tiny
        return jnp.log(jnp.maximum(activity, least)) - jnp.log(jnp.maximum(1 - activity, least))
