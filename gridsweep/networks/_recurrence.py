"""Running a cell along a walk, with the gradient of its recurrent kernel taken once at the end.

Differentiating a scan adds to the kernel's gradient at every step: as many passes over a matrix of units x
units as there are steps. Here the backward scan leaves behind what reached each step's product h W, and the
gradient is one matrix product over all steps and walks. The value and every other gradient are those of the
plain scan.

What reaches h W is what reaches the drive wherever a cell adds the two, as nearly all do. One that does not
is run ``apart``, with zeros added to h W to catch it: another array as large as the drives.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.networks._products import multiply, sum_of_outer_products

State = tuple[Array, ...]  # what a cell carries from step to step; h comes first
# (constants, state, drive + h W) -> the next state; where they are apart, the pair (drive, h W).
Cell = Callable[[Any, State, Any], State]


def run_cell(
    cell: Cell,
    recurrent: Float[Array, "units columns"],
    constants: Any,
    state: State,
    drives: Float[Array, "steps *walks columns"],
    mask: Float[Array, "*walks units"] | None = None,
    *,
    apart: bool = False,
) -> Float[Array, "steps *walks units"]:
    """Returns h after each step.

    Args:
        cell: a function of its arguments alone.
        recurrent: the kernel W.
        constants: what else the cell needs, a pytree.
        state: before the first step.
        drives: what the cell is given at each step.
        mask: of dropout: h is multiplied by it in the product with W.
        apart: whether the cell is given the pair of drive and h W, and not their sum.
    """
    return _run(cell, apart, recurrent, constants, state, drives, mask)


def vanilla_cell(phi: Callable, constants: None, state: State, given: Array) -> State:
    """Returns the state of a vanilla RNN: h_t = phi(drive + h_{t-1} W)."""
    del constants, state
    return (phi(given),)


def _masked(hidden, mask):
    return hidden if mask is None else hidden * mask


def _given(apart, drive, product):
    return (drive, product) if apart else drive + product


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _run(cell, apart, recurrent, constants, state, drives, mask):
    def step(state, drive):
        product = multiply(_masked(state[0], mask), recurrent)
        state = cell(constants, state, _given(apart, drive, product))
        return state, state[0]

    return jax.lax.scan(step, state, drives)[1]


def _forward(cell, apart, recurrent, constants, state, drives, mask):
    def scan(constants, state, drives, added):
        def step(state, given):
            drive, added = given
            product = multiply(_masked(state[0], mask), recurrent, fixed=True)
            product = product if added is None else product + added
            state = cell(constants, state, _given(apart, drive, product))
            return state, state[0]

        return jax.lax.scan(step, state, (drives, added))[1]

    nothing = jnp.zeros((*drives.shape[:-1], recurrent.shape[1]), drives.dtype) if apart else None
    hidden, backward = jax.vjp(scan, constants, state, drives, nothing)
    before = jnp.concatenate([state[0][None], hidden[:-1]])
    return hidden, (backward, before if mask is None else before * mask[None])


def _backward(cell, apart, saved, cotangent):
    del cell
    backward, before = saved
    constants, state, drives, products = backward(cotangent)
    products = products if apart else drives
    return sum_of_outer_products(before, products), constants, state, drives, None


_run.defvjp(_forward, _backward)
