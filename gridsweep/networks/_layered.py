"""What the networks with biases share: a recurrent cell between linear layers.

m_t = affine(u_t) lifts a displacement (m) to as many numbers as there are units; h_0 = affine(y_0) has no
activation; the cell makes h_t of m_t and h_{t-1}; g_t = phi(affine(h_t)) are the scored units; the report is
affine(g_t).

Only what needs h_{t-1} is inside the scan; the layers after it are matrix products over all steps at once.
Projection and input kernel are two linear maps in a row, so they are multiplied with each other first: a map
of two numbers instead of as many as there are units, and the same function. (Not where inputs are dropped
between the two.) The affine maps are Flax's ``Linear``. The cells are written out: those of Flax multiply by
the input kernel step by step, and their GRU has one bias where Keras has two.

Source: spec (c), rows SRNN to UGRNN. Kernels are Glorot uniform, biases zero, unless a cell says otherwise.
"""

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from gridsweep.networks._base import ACTIVATIONS, QUIET, Circuit, Network, Noise, Ports, square_norm
from gridsweep.networks._dropout import CellDropout, dropped
from gridsweep.networks._initial import habits
from gridsweep.networks._products import multiply, weigh
from gridsweep.networks._recurrence import State, run_cell


class LayeredCircuit(Circuit):
    """The layers around a cell. A cell adds its tensors and ``step``."""

    apart: ClassVar[bool] = False  # whether ``step`` is given the pair of drive and h W
    input: nnx.Param
    recurrent: nnx.Param

    def __init__(self, network: Network, ports: Ports, rngs: nnx.Rngs):
        units = network.units
        self.activation = network.activation
        self.encoder = affine(network, ports.told, units, rngs)
        self.projection = affine(network, 2, units, rngs)
        self.dense = affine(network, units, units, rngs)
        self.decoder = affine(network, units, ports.outputs, rngs)

    def draw_cell(self, network: Network, rngs: nnx.Rngs, *, gates: int) -> None:
        """Draws the two kernels of a cell with that many blocks of columns."""
        draw = habits(network)
        self.input = nnx.Param(draw.input(rngs.params(), (network.units, gates * network.units)))
        self.recurrent = nnx.Param(draw.recurrent(rngs.params(), (network.units, gates * network.units)))

    def begin(self, start: Float[Array, "*walks told"]) -> State:
        """Returns the state before the first step."""
        return (apply(self.encoder, start),)

    def biases(self) -> tuple[Float[Array, " columns"], ...]:
        """Returns the biases of the cell; the first is added to what it is given at each step."""
        return ()

    def constants(self) -> Any:
        """Returns what ``step`` needs beside the state and what it is given."""
        return None

    @staticmethod
    def step(phi: Callable[[Array], Array], constants: Any, state: State, given: Any) -> State:
        """Returns the next state, given the drive plus h_{t-1} W, or the pair of them if ``apart``."""
        raise NotImplementedError

    def drives(
        self,
        inputs: Float[Array, "steps *walks 2"],
        mask: Float[Array, "*walks units"] | None,
    ) -> Float[Array, "steps *walks columns"]:
        """Returns what the cell is given at each step, whatever its state."""
        if mask is None:
            given = weigh(inputs, self.projection.kernel[...] @ self.input[...])
            bias = bias_of(self.projection) @ self.input[...]
        else:
            given = multiply(dropped(apply(self.projection, inputs), mask), self.input[...])
            bias = jnp.zeros(self.input.shape[-1])
        return add_bias(given, sum(self.biases()[:1], start=bias))

    def activity(
        self,
        start: Float[Array, "*walks told"],
        inputs: Float[Array, "steps *walks 2"],
        noise: Noise = QUIET,
    ) -> Float[Array, "steps *walks units"]:
        """Returns the dense layer after each step."""
        return ACTIVATIONS[self.activation](apply(self.dense, self.recurrent_activity(start, inputs, noise)))

    def recurrent_activity(
        self,
        start: Float[Array, "*walks told"],
        inputs: Float[Array, "steps *walks 2"],
        noise: Noise = QUIET,
    ) -> Float[Array, "steps *walks units"]:
        """Returns h after each step."""
        masks = noise.cell or CellDropout()
        drives = self.drives(inputs, masks.input)
        cell = functools.partial(self.step, ACTIVATIONS[self.activation])
        state = self.begin(start)
        return run_cell(
            cell, self.recurrent[...], self.constants(), state, drives, masks.recurrent, apart=self.apart
        )

    def readout(
        self, activity: Float[Array, "*steps units"], noise: object = None
    ) -> Float[Array, "*steps outputs"]:
        """Returns the report."""
        del noise
        return apply(self.decoder, activity)

    def decayed(self) -> Float[Array, "..."]:
        """Returns the recurrent kernel, all its gates."""
        return self.recurrent[...]

    def norms(self) -> dict[str, Float[Array, ""]]:
        """Returns those of the cell's two kernels and, where it has them, biases."""
        found = {
            "input_square_norm": square_norm(self.input[...]),
            "recurrent_square_norm": square_norm(self.recurrent[...]),
        }
        return found | ({"bias_square_norm": square_norm(*self.biases())} if self.biases() else {})


def affine(network: Network, inputs: int, outputs: int, rngs: nnx.Rngs) -> nnx.Linear:
    """Returns a linear layer with a bias."""
    draw = habits(network)
    return nnx.Linear(inputs, outputs, kernel_init=draw.linear, bias_init=draw.linear_bias(inputs), rngs=rngs)


def apply(layer: nnx.Linear, x: Float[Array, "*rows k"]) -> Float[Array, "*rows n"]:
    """Returns the layer's map of x, its product in the precision of training."""
    return add_bias(multiply(x, layer.kernel[...]), bias_of(layer))


def bias_of(layer: nnx.Linear) -> Float[Array, " n"]:
    """Returns the bias of a layer that ``affine`` made."""
    assert layer.bias is not None
    return layer.bias[...]


def add_bias(x: Float[Array, "*rows n"], bias: Float[Array, " n"]) -> Float[Array, "*rows n"]:
    """Returns x plus the bias in every row."""
    return x + bias.reshape((1,) * (x.ndim - 1) + bias.shape)


def layered_multiplications(units: int, outputs: int, *, gates: int) -> int:
    """Returns those of folded projection, cell, dense layer and readout."""
    return units * (2 * gates + gates * units + units + outputs)
