"""Matrix products in the precision that training asks for.

``float32`` computes in full; ``tf32`` lets a GPU round operands to 10 bits of mantissa; ``bfloat16`` rounds
operands to 7 bits and adds up in float32. Only operands are rounded: state, accumulation, loss and weights
stay float32.

The products of the backward pass are written out. Automatic differentiation would not round them alike (their
cotangents are float32, and a product of mixed types takes the slow path of every device), and in float32 it
turns the cotangent of a weight's product round in memory, which costs a CPU a quarter of that product.
"""

import contextlib
import contextvars
import functools
import math
from collections.abc import Iterator

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

PRECISIONS = ("float32", "tf32", "bfloat16")

_chosen: contextvars.ContextVar[str] = contextvars.ContextVar("precision", default="float32")


@contextlib.contextmanager
def matrix_products(precision: str) -> Iterator[None]:
    """Computes the products traced inside with this precision, those of ``multiply`` and all others."""
    before = _chosen.set(precision)
    try:
        with jax.default_matmul_precision("tensorfloat32" if precision == "tf32" else "highest"):
            yield
    finally:
        _chosen.reset(before)


def multiply(
    x: Float[Array, "*rows k"], weight: Float[Array, "k n"], *, fixed: bool = False
) -> Float[Array, "*rows n"]:
    """Returns x @ weight in float32, its operands rounded as ``matrix_products`` says.

    A weight that is ``fixed`` has no gradient.
    """
    return _multiply(_chosen.get(), fixed, x, weight)


def weigh(x: Float[Array, "*rows k"], weight: Float[Array, "k n"]) -> Float[Array, "*rows n"]:
    """Returns x @ weight in float32 for a handful of inputs k, by as many multiplications of rows.

    A product over two or three numbers is no work for a matrix kernel, and its gradient even less: XLA turns
    the whole cotangent round in memory for it.
    """
    row = (1,) * (x.ndim - 1)
    terms = (x[..., i : i + 1] * weight[i].reshape(*row, -1) for i in range(weight.shape[0]))
    return functools.reduce(jnp.add, terms)


def sum_of_outer_products(x: Float[Array, "*rows k"], y: Float[Array, "*rows n"]) -> Float[Array, "k n"]:
    """Returns the sum over rows of x times y, the gradient of a weight; rounded like ``multiply``."""
    rows = math.prod(x.shape[:-1])
    return _outer(_chosen.get(), x.reshape(rows, x.shape[-1]), y.reshape(rows, y.shape[-1]))


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _multiply(precision, fixed, x, weight):
    del fixed
    return _product(precision, x, weight)


def _forward(precision, fixed, x, weight):
    return _multiply(precision, fixed, x, weight), (x, weight)


def _backward(precision, fixed, operands, cotangent):
    x, weight = operands
    by_x = _product(precision, cotangent, weight, contracting=1)
    if fixed:
        return by_x, None
    rows = math.prod(x.shape[:-1])
    flat = x.reshape(rows, x.shape[-1]), cotangent.reshape(rows, cotangent.shape[-1])
    return by_x, _outer(precision, *flat)


_multiply.defvjp(_forward, _backward)


def _outer(precision: str, x: Float[Array, "rows k"], y: Float[Array, "rows n"]) -> Float[Array, "k n"]:
    if precision == "bfloat16":
        return _product(precision, _turned(x.astype(jnp.bfloat16), y), y)
    return x.T @ y


def _turned(x: Float[Array, "rows k"], y: Float[Array, "rows n"]) -> Float[Array, "k rows"]:
    """Returns the transpose of x, which on a CPU is really turned round in memory.

    Left to itself XLA folds the turning into the product, has no kernel for bfloat16 that way round, and
    computes in float32: half as fast. Nothing that it can see through stops it; a condition does, here one
    that no cotangent y of a living network fails.
    """
    if jax.default_backend() != "cpu":
        return x.T
    return jax.lax.cond(
        y[0, 0] != jnp.finfo(jnp.float32).max,
        lambda x: x.T,
        lambda x: jnp.full(x.shape[::-1], jnp.nan, x.dtype),
        x,
    )


def _product(precision, x, weight, contracting=0):
    """Returns the product over the last axis of x and one of the weight, which is not turned round first."""
    if precision == "bfloat16":
        x, weight = x.astype(jnp.bfloat16), weight.astype(jnp.bfloat16)
    return jax.lax.dot_general(
        x, weight, (((x.ndim - 1,), (contracting,)), ((), ())), preferred_element_type=jnp.float32
    )
