"""What an update of a conformal code is trained on: pairs of places, pairs of moves from one place, walks.

Places and moves are in points of the lattice, whose points are numbered from 0 along each side; all places
lie on it.

Source: spec other_systems 5.1 and 5.3 (Xu et al. 2022 and 2025).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.kinds import Scalar

KERNEL_PAIR_SPREAD = 0.48  # standard deviation of the distance of a pair, in sides (spec 5.1)

Walks = tuple[Float[Array, "walks 2"], Float[Array, "walks steps 2"]]  # starts and moves


class Batch(NamedTuple):
    """What one update is trained on."""

    kernel_from: Float[Array, "pairs 2"]
    kernel_to: Float[Array, "pairs 2"]
    isometry_from: Float[Array, "pairs 2"]
    isometry_moves: Float[Array, "pairs 2 2"]  # two moves of one length in two directions
    walk_start: Float[Array, "walks 2"]
    walk_moves: Float[Array, "walks steps 2"]


def kernel_pairs(kernel_key: PRNGKeyArray, length_key: PRNGKeyArray, points: int, pairs: int):
    """Returns two places for each pair, at distances that the kernel is asked for."""
    length = jnp.abs(KERNEL_PAIR_SPREAD * points * jax.random.normal(length_key, (pairs,)))
    return places_apart(kernel_key, length, points)


def isometry_moves(key: PRNGKeyArray, length_key: PRNGKeyArray, points: int, pairs: int, longest: Scalar):
    """Returns places, and from each two moves of one length in directions of their own."""
    reach = longest * jnp.sqrt(jax.random.uniform(length_key, (pairs,)))
    first, second, place = jax.random.split(key, 3)
    moves = jnp.stack([reach[:, None] * directions(one, pairs) for one in (first, second)], axis=1)
    return places_on_lattice(place, moves, points), moves


def single_moves(key: PRNGKeyArray, points: int, pairs: int, longest: int) -> Walks:
    """Returns walks of one move, of any length up to the longest: those of the light form."""
    length_key, move_key = jax.random.split(key)
    length = longest * jnp.sqrt(jax.random.uniform(length_key, (pairs,)))
    here, there = places_apart(move_key, length, points)
    return here, (there - here)[:, None]


def whole_walks(key: PRNGKeyArray, points: int, walks: int, steps: int, longest: int) -> Walks:
    """Returns walks from point to point: those of the recurrent form.

    A coordinate of a move that would leave the lattice is turned round.
    """
    start_key, move_key = jax.random.split(key)
    known = [(x, y) for x in range(-longest, longest + 1) for y in range(-longest, longest + 1)]
    known = jnp.array([move for move in known if move[0] ** 2 + move[1] ** 2 <= longest**2], jnp.float32)
    start = jax.random.randint(start_key, (walks, 2), 0, points).astype(jnp.float32)
    chosen = jax.random.randint(move_key, (steps, walks), 0, len(known))

    def turn_round(place, number):
        move = known[number]
        inside = (place + move >= 0) & (place + move <= points - 1)
        move = jnp.where(inside, move, -move)
        return place + move, move

    _, moves = jax.lax.scan(turn_round, start, chosen)
    return start, jnp.moveaxis(moves, 0, 1)


def places_apart(key: PRNGKeyArray, length: Float[Array, " pairs"], points: int):
    """Returns two places a length apart in a random direction, or as far as the square allows."""
    turn, place = jax.random.split(key)
    move = length[:, None] * directions(turn, len(length))
    move = jnp.clip(move, -(points - 1.0), points - 1.0)
    here = places_on_lattice(place, move[:, None], points)
    return here, here + move


def places_on_lattice(
    key: PRNGKeyArray, moves: Float[Array, "some moves 2"], points: int
) -> Float[Array, "some 2"]:
    """Returns places drawn uniformly from those where all moves stay on the lattice."""
    lowest = jnp.maximum(0.0, -jnp.min(moves, axis=1))
    highest = points - 1.0 - jnp.maximum(0.0, jnp.max(moves, axis=1))
    return lowest + (highest - lowest) * jax.random.uniform(key, lowest.shape)


def directions(key: PRNGKeyArray, number: int) -> Float[Array, "number 2"]:
    """Returns unit vectors in random directions."""
    angle = 2 * jnp.pi * jax.random.uniform(key, (number,))
    return jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1)
