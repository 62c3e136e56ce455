"""The gated recurrent unit between affine layers, in Keras' form with the reset after the product.

With x = m_t W_in + b_in and y = h_{t-1} W + b, each in three blocks of columns z, r, h (Keras' order), and s
the logistic function:

    z = s(x_z + y_z);   r = s(x_r + y_r);   h_t = z h_{t-1} + (1 - z) phi(x_h + r y_h)

Because the reset acts on y_h with its bias, the two biases are not one. phi replaces tanh and is the
activation of the scored units, the dense layer g_t = phi(affine(h_t)); h_0 and m_t are affine maps of start
and displacement.

Source: Cho et al. 2014, in the reset-after form of cuDNN; spec (c), row GRU and "Keras details". W is drawn
as ``initializer`` says, all other kernels Glorot uniform, biases zero.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from gridsweep.kinds import kind
from gridsweep.networks._base import Network, Ports
from gridsweep.networks._dropout import DropoutNetwork
from gridsweep.networks._initial import habits
from gridsweep.networks._layered import LayeredCircuit, add_bias, layered_multiplications
from gridsweep.networks._recurrence import State

GATES = 3


class GruCircuit(LayeredCircuit):
    """The layers, and the two kernels and two biases of the cell."""

    apart: ClassVar[bool] = True

    def __init__(self, network: Network, ports: Ports, rngs: nnx.Rngs):
        super().__init__(network, ports, rngs)
        self.draw_cell(network, rngs, gates=GATES)
        draw, shape = habits(network).cell_bias, (GATES * network.units,)
        self.input_bias = nnx.Param(draw(rngs.params(), shape))
        self.recurrent_bias = nnx.Param(draw(rngs.params(), shape))

    def biases(self) -> tuple[Float[Array, " columns"], ...]:
        """Returns b_in and b."""
        return self.input_bias[...], self.recurrent_bias[...]

    def constants(self) -> Float[Array, " columns"]:
        """Returns b, which the reset gate multiplies together with the product."""
        return self.recurrent_bias[...]

    @staticmethod
    def step(phi, constants: Float[Array, " columns"], state: State, given: tuple[Array, Array]) -> State:
        """Returns h."""
        drive, product = given
        x_z, x_r, x_h = jnp.split(drive, GATES, axis=-1)
        y_z, y_r, y_h = jnp.split(add_bias(product, constants), GATES, axis=-1)
        keep = jax.nn.sigmoid(x_z + y_z)
        candidate = phi(x_h + jax.nn.sigmoid(x_r + y_r) * y_h)
        return (keep * state[0] + (1 - keep) * candidate,)


@kind
class Gru(DropoutNetwork):
    """A GRU whose scored units are a dense layer after it."""

    held_in_training: ClassVar[float] = 24.0
    held_in_looking: ClassVar[float] = 7.2

    def circuit(self, ports: Ports, rngs: nnx.Rngs) -> GruCircuit:
        """Returns the module with freshly drawn weights."""
        return GruCircuit(self, ports, rngs)

    def multiplications_per_step(self, outputs: int) -> int:
        """Returns those of layers and cell."""
        return layered_multiplications(self.units, outputs, gates=GATES)
