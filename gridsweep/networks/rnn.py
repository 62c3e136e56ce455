"""The vanilla recurrent network of the published studies, without any bias.

h_0 = y_0 E;  h_t = phi(u_t W_in + h_{t-1} W);  z_t = h_t D, with u_t the displacement of a step (m), y_0
the encoding of the start and phi the activation. The scored units are h itself.

Source: spec (c), row RNN. Kernels are Glorot uniform but for W, which ``initializer`` chooses; with
``initializer_family: torch`` and relu or tanh it is the network of Sorscher et al. 2019 as they draw it.
"""

import functools
from typing import ClassVar

from flax import nnx
from jaxtyping import Array, Float

from gridsweep.kinds import kind
from gridsweep.networks._base import ACTIVATIONS, QUIET, Circuit, Network, Noise, Ports, square_norm
from gridsweep.networks._dropout import CellDropout, DropoutNetwork, dropped
from gridsweep.networks._initial import habits
from gridsweep.networks._products import multiply, weigh
from gridsweep.networks._recurrence import run_cell, vanilla_cell


class RnnCircuit(Circuit):
    """The four kernels of the network."""

    def __init__(self, network: Network, ports: Ports, rngs: nnx.Rngs):
        draw = habits(network)
        units = network.units
        self.activation = network.activation
        self.encoder = nnx.Param(draw.linear(rngs.params(), (ports.told, units)))
        self.input = nnx.Param(draw.input(rngs.params(), (2, units)))
        self.recurrent = nnx.Param(draw.recurrent(rngs.params(), (units, units)))
        self.decoder = nnx.Param(draw.linear(rngs.params(), (units, ports.outputs)))

    def activity(
        self,
        start: Float[Array, "*walks told"],
        inputs: Float[Array, "steps *walks channels"],
        noise: Noise = QUIET,
    ) -> Float[Array, "steps *walks units"]:
        """Returns the hidden state after each step."""
        masks = noise.cell or CellDropout()
        drives = weigh(dropped(inputs, masks.input), self.input[...])
        state = (multiply(start, self.encoder[...]),)
        cell = functools.partial(vanilla_cell, ACTIVATIONS[self.activation])
        return run_cell(cell, self.recurrent[...], None, state, drives, masks.recurrent)

    def readout(
        self, activity: Float[Array, "*steps units"], noise: object = None
    ) -> Float[Array, "*steps outputs"]:
        """Returns the report."""
        del noise
        return multiply(activity, self.decoder[...])

    def decayed(self) -> Float[Array, "units units"]:
        """Returns the recurrent kernel W."""
        return self.recurrent[...]

    def norms(self) -> dict[str, Float[Array, ""]]:
        """Returns those of W_in and W; there is no bias."""
        return {
            "input_square_norm": square_norm(self.input[...]),
            "recurrent_square_norm": square_norm(self.recurrent[...]),
        }


@kind
class Rnn(DropoutNetwork):
    """A bias-free vanilla RNN."""

    held_in_training: ClassVar[float] = 5.6
    held_in_looking: ClassVar[float] = 2.57

    @property
    def cell_inputs(self) -> int:
        """The two coordinates of a displacement."""
        return 2

    def circuit(self, ports: Ports, rngs: nnx.Rngs) -> RnnCircuit:
        """Returns the module with freshly drawn weights."""
        return RnnCircuit(self, ports, rngs)

    def multiplications_per_step(self, outputs: int) -> int:
        """Returns those of input, recurrence and readout."""
        return self.units * (2 + self.units + outputs)
