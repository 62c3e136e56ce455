"""The noisy rate network of Cueva & Wei 2018, which reports coordinates and pays for its activity.

x' = (1 - leak) x + leak (u W + I W_in + b + xi), u = phi(x): an Euler step of tau dx/dt = -x + ..., leak =
dt / tau. The report is u W_out, without a bias. x starts at zero and nothing is told of the start: every walk
of the paper starts at the centre of its arena. The scored units are u.

The loss has two terms besides the error. ``metabolic_cost`` times the mean of u^2; and ``training.
weight_decay`` times the mean over entries of W_in^2 plus that of W_out^2. Noise xi is in training alone.

W is orthogonal (square, triangle) or normal with variance 1.5^2 / units (hexagon), W_in normal with variance
1 / inputs, b and W_out zero. The paper's Hessian-free optimizer is not built; Adam at 1e-3 stands for it.

Source: spec other_systems 2. The sizes of noise, cost and decay are not in the paper.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import ClassVar, Self

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.kinds import Scalar, kind, per_cohort, per_lane
from gridsweep.networks._base import ACTIVATIONS, QUIET, Circuit, Network, Noise, Ports, square_norm
from gridsweep.networks._products import multiply, weigh
from gridsweep.networks._recurrence import State, run_cell
from gridsweep.trajectories import Walk

CHANNELS = 2
NORMAL_GAIN = 1.5  # of a normal W: its spectral radius


class NoisyRateCircuit(Circuit):
    """The kernels and the bias, and two settings of the lane."""

    leak: Scalar
    metabolic_cost: Scalar

    def __init__(self, network: "NoisyRate", ports: Ports, rngs: nnx.Rngs):
        units = network.units
        self.activation = network.activation
        normal = jax.random.normal(rngs.params(), (CHANNELS, units))
        self.input = nnx.Param(normal * CHANNELS**-0.5)
        self.recurrent = nnx.Param(_first_recurrent(network, rngs))
        self.bias = nnx.Param(jnp.zeros(units))
        self.decoder = nnx.Param(jnp.zeros((units, ports.outputs)))

    def activity(
        self,
        start: Float[Array, "*walks told"],
        inputs: Float[Array, "steps *walks channels"],
        noise: Noise = QUIET,
    ) -> Float[Array, "steps *walks units"]:
        """Returns u after each step."""
        bias = self.bias[...]
        drives = weigh(inputs, self.input[...]) + bias.reshape((1,) * (inputs.ndim - 1) + bias.shape)
        drives = drives if noise.cell is None else drives + noise.cell
        phi = ACTIVATIONS[self.activation]
        x = jnp.zeros((*start.shape[:-1], len(bias)), drives.dtype)
        cell = functools.partial(_euler_step, phi)
        return run_cell(cell, self.recurrent[...], jnp.float32(self.leak), (phi(x), x), drives)

    def take_settings(self, network: Network) -> None:
        """Keeps leak and metabolic cost."""
        assert isinstance(network, NoisyRate)
        self.leak, self.metabolic_cost = network.leak, network.metabolic_cost

    def readout(
        self, activity: Float[Array, "*steps units"], noise: object = None
    ) -> Float[Array, "*steps outputs"]:
        """Returns the report."""
        del noise
        return multiply(activity, self.decoder[...])

    def decayed(self) -> tuple[Float[Array, "..."], ...]:
        """Returns W_in and W_out over the root of their number of entries: squares add up to the means."""
        return tuple(tensor / tensor.size**0.5 for tensor in (self.input[...], self.decoder[...]))

    def activity_penalty(self, activity: Float[Array, "steps *walks units"]) -> Float[Array, ""]:
        """Returns the metabolic cost."""
        return self.metabolic_cost * jnp.mean(activity**2)

    def norms(self) -> dict[str, Float[Array, ""]]:
        """Returns those of W_in, W and b."""
        return {
            "input_square_norm": square_norm(self.input[...]),
            "recurrent_square_norm": square_norm(self.recurrent[...]),
            "bias_square_norm": square_norm(self.bias[...]),
        }


def _euler_step(phi: Callable, leak: Array, state: State, given: Array) -> State:
    """Returns (u, x) a step later."""
    x = (1 - leak) * state[1] + leak * given
    return phi(x), x


def _first_recurrent(network: "NoisyRate", rngs: nnx.Rngs) -> Float[Array, "units units"]:
    shape = (network.units, network.units)
    if network.initializer == "orthogonal":
        return jax.nn.initializers.orthogonal()(rngs.params(), shape, jnp.float32)
    return jax.random.normal(rngs.params(), shape) * (NORMAL_GAIN * network.units**-0.5)


@kind
class NoisyRate(Network):
    """A leaky network with noise and a cost of activity."""

    noisy: ClassVar[bool] = True
    held_in_training: ClassVar[float] = 11.1
    held_in_looking: ClassVar[float] = 2.67
    held_of_batch: ClassVar[float] = 5.0

    units: int = per_cohort(100, unit="units", meaning="recurrent (hidden) units", at_least=1, at_most=65536)
    activation: str = per_cohort("tanh", choices=tuple(ACTIVATIONS), meaning="nonlinearity of the units")
    initializer: str = per_cohort(
        "orthogonal",
        choices=("orthogonal", "normal"),
        meaning="how W is drawn: orthogonal, or normal with variance 1.5^2 / units",
    )
    leak: Scalar = per_lane(0.1, meaning="a step's share of the time constant", above=0.0, at_most=1.0)
    noise_sd: Scalar = per_lane(
        0.1, meaning="standard deviation of the noise in a unit's input at each step", at_least=0.0
    )
    metabolic_cost: Scalar = per_lane(
        0.1, meaning="coefficient of the mean square activity in the loss", at_least=0.0
    )
    input: str = per_cohort(
        "velocity",
        choices=("velocity", "speed_and_direction"),
        meaning="told at a step: its displacement (m), or its length (m) and its direction over pi",
    )

    def inputs(self, walk: Walk) -> Float[Array, "steps 2"]:
        """Returns each step's displacement in m, or its length in m and direction over pi.

        The direction of a step of no length is that in which the walker looks.
        """
        if self.input == "velocity":
            return walk.displacement_m
        length_m = jnp.linalg.norm(walk.displacement_m, axis=-1)
        moved_rad = jnp.arctan2(walk.displacement_m[:, 1], walk.displacement_m[:, 0])
        direction_rad = jnp.where(length_m > 0, moved_rad, walk.heading_rad)
        return jnp.stack([length_m, direction_rad / jnp.pi], axis=-1)

    def draw_noise(self, key: PRNGKeyArray, steps: int, walks: int) -> Noise:
        """Returns xi."""
        return Noise(cell=self.noise_sd * jax.random.normal(key, (steps, walks, self.units)))

    def canonical(self) -> Self:
        """Leaves out the family of initializers, which has no effect here."""
        return dataclasses.replace(self, initializer_family=self.defaults()["initializer_family"])

    def circuit(self, ports: Ports, rngs: nnx.Rngs) -> NoisyRateCircuit:
        """Returns the module with freshly drawn weights."""
        return NoisyRateCircuit(self, ports, rngs)

    def multiplications_per_step(self, outputs: int) -> int:
        """Returns those of input, recurrence and readout."""
        return self.units * (CHANNELS + self.units + outputs)
