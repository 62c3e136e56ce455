"""Cross-entropy between place-cell activity and the softmax of the output, in nats (spec d.1)."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.kinds import kind
from gridsweep.losses._base import Loss


@kind
class CrossEntropy(Loss):
    """Cross-entropy; its floor is the entropy of the target."""

    needs_distribution: ClassVar[bool] = True

    def per_step(
        self, output: Float[Array, "steps outputs"], activity: Float[Array, "steps outputs"]
    ) -> Float[Array, " steps"]:
        """Returns -sum_i y_i log softmax(z)_i, in nats; the activity y must sum to one."""
        return jax.nn.logsumexp(output, axis=-1) - jnp.sum(activity * output, axis=-1)

    def floor(self, activity: Float[Array, "steps outputs"]) -> Float[Array, " steps"]:
        """Returns the entropy of the activity, in nats."""
        return -jnp.sum(jax.scipy.special.xlogy(activity, activity), axis=-1)
