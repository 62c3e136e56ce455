"""The vanilla recurrent network between affine layers ("vanillarnn" in the published programs).

h_t = phi(m_t W_in + h_{t-1} W), without a bias of its own, with m_t = affine(u_t) and h_0 = affine(y_0). The
scored units are the dense layer g_t = phi(affine(h_t)), not h: it asks whether a lattice needs to be where
the recurrence is.

Source: spec (c), row SRNN. W is drawn as ``initializer`` says, all other kernels Glorot uniform.
"""

from typing import ClassVar

from flax import nnx
from jaxtyping import Array

from gridsweep.kinds import kind
from gridsweep.networks._base import Network, Ports
from gridsweep.networks._dropout import DropoutNetwork
from gridsweep.networks._layered import LayeredCircuit, layered_multiplications
from gridsweep.networks._recurrence import State, vanilla_cell


class SrnnCircuit(LayeredCircuit):
    """The layers and the two kernels of the cell."""

    def __init__(self, network: Network, ports: Ports, rngs: nnx.Rngs):
        super().__init__(network, ports, rngs)
        self.draw_cell(network, rngs, gates=1)

    @staticmethod
    def step(phi, constants: None, state: State, given: Array) -> State:
        """Returns h."""
        return vanilla_cell(phi, constants, state, given)


@kind
class Srnn(DropoutNetwork):
    """A vanilla RNN whose scored units are a dense layer after it."""

    held_in_training: ClassVar[float] = 7.6
    held_in_looking: ClassVar[float] = 1.75
    held_of_batch: ClassVar[float] = 4.0

    def circuit(self, ports: Ports, rngs: nnx.Rngs) -> SrnnCircuit:
        """Returns the module with freshly drawn weights."""
        return SrnnCircuit(self, ports, rngs)

    def multiplications_per_step(self, outputs: int) -> int:
        """Returns those of layers and cell."""
        return layered_multiplications(self.units, outputs, gates=1)
