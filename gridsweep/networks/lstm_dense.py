"""An LSTM before a linear dense layer that is dropped from: the network whose dense units make square maps.

h_0 and c_0 are linear maps of the start; the LSTM (equations in ``lstm.py``) is told each step; g = affine(h)
is linear, and is what is scored; in training a share of g is dropped, each entry at each step by itself; the
report is affine(g). With ``readout_layers: 1`` the report is affine(h): there is no g, nothing is dropped,
and h is scored. h beside g: ``evaluation: {kind: recurrent}``.

Three published forms, each a set of these fields (files in ``sweeps/disentangling``):

| | reproduction | notebook | banino |
|---|---|---|---|
| units, dense_units | 512, 512 | 128, 512 | 128, 256 |
| initializer_family | torch | keras | sonnet |
| encoder, dense_bias | linear, yes | linear, yes | affine, no |
| decay_tensor | none: the optimizer's coupled_decay, of all | readout_kernels | none |

PyTorch's LSTM has two biases that are added; they are two tensors here too, because Adam moves each by its
own step. Sonnet's kernels have a deviation of 1/sqrt(inputs + units), here of 1/sqrt(units): 1 % more.

Source: spec other_systems 1.4 and 1.5; Banino et al. 2018; Sorscher et al. 2023 (their response's notebook).
"""

import dataclasses
import functools
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.kinds import Scalar, kind, per_cohort, per_lane
from gridsweep.networks._base import ACTIVATIONS, QUIET, Circuit, Held, Network, Noise, Ports, square_norm
from gridsweep.networks._dropout import dropout_mask
from gridsweep.networks._initial import habits
from gridsweep.networks._layered import bias_of
from gridsweep.networks._products import multiply, weigh
from gridsweep.networks._recurrence import run_cell
from gridsweep.networks.lstm import GATES, LstmCircuit
from gridsweep.trajectories import Walk


class LstmDenseCircuit(Circuit):
    """Encoder of h and c, the cell, the dense layer (or none) and the heads."""

    def __init__(self, network: "LstmDense", ports: Ports, rngs: nnx.Rngs):
        units, draw = network.units, habits(network)
        self.activation = network.activation
        self.decay_tensor = network.decay_tensor
        starts = ports.starts if network.encoder == "linear" else (ports.told,)
        self.encoder = _in_blocks(network, starts, (units, units), network.encoder == "affine", rngs)
        self.input = nnx.Param(draw.input(rngs.params(), (network.channels, GATES * units)))
        self.recurrent = nnx.Param(draw.recurrent(rngs.params(), (units, GATES * units)))
        self.bias = nnx.Param(_first_biases(network, rngs))
        if network.readout_layers > 1:
            self.dense = _in_blocks(network, (units,), (network.dense_units,), network.dense_bias, rngs)
        else:
            self.dense = None
        self.decoder = _in_blocks(network, (network.scored_units,), ports.heads, True, rngs)

    def recurrent_activity(
        self,
        start: Float[Array, "*walks told"],
        inputs: Float[Array, "steps *walks channels"],
        noise: Noise = QUIET,
    ) -> Float[Array, "steps *walks units"]:
        """Returns h after each step."""
        del noise
        bias = jnp.sum(self.bias[...], axis=0)
        drives = weigh(inputs, self.input[...])
        drives += bias.reshape((1,) * (drives.ndim - 1) + bias.shape)
        hidden, memory = jnp.split(_apply(self.encoder, start), 2, axis=-1)
        cell = functools.partial(LstmCircuit.step, ACTIVATIONS[self.activation])
        return run_cell(cell, self.recurrent[...], None, (hidden, memory), drives)

    def activity(
        self,
        start: Float[Array, "*walks told"],
        inputs: Float[Array, "steps *walks channels"],
        noise: Noise = QUIET,
    ) -> Float[Array, "steps *walks units"]:
        """Returns g after each step, nothing dropped; h where there is no dense layer."""
        hidden = self.recurrent_activity(start, inputs, noise)
        return hidden if self.dense is None else _apply(self.dense, hidden)

    def readout(
        self,
        activity: Float[Array, "*steps units"],
        noise: Float[Array, "*steps units"] | None = None,
    ) -> Float[Array, "*steps outputs"]:
        """Returns the report, of what dropout leaves of g."""
        return _apply(self.decoder, activity if noise is None else activity * noise)

    def decayed(self) -> Float[Array, "..."]:
        """Returns the recurrent kernel, or those of the heads."""
        return self.decoder.kernel[...] if self.decay_tensor == "readout_kernels" else self.recurrent[...]

    def norms(self) -> dict[str, Float[Array, ""]]:
        """Returns those of the cell."""
        return {
            "input_square_norm": square_norm(self.input[...]),
            "recurrent_square_norm": square_norm(self.recurrent[...]),
            "bias_square_norm": square_norm(self.bias[...]),
        }


@kind
class LstmDense(Network):
    """An LSTM, a linear layer that is dropped from, and heads."""

    held_in_training: ClassVar[float] = 27.8
    held_in_looking: ClassVar[float] = 5.1
    held_of_batch: ClassVar[float] = 9.3  # it is looked at with and without dropout
    held_by_dense: ClassVar[Held] = Held(6.0, 0.0, 3.2)  # likewise, for each of its units

    units: int = per_cohort(512, unit="units", meaning="recurrent (hidden) units", at_least=1, at_most=65536)
    activation: str = per_cohort("tanh", choices=tuple(ACTIVATIONS), meaning="nonlinearity of the cell")
    dense_units: int = per_cohort(
        512, unit="units", meaning="units of the dense layer, which is scored", at_least=1, at_most=65536
    )
    readout_layers: int = per_cohort(
        2, unit="layers", meaning="2: dense layer and heads; 1: heads alone", at_least=1, at_most=2
    )
    dense_dropout: Scalar = per_lane(
        0.0, meaning="share of the dense layer dropped in training", at_least=0.0, at_most=0.9999
    )
    dense_bias: bool = per_cohort(True, meaning="whether the dense layer has a bias")
    encoder: str = per_cohort(
        "linear",
        choices=("linear", "affine"),
        meaning="of the start into h and c: a map without bias for each block of it, or one with bias of all",
    )
    input: str = per_cohort(
        "egocentric",
        choices=("egocentric", "allocentric"),
        meaning="told at a step: its length (m) and cosine and sine of the turn, or its displacement (m)",
    )
    decay_tensor: str = per_cohort(
        "recurrent_kernel",
        choices=("recurrent_kernel", "readout_kernels"),
        meaning="what training.weight_decay penalises",
    )

    @property
    def scored_units(self) -> int:
        """Those of the dense layer, where there is one."""
        return self.dense_units if self.readout_layers > 1 else self.units

    @property
    def channels(self) -> int:
        """How many numbers the cell is told at a step."""
        return 3 if self.input == "egocentric" else 2

    def inputs(self, walk: Walk) -> Float[Array, "steps channels"]:
        """Returns each step's length in m and the cosine and sine of its turn, or its displacement in m."""
        if self.input == "allocentric":
            return walk.displacement_m
        before_rad = jnp.concatenate([walk.start_heading_rad[None], walk.heading_rad[:-1]])
        turn_rad = walk.heading_rad - before_rad
        length_m = jnp.linalg.norm(walk.displacement_m, axis=-1)
        return jnp.stack([length_m, jnp.cos(turn_rad), jnp.sin(turn_rad)], axis=-1)

    def held_numbers(self) -> Held:
        """Returns those of the recurrent units and of the dense ones."""
        dense_units = self.dense_units if self.readout_layers > 1 else 0
        of_both = zip(super().held_numbers(), self.held_by_dense, strict=True)
        return Held(*(recurrent + of_a_unit * dense_units for recurrent, of_a_unit in of_both))

    def drops(self) -> bool:
        """Whether there is a dense layer with a rate above zero; of settings, not of traced leaves."""
        return self.readout_layers > 1 and bool(self.dense_dropout)

    def without_dropout(self) -> Self:
        """Returns the same network with a rate of zero."""
        return dataclasses.replace(self, dense_dropout=0.0)

    def without_decay(self) -> Self:
        """Returns the same network with the usual tensor to penalise."""
        return dataclasses.replace(self, decay_tensor=self.defaults()["decay_tensor"])

    def draw_noise(self, key: PRNGKeyArray, steps: int, walks: int) -> Noise:
        """Returns the masks of the dense layer, one for each step of each walk."""
        if self.readout_layers == 1:
            return Noise()
        return Noise(readout=dropout_mask(key, self.dense_dropout, (steps, walks, self.dense_units)))

    def canonical(self) -> Self:
        """Leaves out the settings of a dense layer that there is not."""
        plain = super().canonical()
        if self.readout_layers > 1:
            return plain
        defaults = self.defaults()
        absent = {name: defaults[name] for name in ("dense_units", "dense_dropout", "dense_bias")}
        return dataclasses.replace(plain, **absent)

    def circuit(self, ports: Ports, rngs: nnx.Rngs) -> LstmDenseCircuit:
        """Returns the module with freshly drawn weights."""
        return LstmDenseCircuit(self, ports, rngs)

    def multiplications_per_step(self, outputs: int) -> int:
        """Returns those of cell, dense layer and heads."""
        cell = GATES * self.units * (self.channels + self.units)
        dense = self.units * self.dense_units if self.readout_layers > 1 else 0
        return cell + dense + self.scored_units * outputs


def _first_biases(network: LstmDense, rngs: nnx.Rngs) -> Float[Array, "biases columns"]:
    """Returns PyTorch's two, or one whose forget block starts at one."""
    biases = 2 if network.initializer_family == "torch" else 1
    drawn = habits(network).cell_bias(rngs.params(), (biases, GATES * network.units))
    return drawn if biases == 2 else drawn.at[:, network.units : 2 * network.units].set(1.0)


def _in_blocks(
    network: Network, rows: tuple[int, ...], columns: tuple[int, ...], bias: bool, rngs: nnx.Rngs
) -> nnx.Linear:
    """Returns a linear layer drawn as if each block of rows and columns were a layer of its own."""
    draw, inputs = habits(network), sum(rows)

    def kernel(key: PRNGKeyArray, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Array:
        del shape, out_sharding
        keys = jax.random.split(key, (len(rows), len(columns)))
        blocks = [
            [draw.linear(keys[i, j], (row, column), dtype) for j, column in enumerate(columns)]
            for i, row in enumerate(rows)
        ]
        return jnp.block(blocks)

    return nnx.Linear(
        inputs,
        sum(columns),
        use_bias=bias,
        kernel_init=kernel,
        bias_init=draw.linear_bias(inputs),
        rngs=rngs,
    )


def _apply(layer: nnx.Linear, x: Float[Array, "*rows k"]) -> Float[Array, "*rows n"]:
    """Returns the layer's map of x, with its bias where it has one."""
    product = multiply(x, layer.kernel[...])
    if layer.bias is None:
        return product
    bias = bias_of(layer)
    return product + bias.reshape((1,) * (product.ndim - 1) + bias.shape)
