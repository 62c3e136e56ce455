"""The loss of a batch of walks, a few steps of time at a time, with its gradient taken on the way.

A report and its target have a number a place cell, step and walk: hundreds of MB for the published sizes.
Nobody needs them at once: the loss is a sum over steps. So readout, target and loss are computed for a few
steps, together with their gradient, and only the gradient with respect to the units' activity is kept, which
the backward pass of the recurrence wants anyway. Works for any target, loss and readout.
"""

import functools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.networks._base import Weights
from gridsweep.targets._base import Cells
from gridsweep.trajectories import Walk, standing_at

if TYPE_CHECKING:
    from gridsweep.systems.path_integrator import PathIntegrator

# Numbers of a report that are computed at once: as many as stay in a core's cache with their target and
# gradient, at least one step. Found by timing; docs/performance.md.
NUMBERS_AT_ONCE = 2**15


class Steps(NamedTuple):
    """What is needed of a batch of walks to know the target at each step; time first, then walks."""

    position_m: Float[Array, "steps walks 2"]
    heading_rad: Float[Array, "steps walks"]
    noise: Any  # Noise.readout


def mean_loss(
    system: "PathIntegrator",
    cells: Cells,
    weights: Weights,
    activity: Float[Array, "steps walks units"],
    steps: Steps,
) -> Float[Array, ""]:
    """Returns the mean loss over steps and walks. Weights that ``readout`` does not use get no gradient."""
    names = system.network.readout_weights()
    readout = {name: weights[name] for name in names}
    return _mean(system, cells, readout, activity, steps)


@jax.custom_vjp
def _mean(system, cells, readout, activity, steps):
    of_piece = functools.partial(_share, system, cells, math.prod(activity.shape[:2]))

    def add(total, given):
        return total + of_piece(readout, *given), None

    return jax.lax.scan(add, jnp.float32(0.0), _cut(system, activity, steps))[0]


def _forward(system, cells, readout, activity, steps):
    of_piece = functools.partial(_share, system, cells, math.prod(activity.shape[:2]))

    def add(carry, given):
        total, by_readout = carry
        part, (more, by_activity) = jax.value_and_grad(of_piece, argnums=(0, 1))(readout, *given)
        return (total + part, jax.tree.map(jnp.add, by_readout, more)), by_activity

    start = jnp.float32(0.0), jax.tree.map(jnp.zeros_like, readout)
    (total, by_readout), by_activity = jax.lax.scan(add, start, _cut(system, activity, steps))
    return total, (by_readout, by_activity.reshape(activity.shape))


def _backward(gradient, cotangent):
    by_readout, by_activity = jax.tree.map(lambda leaf: leaf * cotangent, gradient)
    return None, None, by_readout, by_activity, None


_mean.defvjp(_forward, _backward)


def _share(system, cells, count, readout, activity, steps):
    """Returns what a piece of time adds to the mean over ``count`` steps of walks; activity is (steps, walks,
    units).

    Divided here and not at the end, so that the gradient of all activity need not be divided once more.
    """
    circuit = system.network.bind_readout(readout, system.ports)
    rows = math.prod(activity.shape[:2])
    output = circuit.readout(activity, steps.noise).reshape(rows, -1)
    walk = standing_at(steps.position_m.reshape(rows, 2), steps.heading_rad.reshape(rows))
    wanted = system.target.encode(system.arena, cells, walk)
    return jnp.sum(system.loss_per_step(output, wanted)) / count


def _cut(system, activity, steps):
    """Returns activity and steps with time cut into pieces of equal length: (pieces, steps, …)."""
    time, walks, _ = activity.shape
    most = max(1, NUMBERS_AT_ONCE // (walks * system.target.outputs))
    length = next(length for length in range(min(time, most), 0, -1) if time % length == 0)
    return jax.tree.map(lambda leaf: leaf.reshape(-1, length, *leaf.shape[1:]), (activity, steps))


def steps_of(walks: Walk, noise: Any) -> Steps:
    """Returns the steps of walks that have the walks' axis first."""
    return Steps(walks.position_m.swapaxes(0, 1), walks.heading_rad.T, noise)
