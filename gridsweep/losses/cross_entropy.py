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

    def excess(
        self, output: Float[Array, "rows outputs"], activity: Float[Array, "places outputs"]
    ) -> Float[Array, "rows places"]:
        """Returns the divergence of softmax(z) from y in nats, less the logarithm of z's normaliser."""
        return -self.floor(activity)[None] - output @ activity.T

    def ideal_output(self, activity: Float[Array, "rows outputs"]) -> Float[Array, "rows outputs"]:
        """Returns log y, no lower than float32 goes."""
        return jnp.log(jnp.maximum(activity, jnp.finfo(jnp.float32).tiny))
