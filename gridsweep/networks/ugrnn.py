"""The update-gate recurrent network between affine layers: one gate, between keeping h and renewing it.

With a = [m_t, h_{t-1}] W + b in two blocks of columns g, c, and s the logistic function:

    k = s(a_g + 1);   h_t = k h_{t-1} + (1 - k) phi(a_c)

so that a new network keeps about three quarters of its state. The scored units are the dense layer g_t =
phi(affine(h_t)); h_0 and m_t are affine maps of start and displacement. Flax has no such cell. W is drawn
whole, Glorot uniform over its 2 x units rows (``initializer`` is not heeded), and kept in two: the rows that
read m are the input kernel, those that read h the recurrent one.

The published programs meant to penalise the recurrent kernel and penalised b, the second variable of the
cell: ``decay_tensor: bias`` does as they did.

Source: Collins, Sohl-Dickstein & Sussillo 2017; spec (c), row UGRNN, and (f) 15 and 16.
"""

import dataclasses
from typing import ClassVar, Self

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from gridsweep.kinds import kind, per_cohort
from gridsweep.networks._base import USUAL_INITIALIZER, Network, Ports
from gridsweep.networks._initial import habits
from gridsweep.networks._layered import LayeredCircuit, layered_multiplications
from gridsweep.networks._recurrence import State

GATES = 2
KEEP_BIAS = 1.0  # added to the gate at every step, apart from the bias that is trained


class UgrnnCircuit(LayeredCircuit):
    """The layers, and the two halves of W and the bias of the cell."""

    def __init__(self, network: "Ugrnn", ports: Ports, rngs: nnx.Rngs):
        super().__init__(network, ports, rngs)
        units, draw = network.units, habits(network)
        whole = draw.input(rngs.params(), (2 * units, GATES * units))
        self.input = nnx.Param(whole[:units])
        self.recurrent = nnx.Param(whole[units:])
        self.bias = nnx.Param(draw.cell_bias(rngs.params(), (GATES * units,)))
        self.decay_tensor = network.decay_tensor

    def biases(self) -> tuple[Float[Array, " columns"], ...]:
        """Returns b."""
        return (self.bias[...],)

    @staticmethod
    def step(phi, constants: None, state: State, given: Array) -> State:
        """Returns h."""
        del constants
        a_g, a_c = jnp.split(given, GATES, axis=-1)
        keep = jax.nn.sigmoid(a_g + KEEP_BIAS)
        return (keep * state[0] + (1 - keep) * phi(a_c),)

    def decayed(self) -> Float[Array, "..."]:
        """Returns the recurrent kernel, or the bias as published."""
        return self.bias[...] if self.decay_tensor == "bias" else self.recurrent[...]


@kind
class Ugrnn(Network):
    """An update-gate RNN whose scored units are a dense layer after it."""

    held_in_training: ClassVar[float] = 15.3
    held_in_looking: ClassVar[float] = 4.9

    decay_tensor: str = per_cohort(
        "recurrent_kernel",
        choices=("recurrent_kernel", "bias"),
        meaning="what weight decay penalises; bias as published, by mistake",
    )

    def circuit(self, ports: Ports, rngs: nnx.Rngs) -> UgrnnCircuit:
        """Returns the module with freshly drawn weights."""
        return UgrnnCircuit(self, ports, rngs)

    def without_decay(self) -> Self:
        """Returns the same network with the usual tensor."""
        return dataclasses.replace(self, decay_tensor="recurrent_kernel")

    def canonical(self) -> Self:
        """Leaves out ``initializer``, which has no effect here."""
        return dataclasses.replace(self, initializer=USUAL_INITIALIZER)

    def multiplications_per_step(self, outputs: int) -> int:
        """Returns those of layers and cell."""
        return layered_multiplications(self.units, outputs, gates=GATES)
