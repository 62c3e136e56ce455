"""The vanilla recurrent network of the published studies, without any bias.

h_0 = y_0 E;  h_t = phi(u_t W_in + h_{t-1} W);  z_t = h_t D, with u_t the displacement of a step (m), y_0
the encoding of the start and phi the activation. The scored units are h itself.

Source: spec (c), row RNN. Kernels are Glorot uniform but for W, which ``initializer`` chooses; with
``initializer_family: torch`` and relu or tanh it is the network of Sorscher et al. 2019 as they draw it.
"""

import jax
from flax import nnx
from jaxtyping import Array, Float

from gridsweep.kinds import kind
from gridsweep.networks._base import ACTIVATIONS, Circuit, Network
from gridsweep.networks._initial import habits


class RnnCircuit(Circuit):
    """The four kernels of the network."""

    def __init__(self, network: Network, outputs: int, rngs: nnx.Rngs):
        draw = habits(network)
        units = network.units
        self.activation = network.activation
        self.encoder = nnx.Param(draw.linear(rngs.params(), (outputs, units)))
        self.input = nnx.Param(draw.input(rngs.params(), (2, units)))
        self.recurrent = nnx.Param(draw.recurrent(rngs.params(), (units, units)))
        self.decoder = nnx.Param(draw.linear(rngs.params(), (units, outputs)))

    def activity(
        self, start: Float[Array, " outputs"], displacement_m: Float[Array, "steps 2"]
    ) -> Float[Array, "steps units"]:
        """Returns the hidden state after each step."""
        recurrent = self.recurrent[...]
        phi = ACTIVATIONS[self.activation]

        def step(hidden, drive):
            hidden = phi(drive + hidden @ recurrent)
            return hidden, hidden

        drives = displacement_m @ self.input[...]
        _, hidden = jax.lax.scan(step, start @ self.encoder[...], drives)
        return hidden

    def readout(self, activity: Float[Array, "steps units"]) -> Float[Array, "steps outputs"]:
        """Returns the report."""
        return activity @ self.decoder[...]

    def decayed(self) -> Float[Array, "units units"]:
        """Returns the recurrent kernel W."""
        return self.recurrent[...]


@kind
class Rnn(Network):
    """A bias-free vanilla RNN."""

    def circuit(self, outputs: int, rngs: nnx.Rngs) -> RnnCircuit:
        """Returns the module with freshly drawn weights."""
        return RnnCircuit(self, outputs, rngs)

    def multiplications_per_step(self, outputs: int) -> int:
        """Returns those of input, recurrence and readout."""
        return self.units * (2 + self.units + outputs)
