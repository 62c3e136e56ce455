"""How a network is trained: the optimizer, its rate, the penalty, the batch and how long."""

import dataclasses
from collections.abc import Collection
from typing import Self

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int, Key, PRNGKeyArray

from gridsweep.kinds import Kind, Problem, Scalar, kind, part, per_cohort, per_lane
from gridsweep.networks._base import Weights
from gridsweep.networks._products import PRECISIONS
from gridsweep.optimizers import Optimizer


@kind
class Training(Kind):
    """Settings of gradient training. Published values: spec d.3."""

    family = "training"

    optimizer: Optimizer = part(default="adam", meaning="how weights follow gradients")
    learning_rate: Scalar = per_lane(1e-4, meaning="step size of the optimizer", above=0.0, at_most=1e3)
    weight_decay: Scalar = per_lane(
        1e-4, meaning="coefficient of the sum of squares of the penalised tensor", at_least=0.0, at_most=1e6
    )
    batch_size: int = per_cohort(200, unit="walks", meaning="walks in a batch", at_least=1, at_most=1_000_000)
    steps: int = per_cohort(20, unit="steps", meaning="time steps of a walk", at_least=1, at_most=100_000)
    updates: int = per_cohort(
        200_000, unit="updates", meaning="optimizer updates", at_least=1, at_most=1_000_000_000
    )
    fixed_walks: int = per_cohort(
        0,
        unit="walks",
        meaning="walks drawn once and reshuffled each epoch; 0: fresh ones each update",
        at_least=0,
        at_most=100_000_000,
        before=0,
    )
    precision: str = per_cohort("float32", choices=PRECISIONS, meaning="of the matrix products in training")
    dropout: str = per_cohort(
        "inactive",
        choices=("inactive", "active"),
        meaning="whether the network's rates of dropout act; inactive as published. Active when one is given",
    )
    clipping: str = per_cohort(
        "none",
        choices=("none", "global_norm", "element_wise"),
        meaning="what is kept below clip_at: nothing, the norm of all clipped gradients, or each entry",
    )
    clipped: str = per_cohort("all", choices=("all", "readout"), meaning="the gradients of which weights")
    clip_at: Scalar = per_lane(1.0, meaning="largest norm, or entry, of a clipped gradient", above=0.0)

    def problems(self) -> list[Problem]:
        """A fixed set of walks fills at least one batch."""
        if not self.fixed_walks or self.fixed_walks >= self.batch_size:
            return []
        found, expected = (
            f"{self.fixed_walks} with a batch_size of {self.batch_size}",
            "0, or at least as many",
        )
        return [Problem("fixed_walks", found, expected)]

    def walk_keys(self, key: PRNGKeyArray, update: Int[Array, ""]) -> Key[Array, " walks"]:
        """Returns the key of each walk that an update trains on.

        Walk n of a fixed set is drawn from its own key, so the set is never stored. An epoch goes through a
        permutation of the set; what does not fill a batch is left out of it.
        """
        if not self.fixed_walks:
            return jax.random.split(jax.random.fold_in(key, update), self.batch_size)
        for_walks, for_order = jax.random.split(key)
        epoch, batch = jnp.divmod(update, self.fixed_walks // self.batch_size)
        order = jax.random.permutation(jax.random.fold_in(for_order, epoch), self.fixed_walks)
        numbers = jax.lax.dynamic_slice(order, (batch * self.batch_size,), (self.batch_size,))
        return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(for_walks, numbers)

    def canonical(self) -> Self:
        """Leaves out the settings of a clipping that there is not."""
        if self.clipping != "none":
            return self
        return dataclasses.replace(self, clipped="all", clip_at=1.0)

    def clip(self, gradient: Weights, readout: Collection[str]) -> Weights:
        """Returns the gradient of one lane, clipped as said.

        Args:
            gradient: of the loss, by name of the weight.
            readout: the names of the weights of the readout.
        """
        if self.clipping == "none":
            return gradient
        some = {name: leaf for name, leaf in gradient.items() if self.clipped == "all" or name in readout}
        if self.clipping == "element_wise":
            changed = jax.tree.map(lambda leaf: jnp.clip(leaf, -self.clip_at, self.clip_at), some)
        else:
            norm = optax.tree.norm(some)
            scale = jnp.where(norm > self.clip_at, self.clip_at / norm, 1.0)
            changed = jax.tree.map(lambda leaf: leaf * scale, some)
        return gradient | changed
