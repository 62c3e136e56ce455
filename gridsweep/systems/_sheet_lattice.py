"""A lattice of activity on a sheet of neurons, measured: how far apart its peaks lie, how far it moved."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.kinds import Scalar
from gridsweep.systems._lattice import mode_numbers

MODES_MEASURED = 12  # spec other_systems, acceptance 4.2


def lattice_spacing(activity: Float[Array, "side side"]) -> Float[Array, ""]:
    """Returns the hexagonal spacing of the strongest modes, averaged by their power, in neurons."""
    side = activity.shape[0]
    power = (jnp.abs(jnp.fft.fft2(activity)) ** 2).at[0, 0].set(0.0)
    strongest, which = jax.lax.top_k(power.ravel(), MODES_MEASURED)
    spacing = 2 / jnp.sqrt(3.0) * side / mode_numbers(side).ravel()[which]
    return jnp.sum(strongest * spacing) / jnp.maximum(jnp.sum(strongest), 1e-30)


def displacement(
    before: Float[Array, "side side"], after: Float[Array, "side side"], spacing: Scalar
) -> Float[Array, "2"]:
    """Returns how far a lattice has moved, less than half its spacing, in neurons.

    A shift by d turns the phase of each wave by -k . d; d is the least-squares fit, waves weighted by power.
    Waves shorter than the lattice's own are left out, as their phases turn further.
    """
    side = before.shape[0]
    along = 2 * jnp.pi * jnp.fft.fftfreq(side)
    k = jnp.stack(jnp.meshgrid(along, along, indexing="ij"), axis=-1).reshape(-1, 2)
    turn = (jnp.fft.fft2(after) * jnp.conj(jnp.fft.fft2(before))).ravel()
    length = jnp.linalg.norm(k, axis=1)
    longest = 1.3 * 2 / jnp.sqrt(3.0) * 2 * jnp.pi / spacing
    weight = jnp.where((length > 0) & (length < longest), jnp.abs(turn), 0.0)
    weight = weight / jnp.maximum(jnp.sum(weight), 1e-30)
    phase = -jnp.angle(jnp.where(weight > 0, turn, 1.0))
    square = jnp.einsum("m,mi,mj->ij", weight, k, k, precision="highest")
    mixed = jnp.einsum("m,mi,m->i", weight, k, phase, precision="highest")
    determinant = square[0, 0] * square[1, 1] - square[0, 1] ** 2
    adjugate = jnp.array([[square[1, 1], -square[0, 1]], [-square[1, 0], square[0, 0]]])
    return jnp.matmul(adjugate, mixed, precision="highest") / jnp.maximum(determinant, 1e-12)
