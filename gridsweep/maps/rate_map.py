"""Rate maps: the mean activity of each unit in each bin of the arena, from as many positions as one likes.

Sums and counts are accumulated batch after batch, so that a map may rest on hundreds of thousands of
positions that never stand in memory together. Nothing is smoothed and an unvisited bin is NaN, never a
guess.

Source: spec e.1; the published evaluation is the same map from a single batch.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_batching import sequential_vmap
from jaxtyping import Array, Float, Int, Real

# A long batch is cut so that a bin gets about this many samples at a time: a short sum rounds little, and
# what rounding takes from the sum of the sums is kept beside it.
SAMPLES_PER_BIN = 16


class RateSums(NamedTuple):
    """What has been seen so far. Start from ``empty_sums``."""

    activity: Float[Array, "units bins bins"]  # summed over the visits of a bin; x first, then y
    visits: Float[Array, "bins bins"]
    lost: Float[Array, "units bins bins"]  # what rounding has kept out of ``activity``, far below it


def empty_sums(units: int, bins: int) -> RateSums:
    """Returns the sums before any position has been seen."""
    return RateSums(
        activity=jnp.zeros((units, bins, bins), jnp.float32),
        visits=jnp.zeros((bins, bins), jnp.float32),
        lost=jnp.zeros((units, bins, bins), jnp.float32),
    )


def add_samples(
    sums: RateSums,
    position_m: Float[Array, "samples 2"],
    activity: Real[Array, "samples units"],
    side_m: Float[Array, ""] | float,
) -> RateSums:
    """Returns the sums with more samples in them.

    Args:
        sums: what was seen before.
        position_m: where the walker was. The bins cover [-side_m / 2, side_m / 2] in x and y exactly; the
            right-most edge belongs to the last bin. Samples outside, or nowhere (NaN), are ignored.
        activity: what each unit did there. One value that is not finite spoils its unit's map.
        side_m: side of the box; may be traced.
    """
    bins = sums.visits.shape[0]
    samples, units = activity.shape
    bin_of, activity = bin_numbers(position_m, side_m, bins), activity.astype(jnp.float32)
    block = SAMPLES_PER_BIN * bins**2
    whole = samples - samples % block
    if whole:
        blocks = bin_of[:whole].reshape(-1, block), activity[:whole].reshape(-1, block, units)
        sums, _ = jax.lax.scan(lambda sums, block: (_add_block(sums, *block), None), sums, blocks)
    return _add_block(sums, bin_of[whole:], activity[whole:]) if samples > whole else sums


def rate_maps(sums: RateSums) -> Float[Array, "units bins bins"]:
    """Returns the mean activity in each bin as float32; NaN where nobody has been."""
    visited = sums.visits > 0
    mean = (sums.activity + sums.lost) / jnp.where(visited, sums.visits, 1.0)[None]
    return jnp.where(visited[None], mean, jnp.nan)


def bin_numbers(
    position_m: Float[Array, "samples 2"], side_m: Float[Array, ""] | float, bins: int
) -> Int[Array, " samples"]:
    """Returns the number of each sample's bin, x * bins + y; bins**2 outside the box."""
    half_m = side_m / 2
    along = jnp.floor((position_m + half_m) * (bins / side_m)).astype(jnp.int32)
    x, y = jnp.unstack(jnp.clip(along, 0, bins - 1), axis=-1)
    inside = jnp.all((position_m >= -half_m) & (position_m <= half_m), axis=-1)
    return jnp.where(inside, x * bins + y, bins**2)


def _add_block(
    sums: RateSums, bin_of: Int[Array, " samples"], activity: Float[Array, "samples units"]
) -> RateSums:
    bins = sums.visits.shape[0]
    added = jax.lax.platform_dependent(
        bin_of,
        activity,
        cpu=sequential_vmap(functools.partial(sum_row_by_row, bins=bins)),
        default=functools.partial(sum_by_product, bins=bins),
    )
    total, lost = _sum_and_loss(sums.activity, added)
    visits = jnp.zeros(bins**2 + 1, jnp.float32).at[bin_of].add(1.0)[:-1]  # whole numbers: exact to 2**24
    return RateSums(total, sums.visits + visits.reshape(bins, bins), sums.lost + lost)


def sum_row_by_row(
    bin_of: Int[Array, " samples"], activity: Float[Array, "samples units"], bins: int
) -> Float[Array, "units bins bins"]:
    """Returns the activity summed in each bin, one row at a time: 20 ns for 64 units on a CPU core.

    Not to be batched: under vmap the rows would be scattered number by number, ten times slower.
    """
    units = activity.shape[1]
    rows = jnp.zeros((bins**2 + 1, units), jnp.float32).at[bin_of].add(activity, mode="promise_in_bounds")
    return rows[:-1].T.reshape(units, bins, bins)


def sum_by_product(
    bin_of: Int[Array, " samples"], activity: Float[Array, "samples units"], bins: int
) -> Float[Array, "units bins bins"]:
    """Returns the activity summed in each bin, as a matrix product.

    For a GPU, where additions into memory come in any order and the same run would not give the same bits
    twice.
    """
    chosen = jax.nn.one_hot(bin_of, bins**2, dtype=jnp.float32)
    return jnp.einsum("sb,su->ub", chosen, activity, precision="highest").reshape(-1, bins, bins)


def _sum_and_loss(
    sums: Float[Array, "..."], added: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Returns the rounded sum and what rounding took from it, exactly (Knuth's two-sum)."""
    total = sums + added
    part = total - sums
    lost = (sums - (total - part)) + (added - part)
    return total, jnp.where(jnp.isfinite(total), lost, 0.0)
