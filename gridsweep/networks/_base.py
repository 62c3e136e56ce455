"""What a network is: a recurrent circuit that is told where it starts and how it moves.

A network is declared as a kind and built as a Flax NNX module. Its weights travel as a plain nested
dictionary of arrays, so that they are one lane of a stacked tree like everything else: ``bind`` turns
them back into the module inside a traced function, at no cost at run time.
"""

import dataclasses
from abc import abstractmethod
from typing import Any, Self

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.kinds import Kind, kind, per_cohort

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


class Circuit(nnx.Module):
    """A network with its weights: activity of the scored units along a walk, and what it reports."""

    def activity(
        self, start: Float[Array, " outputs"], displacement_m: Float[Array, "steps 2"]
    ) -> Float[Array, "steps units"]:
        """Returns the activity of the scored units after each step of one walk."""
        raise NotImplementedError

    def readout(self, activity: Float[Array, "steps units"]) -> Float[Array, "steps outputs"]:
        """Returns the report, a linear map of the scored units."""
        raise NotImplementedError

    def decayed(self) -> Float[Array, "..."]:
        """Returns the tensor that weight decay penalises (spec c: the recurrent kernel)."""
        raise NotImplementedError


@kind
class Network(Kind):
    """A recurrent architecture."""

    package = "gridsweep.networks"
    family = "network"

    units: int = per_cohort(1024, unit="units", meaning="recurrent (hidden) units", at_least=1, at_most=65536)
    activation: str = per_cohort("relu", choices=tuple(ACTIVATIONS), meaning="nonlinearity of the units")
    initializer: str = per_cohort(
        USUAL_INITIALIZER,
        choices=tuple(INITIALIZERS),
        meaning="how recurrent weights are drawn, in the keras family",
    )
    initializer_family: str = per_cohort(
        "keras", choices=("keras", "torch"), meaning="whose habits the other weights are drawn by"
    )

    @abstractmethod
    def circuit(self, outputs: int, rngs: nnx.Rngs) -> Circuit:
        """Returns the module with freshly drawn weights, reporting ``outputs`` numbers."""

    @abstractmethod
    def multiplications_per_step(self, outputs: int) -> int:
        """Returns the multiplications of one forward time step of one walk, encoder excluded."""

    def canonical(self) -> Self:
        """Leaves out ``initializer`` where PyTorch's habits leave nothing to it."""
        if self.initializer_family == "keras":
            return self
        return dataclasses.replace(self, initializer=USUAL_INITIALIZER)

    def init(self, key: PRNGKeyArray, outputs: int) -> Weights:
        """Returns freshly drawn weights."""
        return nnx.to_pure_dict(nnx.state(self.circuit(outputs, nnx.Rngs(key)), nnx.Param))

    def bind(self, weights: Weights, outputs: int) -> Circuit:
        """Returns the module that has these weights."""
        shape_only = nnx.eval_shape(lambda: self.circuit(outputs, nnx.Rngs(0)))
        graph, state = nnx.split(shape_only, nnx.Param)
        nnx.replace_by_pure_dict(state, weights)
        return nnx.merge(graph, state)
