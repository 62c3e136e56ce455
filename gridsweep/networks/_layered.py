"""What the networks with biases share: a recurrent cell between linear layers.

m_t = affine(u_t) lifts a displacement (m) to as many numbers as there are units; h_0 = affine(y_0) has no
activation; the cell makes h_t of m_t and h_{t-1}; g_t = phi(affine(h_t)) are the scored units; the report is
affine(g_t).

Only what needs h_{t-1} is inside the scan: the projection, the cell's input kernel and the layers after it
are matrix products over all steps at once. The affine maps are Flax's ``Linear``. The cells are written out:
those of Flax multiply by the input kernel step by step, and their GRU has one bias where Keras has two.

Source: spec (c), rows SRNN to UGRNN. Kernels are Glorot uniform, biases zero, unless a cell says otherwise.
"""

from typing import Any

import jax
from flax import nnx
from jaxtyping import Array, Float

from gridsweep.networks._base import ACTIVATIONS, Circuit, Network
from gridsweep.networks._initial import habits

State = Any  # what a cell carries from step to step: h, or (h, c)


class LayeredCircuit(Circuit):
    """The layers around a cell. A cell adds its tensors, ``drive`` and ``step``."""

    input: nnx.Param
    recurrent: nnx.Param

    def __init__(self, network: Network, outputs: int, rngs: nnx.Rngs):
        units = network.units
        self.activation = network.activation
        self.encoder = affine(network, outputs, units, rngs)
        self.projection = affine(network, 2, units, rngs)
        self.dense = affine(network, units, units, rngs)
        self.decoder = affine(network, units, outputs, rngs)

    def draw_cell(self, network: Network, rngs: nnx.Rngs, *, gates: int) -> None:
        """Draws the two kernels of a cell with that many blocks of columns."""
        draw = habits(network)
        self.input = nnx.Param(draw.input(rngs.params(), (network.units, gates * network.units)))
        self.recurrent = nnx.Param(draw.recurrent(rngs.params(), (network.units, gates * network.units)))

    def phi(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        """Returns the activation of the units."""
        return ACTIVATIONS[self.activation](x)

    def begin(self, start: Float[Array, " outputs"]) -> State:
        """Returns the state before the first step."""
        return self.encoder(start)

    def drive(self, projected: Float[Array, "steps units"]) -> Float[Array, "steps columns"]:
        """Returns what the cell is given at each step, whatever its state."""
        return projected @ self.input[...]

    def step(self, state: State, drive: Float[Array, " columns"]) -> tuple[State, Float[Array, " units"]]:
        """Returns the next state and h."""
        raise NotImplementedError

    def activity(
        self, start: Float[Array, " outputs"], displacement_m: Float[Array, "steps 2"]
    ) -> Float[Array, "steps units"]:
        """Returns the dense layer after each step."""
        drives = self.drive(self.projection(displacement_m))
        _, hidden = jax.lax.scan(self.step, self.begin(start), drives)
        return self.phi(self.dense(hidden))

    def readout(self, activity: Float[Array, "steps units"]) -> Float[Array, "steps outputs"]:
        """Returns the report."""
        return self.decoder(activity)

    def decayed(self) -> Float[Array, "..."]:
        """Returns the recurrent kernel, all its gates."""
        return self.recurrent[...]


def affine(network: Network, inputs: int, outputs: int, rngs: nnx.Rngs) -> nnx.Linear:
    """Returns a linear layer with a bias."""
    draw = habits(network)
    return nnx.Linear(inputs, outputs, kernel_init=draw.linear, bias_init=draw.linear_bias(inputs), rngs=rngs)


def layered_multiplications(units: int, outputs: int, *, gates: int) -> int:
    """Returns those of projection, cell, dense layer and readout."""
    return units * (2 + 2 * gates * units + units + outputs)
