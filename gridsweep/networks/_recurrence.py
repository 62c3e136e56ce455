"""Running a cell along a walk, with the gradient of its recurrent kernel taken once at the end.

Differentiating a scan adds to the kernel's gradient at every step: as many passes over a matrix of units x
units as there are steps. Here the backward scan leaves behind what reached each step's product h W, and the
gradient is one matrix product over all steps and walks. The value and every other gradient are those of the
plain scan.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.networks._products import multiply, sum_of_outer_products

State = tuple[Array, ...]  # what a cell carries from step to step; h comes first
Cell = Callable[[Any, State, Array, Array], State]  # (constants, state, drive, h W) -> the next state


def run_cell(
    cell: Cell,
    recurrent: Float[Array, "units columns"],
    constants: Any,
    state: State,
    drives: Float[Array, "steps *walks columns"],
    mask: Float[Array, "*walks units"] | None = None,
) -> Float[Array, "steps *walks units"]:
    """Returns h after each step.

    Args:
        cell: a function of its arguments alone.
        recurrent: the kernel W.
        constants: what else the cell needs, a pytree.
        state: before the first step.
        drives: what the cell is given at each step.
        mask: of dropout: h is multiplied by it in the product with W.
    """
    return _run(cell, recurrent, constants, state, drives, mask)


def vanilla_cell(phi: Callable, constants: None, state: State, drive: Array, product: Array) -> State:
    """Returns the state of a vanilla RNN: h_t = phi(drive + h_{t-1} W)."""
    del constants, state
    return (phi(drive + product),)


def _masked(hidden, mask):
    return hidden if mask is None else hidden * mask


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _run(cell, recurrent, constants, state, drives, mask):
    def step(state, drive):
        state = cell(constants, state, drive, multiply(_masked(state[0], mask), recurrent))
        return state, state[0]

    return jax.lax.scan(step, state, drives)[1]


def _forward(cell, recurrent, constants, state, drives, mask):
    kernel = jax.lax.stop_gradient(recurrent)

    def scan(constants, state, drives, added):
        def step(state, given):
            drive, added = given
            product = multiply(_masked(state[0], mask), kernel) + added
            state = cell(constants, state, drive, product)
            return state, state[0]

        return jax.lax.scan(step, state, (drives, added))[1]

    nothing = jnp.zeros((*drives.shape[:-1], recurrent.shape[1]), drives.dtype)
    hidden, backward = jax.vjp(scan, constants, state, drives, nothing)
    before = jnp.concatenate([state[0][None], hidden[:-1]])
    return hidden, (backward, before if mask is None else before * mask[None])


def _backward(cell, saved, cotangent):
    del cell
    backward, before = saved
    constants, state, drives, products = backward(cotangent)
    return sum_of_outer_products(before, products), constants, state, drives, None


_run.defvjp(_forward, _backward)
