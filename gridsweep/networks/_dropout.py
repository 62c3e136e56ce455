"""Dropout around a recurrent cell, as Keras declares it: on what the cell is given, and on h in h W.

One mask a walk, the same at all of its steps (Gal & Ghahramani 2016), scaled by 1 / (1 - rate) so that the
mean stays. The published programs declared these rates and never acted on them (spec f.2):
``training.dropout: inactive`` does as they did. Acting rates are leaves, so lanes of one program differ in
them. Keras' GRU also carries the masked h on, which lets it grow by 1 / (1 - rate) a step; here the mask is
in the product alone.
"""

import dataclasses
from typing import NamedTuple, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.kinds import Scalar, kind, per_lane
from gridsweep.networks._base import Network, Noise


class CellDropout(NamedTuple):
    """What input and h are multiplied by; None: nothing is dropped."""

    input: Float[Array, "*walks channels"] | None = None
    recurrent: Float[Array, "*walks units"] | None = None


@kind
class DropoutNetwork(Network):
    """A network whose cell can drop inputs and recurrent units while it trains."""

    input_dropout: Scalar = per_lane(
        0.0, meaning="share of the cell's inputs dropped in training", at_least=0.0, at_most=0.99
    )
    recurrent_dropout: Scalar = per_lane(
        0.0, meaning="share of h dropped in the recurrent product in training", at_least=0.0, at_most=0.99
    )

    @property
    def cell_inputs(self) -> int:
        """How many numbers the cell is given at a step."""
        return self.units

    def drops(self) -> bool:
        """Whether any rate is above zero; of settings, not of traced leaves."""
        return bool(self.input_dropout or self.recurrent_dropout)

    def without_dropout(self) -> Self:
        """Returns the same network with rates of zero."""
        return dataclasses.replace(self, input_dropout=0.0, recurrent_dropout=0.0)

    def draw_noise(self, key: PRNGKeyArray, steps: int, walks: int) -> Noise:
        """Returns the masks of a batch of walks."""
        del steps
        for_input, for_recurrent = jax.random.split(key)
        return Noise(
            cell=CellDropout(
                input=dropout_mask(for_input, self.input_dropout, (walks, self.cell_inputs)),
                recurrent=dropout_mask(for_recurrent, self.recurrent_dropout, (walks, self.units)),
            )
        )


def dropout_mask(key: PRNGKeyArray, rate: Scalar, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Returns 0 with probability ``rate`` and 1 / (1 - rate) otherwise, independently."""
    kept = jax.random.uniform(key, shape) >= rate
    return jnp.where(kept, 1.0 / (1.0 - rate), 0.0)


def dropped(
    x: Float[Array, "steps *walks channels"], mask: Float[Array, "*walks channels"] | None
) -> Float[Array, "steps *walks channels"]:
    """Returns x with the same entries dropped at every step."""
    return x if mask is None else x * mask[None]
