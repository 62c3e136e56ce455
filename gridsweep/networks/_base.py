"""What a network is: a recurrent circuit that is told where it starts and how it moves.

A network is declared as a kind and built as a Flax NNX module. Its weights travel as a plain nested
dictionary of arrays, so that they are one lane of a stacked tree like everything else: ``bind`` turns
them back into the module inside a traced function, at no cost at run time.

A circuit takes one walk or a batch of walks alike: time is the first axis, then come the walks, if any.
What is random in it (dropout, noise) is drawn beforehand and handed to it, or is not there: that is how a
trained network is looked at.
"""

import dataclasses
from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple, Self

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.kinds import Kind, kind, per_cohort
from gridsweep.trajectories import Walk

ACTIVATIONS = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "linear": lambda x: x,
}
INITIALIZERS = {
    "glorot_uniform": jax.nn.initializers.glorot_uniform(),
    "glorot_normal": jax.nn.initializers.glorot_normal(),
    "orthogonal": jax.nn.initializers.orthogonal(),
}
USUAL_INITIALIZER = "glorot_uniform"

Weights = dict[str, Any]  # nested; leaves are float32 arrays


class Ports(NamedTuple):
    """Where a network meets its target: what it is told of a start and what it reports, block by block."""

    starts: tuple[int, ...]
    heads: tuple[int, ...]

    @property
    def told(self) -> int:
        """How many numbers the network is told of a start."""
        return sum(self.starts)

    @property
    def outputs(self) -> int:
        """How many numbers it reports."""
        return sum(self.heads)


class Noise(NamedTuple):
    """What is random in a batch of walks: dropout masks, noise. Nothing, unless a network says otherwise."""

    cell: Any = None
    readout: Any = None  # its leaves have time as their first axis


QUIET = Noise()


class Circuit(nnx.Module):
    """A network with its weights: activity of the scored units along walks, and what it reports."""

    def activity(
        self,
        start: Float[Array, "*walks told"],
        inputs: Float[Array, "steps *walks channels"],
        noise: Noise = QUIET,
    ) -> Float[Array, "steps *walks units"]:
        """Returns the activity of the scored units after each step.

        Args:
            start: the target's activity at the start of each walk.
            inputs: what the network is told at each step (``Network.inputs``).
            noise: what is random in these walks (``Network.draw_noise``); none where it is only looked at.
        """
        raise NotImplementedError

    def recurrent_activity(
        self,
        start: Float[Array, "*walks told"],
        inputs: Float[Array, "steps *walks channels"],
        noise: Noise = QUIET,
    ) -> Float[Array, "steps *walks units"]:
        """Returns the activity of the recurrent units, which the scored ones may be a layer after."""
        return self.activity(start, inputs, noise)

    def readout(
        self, activity: Float[Array, "*steps units"], noise: Any = None
    ) -> Float[Array, "*steps outputs"]:
        """Returns the report, a linear map of the scored units.

        Args:
            activity: of the scored units.
            noise: ``Noise.readout`` at the same steps.
        """
        raise NotImplementedError

    def decayed(self) -> Any:
        """Returns the tensor, or tensors, that weight decay penalises (spec c: the recurrent kernel)."""
        raise NotImplementedError

    def take_settings(self, network: "Network") -> None:
        """Keeps the leaves of the network's settings that the equations need; most need none.

        A leaf may be traced, so it cannot be kept when the module is made: that would make it a part of the
        module's graph.
        """

    def activity_penalty(self, activity: Float[Array, "steps *walks units"]) -> Float[Array, ""]:
        """Returns what the network adds to the loss for being active. Most add nothing."""
        del activity
        return jnp.float32(0.0)

    def norms(self) -> dict[str, Float[Array, ""]]:
        """Returns the square Frobenius norms of input kernel, recurrent kernel and biases of the cell.

        The published programs log them as those of "variables 0, 1, 2" of the recurrent layer, of which a
        cell without biases has two, and UGRNN's second is its bias (spec c.1, f.29).
        """
        raise NotImplementedError


class Held(NamedTuple):
    """Numbers for each step and walk that are held at once, of the units' activity and what it is made of."""

    in_training: float  # by an update
    in_looking: float  # while walks of another length than the evaluation's are looked at
    of_batch: float  # of the evaluation's own batch, beside those or by itself


@kind
class Network(Kind):
    """A recurrent architecture."""

    package = "gridsweep.networks"
    family = "network"

    noisy: ClassVar[bool] = False  # whether there is noise in training whatever is set

    # Numbers for each unit, step and walk that are held at once by an update, while walks of another length
    # are looked at, and of the evaluation's own batch beside them. Measured (``gridsweep.systems._memory``);
    # those of the largest cell for a network that says nothing.
    held_in_training: ClassVar[float] = 26.6
    held_in_looking: ClassVar[float] = 9.3
    held_of_batch: ClassVar[float] = 2.1

    units: int = per_cohort(1024, unit="units", meaning="recurrent (hidden) units", at_least=1, at_most=65536)
    activation: str = per_cohort("relu", choices=tuple(ACTIVATIONS), meaning="nonlinearity of the units")
    initializer: str = per_cohort(
        USUAL_INITIALIZER,
        choices=tuple(INITIALIZERS),
        meaning="how recurrent weights are drawn, in the keras family",
    )
    initializer_family: str = per_cohort(
        "keras", choices=("keras", "torch", "sonnet"), meaning="whose habits the other weights are drawn by"
    )

    @property
    def scored_units(self) -> int:
        """How many units ``Circuit.activity`` is of: the recurrent ones, or as many in a layer after them."""
        return self.units

    @abstractmethod
    def circuit(self, ports: Ports, rngs: nnx.Rngs) -> Circuit:
        """Returns the module with freshly drawn weights."""

    def inputs(self, walk: Walk) -> Float[Array, "steps channels"]:
        """Returns what the network is told at each step of a walk: its displacement in m, (x, y)."""
        return walk.displacement_m

    def held_numbers(self) -> Held:
        """Returns how many numbers for each step and walk are held at once."""
        of_a_unit = (self.held_in_training, self.held_in_looking, self.held_of_batch)
        return Held(*(number * self.units for number in of_a_unit))

    def drops(self) -> bool:
        """Whether a rate of dropout is above zero; of settings, not of traced leaves."""
        return False

    def without_dropout(self) -> Self:
        """Returns the same network with all rates of dropout at zero."""
        return self

    def without_decay(self) -> Self:
        """Returns the same network without a say in what weight decay penalises."""
        return self

    def draw_noise(self, key: PRNGKeyArray, steps: int, walks: int) -> Noise:
        """Returns what is random in a batch of training walks; asked for only where something is."""
        del key, steps, walks
        return Noise()

    @abstractmethod
    def multiplications_per_step(self, outputs: int) -> int:
        """Returns the multiplications of one forward time step of one walk, encoder excluded."""

    def canonical(self) -> Self:
        """Leaves out ``initializer`` where other habits than Keras' leave nothing to it."""
        if self.initializer_family == "keras":
            return self
        return dataclasses.replace(self, initializer=USUAL_INITIALIZER)

    def init(self, key: PRNGKeyArray, ports: Ports | int) -> Weights:
        """Returns freshly drawn weights."""
        return nnx.to_pure_dict(nnx.state(self.circuit(as_ports(ports), nnx.Rngs(key)), nnx.Param))

    def readout_weights(self) -> tuple[str, ...]:
        """Returns the weights that ``Circuit.readout`` uses, by their first name."""
        return ("decoder",)

    def bind_readout(self, weights: Weights, ports: Ports | int) -> Circuit:
        """Returns a module that can only report: it has the weights of ``readout_weights`` alone."""
        shapes = jax.eval_shape(lambda: self.init(jax.random.key(0), ports))
        nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
        return self.bind(nothing | weights, ports)

    def bind(self, weights: Weights, ports: Ports | int) -> Circuit:
        """Returns the module that has these weights."""
        shape_only = nnx.eval_shape(lambda: self.circuit(as_ports(ports), nnx.Rngs(0)))
        graph, state = nnx.split(shape_only, nnx.Param)
        nnx.replace_by_pure_dict(state, weights)
        circuit = nnx.merge(graph, state)
        circuit.take_settings(self)
        return circuit


def as_ports(ports: Ports | int) -> Ports:
    """Returns the ports of a network; a number stands for one block of so many, told and reported alike."""
    return Ports((ports,), (ports,)) if isinstance(ports, int) else ports


def square_norm(*tensors: Float[Array, "..."]) -> Float[Array, ""]:
    """Returns the sum of squares of all entries."""
    return sum((jnp.sum(tensor**2) for tensor in tensors), start=jnp.float32(0.0))
