"""Keys of our own draw what ``jax.random`` draws, bit for bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsweep.systems._threefry import random_key, threefry

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.lists(st.integers(0, 5), max_size=3).map(tuple)

# Random123's known answers for threefry2x32 with 20 rounds and an upper counter word of zero; the reference
# below is checked against those with another upper word too.
ANSWERS = [
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


def slow_threefry(key, counter):
    """The paper's rounds, one number at a time."""
    mask = 2**32 - 1
    keys = [*key, key[0] ^ key[1] ^ 0x1BD11BDA]
    first, second = (counter[0] + keys[0]) & mask, (counter[1] + keys[1]) & mask
    for turn in range(20):
        bits = (13, 15, 26, 6, 17, 29, 16, 24)[turn % 8]
        first = (first + second) & mask
        second = ((second << bits) | (second >> (32 - bits))) & mask ^ first
        if turn % 4 == 3:
            group = turn // 4 + 1
            first = (first + keys[group % 3]) & mask
            second = (second + keys[(group + 1) % 3] + group) & mask
    return first, second


@pytest.mark.parametrize(("key", "counter", "answer"), ANSWERS)
def test_the_slow_reference_gives_the_published_answers(key, counter, answer):
    assert slow_threefry(key, counter) == answer


@given(key=st.tuples(SEEDS, SEEDS), count=SEEDS)
def test_words_are_those_of_the_slow_reference(key, count):
    found = threefry(jnp.array(key, jnp.uint32), jnp.array([count], jnp.uint32))
    assert tuple(int(word[0]) for word in found) == slow_threefry(key, (0, count))


def drawn(key, shape):
    """What each function of ``jax.random`` that we use, and each width, makes of a key."""
    walks = jax.random.split(key, 3)
    return {
        "split": jax.random.key_data(jax.random.split(key, (*shape, 2))),
        "fold_in": jax.random.key_data(jax.random.fold_in(key, 77)),
        "uniform": jax.random.uniform(key, shape),
        "normal": jax.random.normal(key, shape),
        "each walk's": jax.vmap(lambda walk: jax.random.normal(walk, shape))(walks),
        "permutation": jax.random.permutation(key, 7),
        "categorical": jax.random.categorical(key, jnp.zeros(4), shape=shape),
    } | {f"{width} bits": jax.random.bits(key, shape, f"uint{width}") for width in (8, 16, 32)}


@settings(max_examples=15)
@given(seed=SEEDS, shape=SHAPES)
def test_every_draw_is_that_of_jax(seed, shape):
    with jax.threefry_partitionable(True):
        theirs = drawn(jax.random.key(seed), shape)
    for name, value in drawn(random_key(seed), shape).items():
        np.testing.assert_array_equal(value, theirs[name], name)


def test_draws_of_64_bits_are_those_of_jax():
    with jax.enable_x64(True), jax.threefry_partitionable(True):
        ours, theirs = (
            jax.random.normal(key, (5, 3), jnp.float64) for key in (random_key(3), jax.random.key(3))
        )
    np.testing.assert_array_equal(ours, theirs)


def test_draws_do_not_depend_on_an_option_of_jax():
    expected = jax.random.bits(random_key(5), (9,))
    with jax.threefry_partitionable(False):
        found = jax.random.bits(random_key(5), (9,))
        theirs = jax.random.bits(jax.random.key(5), (9,))
    np.testing.assert_array_equal(found, expected)
    assert not np.array_equal(theirs, expected), "the option does something"


def test_more_numbers_than_counts_are_refused():
    with pytest.raises(ValueError, match="fewer than 2\\^32"):
        jax.jit(lambda: jax.random.bits(random_key(0), (2**16, 2**16))).lower()
