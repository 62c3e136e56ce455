"""The three terms of a conformal code's objective, each in the forms that were published.

* kernel: <v(x), u(x')> is a Gaussian of the distance, the place-cell target of the comparison;
* isometry: a move changes the code by as much in one direction as in another;
* transition: a recurrent step carries v(x) to v(x + dx).

Means stand where the sources sum over a batch, so that the batch size may be changed.

Source: spec other_systems 5.1 (Xu et al. 2022: inner products, decoded walks) and 5.3 (Xu et al. 2025:
distances, one step).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.kinds import Scalar
from gridsweep.systems._isometry_batch import Batch
from gridsweep.systems._rate_table import interpolate

ISOMETRY_FALLOFF = 0.5  # a pair |delta| sides apart weighs 0.5 / (0.5 + |delta|^2) (spec 5.1)

Table = Float[Array, "points points units"]
Step = Callable[[Float[Array, "some units"], Float[Array, "some 2"]], Float[Array, "some units"]]


class GaussianKernel(NamedTuple):
    """A Gaussian of the distance between two places of the lattice."""

    width_m: Scalar  # standard deviation
    step_m: Scalar  # from one point of the lattice to the next

    def along(self, offset: Float[Array, "..."]) -> Float[Array, "..."]:
        """Returns its factor of one coordinate's offset, in points."""
        return jnp.exp(-0.5 * (offset * self.step_m / self.width_m) ** 2)

    def of(self, offset: Float[Array, "some 2"]) -> Float[Array, " some"]:
        """Returns the kernel of offsets between places, in points."""
        return jnp.prod(self.along(offset), axis=-1)


def kernel_error(table: Table, decoder: Table, batch: Batch, kernel: GaussianKernel) -> Float[Array, ""]:
    """Returns the mean square error of <v(x), u(x')> against the kernel."""
    rates = interpolate(table, batch.kernel_from)
    read = jnp.sum(rates * interpolate(decoder, batch.kernel_to), axis=-1)
    return jnp.mean((read - kernel.of(batch.kernel_from - batch.kernel_to)) ** 2)


def distance_error(table: Table, batch: Batch, slope_per_m: Scalar, step_m: Scalar) -> Float[Array, ""]:
    """Returns the mean square of |v(x + dx) - v(x)| - slope |dx|."""
    move = batch.isometry_moves[:, 0]
    here = interpolate(table, batch.isometry_from)
    there = interpolate(table, batch.isometry_from + move)
    wanted = slope_per_m * (jnp.linalg.norm(move, axis=-1) * step_m)
    return jnp.mean((norm(there - here) - wanted) ** 2)


def inner_product_error(table: Table, batch: Batch, modules: int) -> Float[Array, ""]:
    """Returns the mean square difference between two directions, of modules' <v(x), v(x + dx)>."""
    here, moves = interpolate(table, batch.isometry_from), batch.isometry_moves
    there = [interpolate(table, batch.isometry_from + moves[:, which]) for which in (0, 1)]
    blocks = (len(here), modules, -1)
    product = [jnp.sum((here * rates).reshape(blocks), axis=-1) for rates in there]
    length2 = jnp.sum((moves[:, 0] / len(table)) ** 2, axis=-1)
    weight = ISOMETRY_FALLOFF / (ISOMETRY_FALLOFF + length2)
    deviation = modules * (product[0] - product[1])
    return jnp.mean(jnp.sum(deviation**2, axis=-1) * weight)


def step_error(table: Table, batch: Batch, step: Step) -> Float[Array, ""]:
    """Returns the mean square error of the rates after a walk's first step."""
    move = batch.walk_moves[:, 0]
    stepped = step(interpolate(table, batch.walk_start), move)
    wanted = interpolate(table, batch.walk_start + move)
    return jnp.mean(jnp.sum((stepped - wanted) ** 2, axis=-1))


def decoded_walk_error(
    table: Table, decoder: Table, batch: Batch, step: Step, kernel: GaussianKernel
) -> Float[Array, ""]:
    """Returns the error of the kernel that is decoded at all points, summed over the steps of a walk."""
    grid = jnp.arange(len(table), dtype=jnp.float32)
    decoder = decoder.reshape(-1, decoder.shape[-1])

    def one_step(carry, move):
        rates, place = carry
        rates, place = step(rates, move), place + move
        # The kernel of a place over all points is a product over the two axes.
        along = kernel.along(place[:, :, None] - grid[None, None])
        wanted = along[:, 0, :, None] * along[:, 1, None, :]
        error = jnp.sum((rates @ decoder.T - wanted.reshape(len(wanted), -1)) ** 2, axis=-1)
        return (rates, place), jnp.mean(error)

    begin = (interpolate(table, batch.walk_start), batch.walk_start)
    _, errors = jax.lax.scan(jax.checkpoint(one_step), begin, jnp.moveaxis(batch.walk_moves, 1, 0))
    return jnp.sum(errors)


def norm(vectors: Float[Array, "*some size"]) -> Float[Array, "*some"]:
    """Returns the length of each vector, with a gradient of zero at zero."""
    square = jnp.sum(vectors**2, axis=-1)
    safe = jnp.where(square > 0, square, 1.0)
    return jnp.where(square > 0, jnp.sqrt(safe), 0.0)
