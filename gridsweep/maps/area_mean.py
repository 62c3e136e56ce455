"""A map on one lattice of bins, read on another: the mean over each bin's area.

What is simulated on a lattice of its own has maps at that resolution; an evaluation asks for bins of its
choice. Both cut the same square, so a bin of the one holds whole bins and pieces of bins of the other.
Weighted by area, nothing is smoothed beyond the bin asked for, no value appears that was not there, and at
equal resolutions the map comes back as it is.
"""

import functools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


@functools.cache
def overlaps(points: int, bins: int) -> Float[np.ndarray, "bins points"]:
    """Returns how much of each of ``points`` equal pieces of a side lies in each of ``bins``, from 0 to 1.

    Columns sum to one; rows to ``points / bins``.
    """
    ends = np.arange(bins + 1)[:, None] / bins * points
    piece = np.arange(points)[None]
    inside = np.minimum(ends[1:], piece + 1) - np.maximum(ends[:-1], piece)
    return np.maximum(inside, 0.0).astype(np.float32)


def area_mean(maps: Float[Array, "units points points"], bins: int) -> Float[Array, "units bins bins"]:
    """Returns the mean of each map over the area of each bin."""
    points = maps.shape[-1]
    if points == bins:
        return maps
    weights = jnp.asarray(overlaps(points, bins)) * (bins / points)
    return jnp.einsum("xi,uij,yj->uxy", weights, maps, weights, precision="highest")


def share_samples(sums: Float[Array, "*units points points"], bins: int) -> Float[Array, "*units bins bins"]:
    """Returns sums over samples, or their numbers, with each piece's share divided among bins by area."""
    points = sums.shape[-1]
    if points == bins:
        return sums
    weights = jnp.asarray(overlaps(points, bins))
    return jnp.einsum("xi,...ij,yj->...xy", weights, sums, weights, precision="highest")
