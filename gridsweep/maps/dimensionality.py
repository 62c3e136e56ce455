"""How many dimensions activity fills: the participation ratio and two estimates from nearest neighbours.

Three numbers that go by one name. The participation ratio counts the directions that carry variance, so a
ring bent through a hundred directions has a hundred; the estimates from neighbours look at how volume grows
with radius, so the same ring has one. All are functions of a matrix (samples, features) and of nothing
else: what a sample is (a moment, a unit, a bin) is the caller's to say.

Sources: participation ratio, spec e.9 and other_systems.md 7.1; two-NN, Facco et al. 2017; method of
moments, Amsaleg et al. 2018 as spec e.9 gives it.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

# The published estimates rest on one evaluation batch, 200 walks of 50 steps (spec d.4, e.9).
MOST_SAMPLES = 10_000

NEIGHBOURS = 100  # of the method of moments; what the published library is believed to use (spec e.9)
DISCARDED = 0.1  # share of the largest ratios that two-NN leaves out (spec e.9)

# Candidates for the nearest neighbours come from a product of matrices, whose rounding may swap two of
# nearly equal distance: a few more are taken, and measured exactly.
_SPARE_CANDIDATES = 2
_BLOCK_ROWS = 256
_BLOCK_NUMBERS = 2**22  # numbers in the differences of a block to its candidates: 16 MB

_einsum = functools.partial(jnp.einsum, precision="highest")


class Dimensions(NamedTuple):
    """The three measures of one matrix; each 0 where nothing varies."""

    participation_ratio: Float[Array, ""]
    two_nn: Float[Array, ""]
    method_of_moments: Float[Array, ""]


def dimensions(activity: Float[Array, "samples features"], most_samples: int = MOST_SAMPLES) -> Dimensions:
    """Returns all three, at the cost of one search for neighbours.

    Args:
        activity: any scale; float32 is enough. Usually (moments of an evaluation, units).
        most_samples: the neighbours are looked for among at most this many samples, see ``subsample``; the
            participation ratio always has all.

    Raises:
        ValueError: fewer than three samples.
    """
    some = subsample(activity, most_samples)
    nearest = nearest_distances(some, NEIGHBOURS)
    return Dimensions(
        participation_ratio(activity), two_nn_of_distances(nearest), method_of_moments_of_distances(nearest)
    )


def participation_ratio(
    samples: Float[Array, "samples features"], counted: Bool[Array, " samples"] | None = None
) -> Float[Array, ""]:
    """Returns D = (sum of l)^2 / (sum of l^2), l the eigenvalues of the covariance of the features.

    No eigenvalue is computed: the sums are traces of the covariance and of its square, taken on the smaller
    side of the matrix.

    Args:
        samples: any scale, NaN nowhere among the samples that count.
        counted: which samples count; all when None.

    Returns:
        Between 1 and the rank; 10 for an isotropic Gaussian in ten dimensions. 0 where nothing varies,
        NaN where something is not finite. The published value is its floor.
    """
    samples = _wide(samples)
    if counted is None:
        counted = jnp.ones(len(samples), bool)
    weight = counted.astype(samples.dtype)[:, None]
    samples = jnp.where(counted[:, None], samples, 0.0)
    lowest = jnp.min(jnp.where(counted[:, None], samples, jnp.inf), axis=0, keepdims=True)
    highest = jnp.max(jnp.where(counted[:, None], samples, -jnp.inf), axis=0, keepdims=True)
    mean = jnp.sum(samples, axis=0, keepdims=True) / jnp.maximum(jnp.sum(weight), 1.0)
    # The mean of equal numbers is rounded; that rounding is no variance.
    centred = jnp.where(counted[:, None] & (highest > lowest), samples - mean, 0.0)
    centred = _in_scale(centred)
    if len(centred) < centred.shape[1]:
        squared = _einsum("sf,tf->st", centred, centred)
    else:
        squared = _einsum("sf,sg->fg", centred, centred)
    total, of_squares = jnp.trace(squared), jnp.sum(squared**2)
    ratio = jnp.where(of_squares > 0, total**2 / jnp.where(of_squares > 0, of_squares, 1.0), 0.0)
    return jnp.where(jnp.all(jnp.isfinite(samples)), ratio, jnp.nan)


def two_nn_of_distances(nearest: Float[Array, "samples neighbours"]) -> Float[Array, ""]:
    """Returns the slope through the origin of -ln(1 - F) on ln(r2 / r1).

    In d dimensions of locally even density r2 / r1 has F(mu) = 1 - mu^-d. F is k / N for the k-th smallest
    of N ratios, and the largest tenth is left out. (The published library counts k from 0 and not from 1,
    a difference of about 1 / N.) A sample with a twin at distance 0 says nothing of volume and is left out.

    Args:
        nearest: ascending distances of each sample to its nearest neighbours, two or more.

    Returns:
        0 where fewer than two samples have a usable ratio; NaN where a distance is not finite.
    """
    first, second = nearest[:, 0], nearest[:, 1]
    usable = first > 0
    count = jnp.sum(usable)
    ratio = jnp.where(usable, jnp.log(second / jnp.where(usable, first, 1.0)), jnp.inf)
    ranked = jnp.sort(ratio)
    place = jnp.arange(1, len(ranked) + 1)
    kept = place <= jnp.floor((1 - DISCARDED) * count + 1e-6)
    fraction = jnp.where(kept, place / jnp.maximum(count, 1), 0.0).astype(nearest.dtype)
    x, y = jnp.where(kept, ranked, 0.0), -jnp.log1p(-fraction)
    of_squares = jnp.sum(x**2)
    slope = jnp.where(of_squares > 0, jnp.sum(x * y) / jnp.where(of_squares > 0, of_squares, 1.0), 0.0)
    return jnp.where(jnp.all(jnp.isfinite(nearest)), slope, jnp.nan)


def method_of_moments_of_distances(nearest: Float[Array, "samples neighbours"]) -> Float[Array, ""]:
    """Returns the mean over samples of m1 / (w - m1): m1 the mean of the distances, w the largest.

    In d dimensions of locally even density m1 = w d / (d + 1). The mean includes the largest itself, as
    published, so k neighbours expect m1 = w (d + 1/k) / (d + 1): with few of them the estimate is high.

    Args:
        nearest: ascending distances of each sample to its nearest neighbours, two or more.

    Returns:
        0 where no sample has neighbours at different distances; NaN where a distance is not finite.
    """
    largest, mean = nearest[:, -1], jnp.mean(nearest, axis=1)
    usable = nearest[:, 0] < largest
    local = jnp.where(usable, mean / jnp.where(usable, largest - mean, 1.0), 0.0)
    estimate = jnp.sum(local) / jnp.maximum(jnp.sum(usable), 1)
    return jnp.where(jnp.all(jnp.isfinite(nearest)), estimate, jnp.nan)


def subsample(samples: Float[Array, "samples features"], most: int) -> Float[Array, "some features"]:
    """Returns at most ``most`` samples, always the same ones of as many, in their order.

    Neither the first nor evenly spaced: samples of walks that follow each other would give one step of each.
    """
    if most >= len(samples):
        return samples
    chosen = np.sort(np.random.default_rng(0).choice(len(samples), most, replace=False))
    return samples[chosen]


def nearest_distances(
    samples: Float[Array, "samples features"], neighbours: int
) -> Float[Array, "samples neighbours"]:
    """Returns the distances of each sample to its nearest others, ascending.

    Args:
        samples: any scale: distances are divided by the largest absolute value of the centred samples.
        neighbours: how many; fewer where there are fewer others.

    Raises:
        ValueError: fewer than three samples, or fewer than two neighbours.
    """
    count, features = samples.shape
    if count < 3 or neighbours < 2:
        raise ValueError(
            f"nearest_distances: found {count} samples and {neighbours} neighbours, expected at least 3 and 2"
        )
    neighbours = min(neighbours, count - 1)
    candidates = min(neighbours + _SPARE_CANDIDATES, count - 1)
    rows = min(_BLOCK_ROWS, count, max(8, _BLOCK_NUMBERS // (candidates * features)))
    samples = _wide(samples)
    samples = _in_scale(samples - jnp.mean(samples, axis=0, keepdims=True))
    squares = jnp.sum(samples**2, axis=1)

    def search(block: Float[Array, ""]) -> Float[Array, "rows neighbours"]:
        mine = jnp.minimum(block * rows + jnp.arange(rows), count - 1)
        here = samples[mine]
        # Less the squares of the row itself, which do not change its order.
        rough = squares[None] - 2 * _einsum("rf,sf->rs", here, samples)
        rough = jnp.where(mine[:, None] == jnp.arange(count)[None], jnp.inf, rough)
        _, near = jax.lax.top_k(-rough.astype(jnp.float32), candidates)
        exact = jnp.sqrt(jnp.sum((here[:, None] - samples[near]) ** 2, axis=2))
        return jnp.sort(exact, axis=1)[:, :neighbours]

    found = jax.lax.map(search, jnp.arange(-(-count // rows)))
    return found.reshape(-1, neighbours)[:count]


def _wide(samples: Float[Array, "samples features"]) -> Float[Array, "samples features"]:
    samples = jnp.asarray(samples)
    return samples.astype(jnp.promote_types(samples.dtype, jnp.float32))


def _in_scale(centred: Float[Array, "samples features"]) -> Float[Array, "samples features"]:
    """Returns the same divided by its largest absolute value, so that squares neither vanish nor overflow."""
    largest = jnp.max(jnp.abs(centred))
    return centred / jnp.where(largest > 0, largest, 1.0)
