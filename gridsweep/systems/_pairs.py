"""Sums over all pairs of states: how close those of distant places are, how far apart those of one place.

The pairs of 7,800 states are 61 million; they are taken a block of rows at a time, and computed anew for the
gradient, so that memory grows with the block and not with the square.

Source: spec other_systems 6.3; Schaeffer et al. 2023, "Self-supervised learning of representations for
space generates multi-modular grid cells".
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.kinds import Scalar

BLOCK = 256  # states whose pairs with all others are held at once


class PairSums(NamedTuple):
    """Sums over ordered pairs of states; a state makes no pair with itself."""

    separation: Float[Array, ""]  # of exp(-|g - g'|^2 / (2 width^2)) over distant places
    distant: Float[Array, ""]  # how many pairs those are
    invariance: Float[Array, ""]  # of |g - g'|^2 over near places
    near: Float[Array, ""]


def pair_sums(
    states: Float[Array, "states units"],
    position_m: Float[Array, "states 2"],
    distance_m: Scalar,
    width: Scalar,
    block: int = BLOCK,
) -> PairSums:
    """Returns the sums over all ordered pairs.

    Args:
        states: g of each moment of each walk.
        position_m: where that was.
        distance_m: pairs farther apart in space are distant, closer ones are near.
        width: of the Gaussian in state space.
        block: rows taken at once.
    """
    number = len(states)
    rows = -(-number // block)
    # Rows beyond the last stand nowhere (NaN), which is neither distant from anything nor near.
    extra = rows * block - number
    own = jnp.pad(states, ((0, extra), (0, 0))).reshape(rows, block, -1)
    own_m = jnp.pad(position_m, ((0, extra), (0, 0)), constant_values=jnp.nan).reshape(rows, block, 2)
    square = jnp.sum(states**2, axis=-1)

    def one_block(sums: PairSums, row) -> tuple[PairSums, None]:
        first, states_of_row, places = row
        apart_m2 = jnp.sum((places[:, None] - position_m[None]) ** 2, axis=-1)
        product = states_of_row @ states.T
        apart = jnp.sum(states_of_row**2, axis=-1)[:, None] + square[None] - 2 * product
        itself = (first + jnp.arange(block))[:, None] == jnp.arange(number)[None]
        distant = apart_m2 > distance_m**2
        near = (apart_m2 < distance_m**2) & ~itself
        closeness = jnp.exp(-jnp.maximum(apart, 0.0) / (2 * width**2))
        added = PairSums(
            jnp.sum(jnp.where(distant, closeness, 0.0)),
            jnp.sum(distant, dtype=jnp.float32),
            jnp.sum(jnp.where(near, jnp.maximum(apart, 0.0), 0.0)),
            jnp.sum(near, dtype=jnp.float32),
        )
        return jax.tree.map(jnp.add, sums, added), None

    zero = PairSums(*[jnp.zeros(())] * 4)
    starts = jnp.arange(rows) * block
    total, _ = jax.lax.scan(jax.checkpoint(one_block), zero, (starts, own, own_m))
    return total
