"""Shallow reconstruction: hidden maps that explain a target, with no walk, no velocity and no recurrence.

A place x has the target's activity P(x); hidden units G(x) must let a linear readout W give it back. Three
ways of finding them:

* ``svd``: the first left singular vectors of P (places x cells), the best there are without a constraint;
* ``nmf``: both factors non-negative, by multiplicative updates (Lee and Seung 2001) of |P - G W|^2: first
  G <- G * (P W^T) / (G W W^T), then W <- W * (G^T P) / (G^T G W), which never go uphill;
* ``autoencoder``: G(x) = phi((P(x) - <P>) A + b), trained by gradient descent at places drawn uniformly.
  Taking each cell's mean over places from the input changes what the bias means and nothing else, and keeps
  rectified units from being switched off by the first updates: a target may be level but for a percent.

If lattices come of this, they come of the target and the constraint, not of path integration. Reported are
the maps, the error of the own readout (``loss``; of mean squares it is a share, since activity is taken in
units of its root mean square) and of the best linear readout of the maps (``reconstruction_error``).

Source: spec 3.6: the "1-layer neural network" of Sorscher et al. 2023 is ``svd`` and ``nmf`` with 9 units.
The settings of the published autoencoders are not known; those here are our own.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from gridsweep.arena import Arena
from gridsweep.kinds import Problem, Scalar, discover, kind, part, per_cohort, per_lane
from gridsweep.losses import Loss
from gridsweep.optimizers import Optimizer
from gridsweep.optimizers.adam import Adam
from gridsweep.systems._base import Keys, Observation, State, System
from gridsweep.systems._descent import descend, fresh_state
from gridsweep.systems._lattice import ACTIVATIONS, explained, lattice_m, report
from gridsweep.targets import Target
from gridsweep.targets._base import Cells
from gridsweep.trajectories import standing_at

METRES_TO_CM = 100.0
LEAST_DIVISOR = 1e-12  # of a multiplicative update, where a whole row or column has vanished

Weights = dict[str, Float[Array, "..."]]


class Population(NamedTuple):
    """A target's cells, and how active they are over the whole lattice of places."""

    cells: Cells
    unit: Float[Array, ""]  # root mean square over places and cells, in which activity is measured
    mean: Float[Array, " outputs"]  # of each cell over places, in that unit


@kind
class ShallowReconstruction(System):
    """Hidden maps and a linear readout that together give back a target's activity."""

    streams: ClassVar[tuple[str, ...]] = ("centre", "init", "trajectory")

    method: str = per_cohort(
        "autoencoder",
        choices=("autoencoder", "nmf", "svd"),
        meaning="how maps are found: see the header",
    )
    arena: Arena = part(default="box", meaning="where the places are")
    target: Target = part(default="gaussian", meaning="whose activity is reconstructed")
    loss: Loss = part(default="cross_entropy", meaning="of the reconstruction; mse with svd and nmf")
    optimizer: Optimizer = part(default="adam", meaning="how an autoencoder's weights follow gradients")
    units: int = per_cohort(9, unit="units", meaning="number of hidden units", at_least=1, at_most=65_536)
    points: int = per_cohort(
        44, unit="points", meaning="points of the lattice of places along a side", at_least=8, at_most=512
    )
    activation: str = per_cohort(
        "relu", choices=("relu", "tanh", "linear"), meaning="nonlinearity of an autoencoder's units"
    )
    learning_rate: Scalar = per_lane(1e-3, meaning="step size of the optimizer", above=0.0, at_most=1e3)
    weight_decay: Scalar = per_lane(
        0.0,
        meaning="coefficient of the sum of squares of an autoencoder's two matrices",
        at_least=0.0,
        at_most=1e6,
    )
    batch_size: int = per_cohort(
        200, unit="positions", meaning="places in a batch of an autoencoder", at_least=1, at_most=1_000_000
    )
    updates: int = per_cohort(
        5_000,
        unit="updates",
        meaning="updates of the optimizer, or of both factors; none with svd",
        at_least=1,
        at_most=1_000_000_000,
    )

    @classmethod
    def complete(cls, settings: dict[str, Any]) -> dict[str, Any]:
        """Gives a run without a loss mean squares, or with an autoencoder the usual one of its target."""
        root, loss = settings.get("system", {}), settings.get("loss", {})
        if not isinstance(loss, Mapping) or "kind" in loss:
            return settings
        said = settings.get("target")
        name = said.get("kind") if isinstance(said, Mapping) else None
        target = discover(Target.package, Target).get(name if isinstance(name, str) else "gaussian")
        usual = (
            "mse"
            if root.get("method", "autoencoder") != "autoencoder" or target is None
            else target.usual_loss
        )
        return settings | {"loss": {"kind": usual, **loss}}

    def problems(self) -> list[Problem]:
        """What a method or a loss cannot work with, and what does not fit the arena."""
        found = self.target.problems_in(self.arena)
        target = f"a target ({self.target.kind_name()}) whose activity is no distribution"
        if self.loss.needs_distribution and not self.target.is_distribution:
            found.append(Problem("loss.kind", f"{self.loss.kind_name()} with {target}", "mse"))
        if self.method != "autoencoder" and self.loss.kind_name() != "mse":
            found.append(Problem("loss.kind", f"{self.loss.kind_name()} with method {self.method}", "mse"))
        if self.method == "nmf" and not self.target.is_distribution:
            found.append(
                Problem("method", f"nmf with {target}", "a target of non-negative activity that sums to one")
            )
        most = min(self.points**2, self.target.outputs)
        if self.method == "svd" and self.units > most:
            found.append(
                Problem("units", f"{self.units} singular vectors", f"at most {most}: cells, or places")
            )
        return found

    @property
    def scored_units(self) -> int:
        """The hidden units."""
        return self.units

    @property
    def total_updates(self) -> int:
        """The updates; a singular value decomposition needs none."""
        return 0 if self.method == "svd" else self.updates

    def canonical(self) -> Self:
        """Leaves out what a method makes no use of."""
        normal = super().canonical()
        if self.method == "autoencoder":
            return normal
        without: dict[str, Any] = {
            name: type(self).defaults()[name]
            for name in ("activation", "learning_rate", "weight_decay", "batch_size")
        }
        without |= {"optimizer": Adam(**Adam.defaults()), "trajectory_seed": 0}
        if self.method == "svd":
            without |= {"updates": type(self).defaults()["updates"], "init_seed": 0}
        return dataclasses.replace(normal, **without)

    def operations_per_update(self) -> float:
        """Returns the products of both factors with all places, or of a batch forward and backward."""
        if self.method == "svd":
            return 0.0
        product = 2.0 * self.units * self.target.outputs
        return product * (6 * self.batch_size if self.method == "autoencoder" else 2 * self.points**2)

    def init(self, keys: Keys) -> State:
        """Returns fresh weights or factors; with svd the result."""
        if self.method == "autoencoder":
            draw = jax.nn.initializers.glorot_uniform()
            into, out = jax.random.split(keys.weights)
            weights = {
                "encoder": draw(into, (self.target.outputs, self.units)),
                "bias": jnp.zeros(self.units),
                "readout": draw(out, (self.units, self.target.outputs)),
            }
            return fresh_state(weights, self._rule())
        activity = self._activity_of_places(keys)
        if self.method == "svd":
            left, values, right = jnp.linalg.svd(activity, full_matrices=False)
            hidden, readout = left[:, : self.units], values[: self.units, None] * right[: self.units]
        else:
            size = jnp.sqrt(jnp.mean(activity) / self.units)
            of_hidden, of_readout = jax.random.split(keys.weights)
            hidden = size * jnp.abs(jax.random.normal(of_hidden, (len(activity), self.units)))
            readout = size * jnp.abs(jax.random.normal(of_readout, (self.units, activity.shape[1])))
        weights = {"hidden": hidden, "readout": readout}
        return State(weights, (), jnp.int32(0), jnp.int32(-1), jnp.bool_(True))

    def advance(self, state: State, keys: Keys, updates: Int[Array, ""]) -> State:
        """Returns the lane more updates later."""
        if self.method == "svd":
            return state
        if self.method == "nmf":
            activity = self._activity_of_places(keys)
            return jax.lax.fori_loop(0, updates, lambda _, state: _multiply(state, activity), state)
        population = self._population(self.target.draw(keys.centres, self.arena))

        def update(_, state: State) -> State:
            position_m = self._training_places(keys, state.update)
            return descend(
                state, lambda weights: self._objective(weights, population, position_m), self._rule()
            )

        with jax.default_matmul_precision("highest"):
            return jax.lax.fori_loop(0, updates, update, state)

    def metrics(self, state: State, keys: Keys) -> dict[str, Float[Array, ""]]:
        """Returns loss and position error: on the places of the next batch, or with nmf on all."""
        places_m = self._places_m()
        if self.method == "autoencoder":
            places_m = self._training_places(keys, state.update)
        with jax.default_matmul_precision("highest"):
            seen = self._look(state.weights, keys, places_m)
            return {name: seen[name] for name in ("loss", "penalty", "position_error_cm")}

    def observe(self, state: State, keys: Keys) -> Observation:
        """Returns the hidden maps on the lattice of places, and how well they reconstruct."""
        with jax.default_matmul_precision("highest"):
            seen = self._look(state.weights, keys, self._places_m())
            hidden, activity = seen.pop("hidden"), seen.pop("activity")
            within = hidden.T @ activity
            best = explained(hidden.T @ hidden, within @ within.T) / jnp.sum(activity**2)
        maps = hidden.T.reshape(self.units, self.points, self.points)
        return report(self.evaluation, maps, seen | {"reconstruction_error": 1 - best})

    def _rule(self):
        return self.optimizer.transformation(self.learning_rate)

    def _places_m(self) -> Float[Array, "places 2"]:
        return lattice_m(self.arena.side_m, self.points)

    def _training_places(self, keys: Keys, update: Int[Array, ""]) -> Float[Array, "batch 2"]:
        return self.arena.sample_positions(jax.random.fold_in(keys.trajectories, update), self.batch_size)

    def _encode(self, cells: Cells, position_m: Float[Array, "places 2"]) -> Float[Array, "places outputs"]:
        return self.target.encode(self.arena, cells, standing_at(position_m))

    def _population(self, cells: Cells) -> Population:
        activity = self._encode(cells, self._places_m())
        unit = jnp.sqrt(jnp.mean(activity**2))
        return Population(cells, unit, jnp.mean(activity, axis=0) / unit)

    def _activity_of_places(self, keys: Keys) -> Float[Array, "places outputs"]:
        activity = self._encode(self.target.draw(keys.centres, self.arena), self._places_m())
        return activity / jnp.sqrt(jnp.mean(activity**2))

    def _hidden(self, weights: Weights, activity: Float[Array, "places outputs"], population: Population):
        if self.method != "autoencoder":
            return weights["hidden"]
        centred = activity - population.mean[None]
        return ACTIVATIONS[self.activation](centred @ weights["encoder"] + weights["bias"][None])

    def _wanted(self, activity: Float[Array, "places outputs"], population: Population):
        """Returns what the readout should give: a distribution as it is, or activity in its own units."""
        return activity * population.unit if self.loss.needs_distribution else activity

    def _penalty(self, weights: Weights) -> Float[Array, ""]:
        if self.method != "autoencoder":
            return jnp.zeros(())
        return self.weight_decay * (jnp.sum(weights["encoder"] ** 2) + jnp.sum(weights["readout"] ** 2))

    def _objective(
        self, weights: Weights, population: Population, position_m: Float[Array, "batch 2"]
    ) -> Float[Array, ""]:
        activity = self._encode(population.cells, position_m) / population.unit
        output = self._hidden(weights, activity, population) @ weights["readout"]
        loss = jnp.mean(self.loss.per_step(output, self._wanted(activity, population)))
        return loss + self._penalty(weights)

    def _look(
        self, weights: Weights, keys: Keys, position_m: Float[Array, "places 2"]
    ) -> dict[str, Float[Array, "..."]]:
        """Returns hidden and wanted activity, and the errors, at places."""
        population = self._population(self.target.draw(keys.centres, self.arena))
        activity = self._encode(population.cells, position_m) / population.unit
        hidden = self._hidden(weights, activity, population)
        output = hidden @ weights["readout"]
        wanted = self._wanted(activity, population)
        return {
            "hidden": hidden,
            "activity": activity,
            "loss": jnp.mean(self.loss.per_step(output, wanted)),
            "loss_floor": jnp.mean(self.loss.floor(wanted)),
            "penalty": self._penalty(weights),
            "position_error_cm": self._error_cm(population, output, position_m),
            "position_error_floor_cm": self._error_cm(population, activity, position_m),
        }

    def _error_cm(
        self,
        population: Population,
        output: Float[Array, "places outputs"],
        position_m: Float[Array, "places 2"],
    ) -> Float[Array, ""]:
        decoded_m = self.target.decode(self.arena, population.cells, output * population.unit)
        offset_m = self.arena.offset_m(decoded_m, position_m)
        return METRES_TO_CM * jnp.mean(jnp.linalg.norm(offset_m, axis=-1))


def _multiply(state: State, activity: Float[Array, "places outputs"]) -> State:
    """Returns both factors one multiplicative update later; hidden first, as scikit-learn does."""
    hidden, readout = state.weights["hidden"], state.weights["readout"]
    with jax.default_matmul_precision("highest"):
        hidden = hidden * (activity @ readout.T) / jnp.maximum(hidden @ (readout @ readout.T), LEAST_DIVISOR)
        readout = readout * (hidden.T @ activity) / jnp.maximum((hidden.T @ hidden) @ readout, LEAST_DIVISOR)
    factors = {"hidden": hidden, "readout": readout}
    alive = state.alive & jnp.all(jnp.isfinite(hidden)) & jnp.all(jnp.isfinite(readout))
    weights = jax.tree.map(lambda new, old: jnp.where(alive, new, old), factors, state.weights)
    died = jnp.where(state.alive & ~alive, state.update, state.diverged_update)
    return State(weights, (), state.update + 1, died, alive)
