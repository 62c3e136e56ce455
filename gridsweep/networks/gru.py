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

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from gridsweep.kinds import kind
from gridsweep.networks._base import Network
from gridsweep.networks._initial import habits
from gridsweep.networks._layered import LayeredCircuit, layered_multiplications

GATES = 3


class GruCircuit(LayeredCircuit):
    """The layers, and the two kernels and two biases of the cell."""

    def __init__(self, network: Network, outputs: int, rngs: nnx.Rngs):
        super().__init__(network, outputs, rngs)
        self.draw_cell(network, rngs, gates=GATES)
        draw, shape = habits(network).cell_bias, (GATES * network.units,)
        self.input_bias = nnx.Param(draw(rngs.params(), shape))
        self.recurrent_bias = nnx.Param(draw(rngs.params(), shape))

    def drive(self, projected: Float[Array, "steps units"]) -> Float[Array, "steps columns"]:
        """Returns x."""
        return projected @ self.input[...] + self.input_bias[...][None]

    def step(self, state: Float[Array, " units"], drive: Float[Array, " columns"]):
        """Returns h twice: carried and kept."""
        x_z, x_r, x_h = jnp.split(drive, GATES)
        y_z, y_r, y_h = jnp.split(state @ self.recurrent[...] + self.recurrent_bias[...], GATES)
        keep = jax.nn.sigmoid(x_z + y_z)
        candidate = self.phi(x_h + jax.nn.sigmoid(x_r + y_r) * y_h)
        hidden = keep * state + (1 - keep) * candidate
        return hidden, hidden


@kind
class Gru(Network):
    """A GRU whose scored units are a dense layer after it."""

    def circuit(self, outputs: int, rngs: nnx.Rngs) -> GruCircuit:
        """Returns the module with freshly drawn weights."""
        return GruCircuit(self, outputs, rngs)

    def multiplications_per_step(self, outputs: int) -> int:
        """Returns those of layers and cell."""
        return layered_multiplications(self.units, outputs, gates=GATES)
