"""How much a unit fires: the mean and the peak of its rate map, and whether it fires at all.

A silent unit scores 0 on every lattice measure. It is scored and kept with a mark: dropping it would
flatter networks in which many units are dead.
"""

import jax.numpy as jnp
from jaxtyping import Array, Shaped

from gridsweep.scores._base import Look, Score


class FiringRate(Score):
    """Rates over the visited bins, each bin counting once."""

    columns = ("mean_rate", "peak_rate", "silent")

    def measure(self, look: Look) -> dict[str, Shaped[Array, " units"]]:
        """Returns mean and largest rate, and whether every visited bin is exactly 0.

        A unit without a visited bin has rates of 0 and is silent.
        """
        maps = look.maps
        visited = ~jnp.isnan(maps)
        bins = jnp.sum(visited, axis=(1, 2))
        total = jnp.sum(jnp.where(visited, maps, 0.0), axis=(1, 2))
        peak = jnp.max(jnp.where(visited, maps, -jnp.inf), axis=(1, 2))
        return {
            "mean_rate": total / jnp.maximum(bins, 1).astype(maps.dtype),
            "peak_rate": jnp.where(bins > 0, peak, 0.0),
            "silent": jnp.all(~visited | (maps == 0.0), axis=(1, 2)),
        }
