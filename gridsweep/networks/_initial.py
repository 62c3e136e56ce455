"""How weights are drawn: by the habits of Keras, of PyTorch, or of Sonnet.

The studies used all three, and the scale of the first recurrent kernel differs by sqrt(3) between them. Keras
draws kernels Glorot uniform, U(+-sqrt(6 / (fan_in + fan_out))), and starts biases at zero; PyTorch draws what
belongs to a recurrent cell from U(+-1/sqrt(units)) and a linear layer from U(+-1/sqrt(fan_in)), biases too.
Sonnet draws kernels normal with a deviation of 1/sqrt(fan_in), cut at two deviations, and has Keras' biases.

Source: spec (c), "Glorot limits", and (f) 21; biases: ``torch.nn.Linear`` and ``torch.nn.RNNBase``.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.nn.initializers import Initializer

from gridsweep.networks._base import INITIALIZERS, Network


class Habits(NamedTuple):
    """An initializer, a function of key and shape, for each sort of tensor."""

    linear: Initializer
    linear_bias: Callable[[int], Initializer]  # of a layer with that many inputs
    input: Initializer
    recurrent: Initializer
    cell_bias: Initializer


def habits(network: Network) -> Habits:
    """Returns how the tensors of a network are drawn."""
    if network.initializer_family == "torch":
        of_the_cell = _within(network.units**-0.5)
        return Habits(
            linear=jax.nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform"),  # U(+-1/sqrt(fan_in))
            linear_bias=lambda inputs: _within(inputs**-0.5),
            input=of_the_cell,
            recurrent=of_the_cell,
            cell_bias=of_the_cell,
        )
    if network.initializer_family == "sonnet":
        of_the_cell = jax.nn.initializers.truncated_normal(network.units**-0.5)
        return Habits(
            linear=_truncated_by_inputs,
            linear_bias=lambda _: jax.nn.initializers.zeros,
            input=of_the_cell,
            recurrent=of_the_cell,
            cell_bias=jax.nn.initializers.zeros,
        )
    glorot, zeros = INITIALIZERS["glorot_uniform"], jax.nn.initializers.zeros
    return Habits(
        linear=glorot,
        linear_bias=lambda _: zeros,
        input=glorot,
        recurrent=INITIALIZERS[network.initializer],
        cell_bias=zeros,
    )


def _truncated_by_inputs(key, shape, dtype=jnp.float32, out_sharding=None):
    """Returns normal draws of deviation 1/sqrt(fan_in), cut at two of them."""
    return jax.nn.initializers.truncated_normal(shape[0] ** -0.5)(key, shape, dtype, out_sharding)


def _within(limit: float) -> Initializer:
    """Returns the initializer U(-limit, limit)."""

    def draw(key, shape, dtype=None, out_sharding=None):
        del out_sharding
        return jax.random.uniform(key, shape, dtype, -limit, limit)

    return draw
