"""The four preferred directions of an attractor's neurons: who has which, where it projects, what drives it.

Neurons are in steps of one on a square sheet; the directions tile blocks of two by two, by whether x and y
are even: left (even, even), up (even, odd), down (odd, even), right (odd, odd). A convolution with four
shifted kernels is one convolution of the activity with each neuron's moved to where it projects to.

Source: spec other_systems 4.2.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from gridsweep.kinds import Scalar


def directions(side: int) -> list[tuple[Bool[Array, "side side"], tuple[int, int]]]:
    """Returns, for each preferred direction, which neurons have it and the direction."""
    x_odd, y_odd = (jnp.arange(side) % 2 == 1)[:, None], (jnp.arange(side) % 2 == 1)[None, :]
    return [
        (~x_odd & ~y_odd, (-1, 0)),
        (~x_odd & y_odd, (0, 1)),
        (x_odd & ~y_odd, (0, -1)),
        (x_odd & y_odd, (1, 0)),
    ]


def projected(activity: Float[Array, "side side"], shift: int) -> Float[Array, "side side"]:
    """Returns the activity of each neuron at the place where it projects to, ``shift`` neurons ahead."""
    return sum(
        jnp.roll(jnp.where(mask, activity, 0.0), (shift * x, shift * y), axis=(0, 1))
        for mask, (x, y) in directions(activity.shape[0])
    )  # pyright: ignore[reportReturnType]


def preferred(drive: Float[Array, "2"], side: int) -> Float[Array, "side side"]:
    """Returns the part of a drive along each neuron's preferred direction."""
    return sum(jnp.where(mask, x * drive[0] + y * drive[1], 0.0) for mask, (x, y) in directions(side))  # pyright: ignore[reportReturnType]


def unit_vector(heading_rad: Scalar) -> Float[Array, "2"]:
    """Returns the vector of length one in a direction."""
    return jnp.stack([jnp.cos(heading_rad), jnp.sin(heading_rad)])
