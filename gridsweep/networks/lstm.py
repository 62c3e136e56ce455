"""Long short-term memory between affine layers, in Keras' form.

With a = m_t W_in + h_{t-1} W + b in four blocks of columns i, f, c, o (Keras' order) and s the logistic
function:

    c_t = s(a_f) c_{t-1} + s(a_i) phi(a_c);   h_t = s(a_o) phi(c_t)

phi replaces tanh in both places and is the activation of the scored units, the dense layer g_t =
phi(affine(h_t)). h_0 and c_0 are two affine maps of the start; m_t = affine(u_t). The forget block of b
starts at one. PyTorch adds two biases where there is one here, and starts no gate open: with
``initializer_family: torch`` b is drawn as their sum.

Source: Hochreiter & Schmidhuber 1997; spec (c), row LSTM and "Keras details". W is drawn as ``initializer``
says, all other kernels Glorot uniform.
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
from gridsweep.networks._layered import LayeredCircuit, affine, apply, layered_multiplications
from gridsweep.networks._recurrence import State

GATES = 4


class LstmCircuit(LayeredCircuit):
    """The layers, a second encoder for c, and the kernels and the bias of the cell."""

    def __init__(self, network: Network, ports: Ports, rngs: nnx.Rngs):
        super().__init__(network, ports, rngs)
        self.encoder_of_c = affine(network, ports.told, network.units, rngs)
        self.draw_cell(network, rngs, gates=GATES)
        self.bias = nnx.Param(_first_bias(network, rngs))

    def begin(self, start: Float[Array, "*walks told"]) -> State:
        """Returns (h, c) before the first step."""
        return apply(self.encoder, start), apply(self.encoder_of_c, start)

    def biases(self) -> tuple[Float[Array, " columns"], ...]:
        """Returns b."""
        return (self.bias[...],)

    @staticmethod
    def step(phi, constants: None, state: State, given: Array) -> State:
        """Returns (h, c)."""
        del constants
        a_i, a_f, a_c, a_o = jnp.split(given, GATES, axis=-1)
        memory = jax.nn.sigmoid(a_f) * state[1] + jax.nn.sigmoid(a_i) * phi(a_c)
        return jax.nn.sigmoid(a_o) * phi(memory), memory


def _first_bias(network: Network, rngs: nnx.Rngs) -> Float[Array, " columns"]:
    draw, shape = habits(network).cell_bias, (GATES * network.units,)
    if network.initializer_family == "torch":
        return draw(rngs.params(), shape) + draw(rngs.params(), shape)
    return draw(rngs.params(), shape).at[network.units : 2 * network.units].set(1.0)


@kind
class Lstm(DropoutNetwork):
    """An LSTM whose scored units are a dense layer after it."""

    held_in_training: ClassVar[float] = 26.6
    held_in_looking: ClassVar[float] = 9.3

    def circuit(self, ports: Ports, rngs: nnx.Rngs) -> LstmCircuit:
        """Returns the module with freshly drawn weights."""
        return LstmCircuit(self, ports, rngs)

    def multiplications_per_step(self, outputs: int) -> int:
        """Returns those of layers and cell."""
        return layered_multiplications(self.units, outputs, gates=GATES)
