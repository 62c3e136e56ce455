"""A code for places kept as a table of rates: read between its points, and brought to where rates may be."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def interpolate(
    table: Float[Array, "points points units"], place: Float[Array, "some 2"]
) -> Float[Array, "some units"]:
    """Returns the table between its points, linear in each coordinate; beyond the rim, the rim's value."""
    points = table.shape[0]
    place = jnp.clip(place, 0.0, points - 1.0)
    low = jnp.clip(jnp.floor(place), 0, points - 2).astype(jnp.int32)
    share = place - low
    flat = table.reshape(points**2, -1)
    found = 0.0
    for step_x in (0, 1):
        for step_y in (0, 1):
            across = share[:, 0] if step_x else 1.0 - share[:, 0]
            along = share[:, 1] if step_y else 1.0 - share[:, 1]
            corner = (low[:, 0] + step_x) * points + low[:, 1] + step_y
            found = found + (across * along)[:, None] * flat[corner]
    return jnp.asarray(found)


def unit_and_positive(vectors: Float[Array, "*some size"]) -> Float[Array, "*some size"]:
    """Returns the nearest vectors of norm one without a negative entry.

    The positive part, normalised; where nothing is positive, the axis of the largest entry.
    """
    positive = jax.nn.relu(vectors)
    size = jnp.linalg.norm(positive, axis=-1, keepdims=True)
    axis = jax.nn.one_hot(jnp.argmax(vectors, axis=-1), vectors.shape[-1], dtype=vectors.dtype)
    return jnp.where(size > 0, positive / jnp.where(size > 0, size, 1.0), axis)
