"""A free code for places whose distances are asked to grow alike in every direction: conformal isometry.

No network maps places to rates: the rates v(x) at the points of a lattice are the weights, interpolated in
between. They are trained so that a recurrent step carries v(x) to v(x + dx), so that a decoder u reads off a
Gaussian kernel of distance, and so that a move changes the code by as much in one direction as in another.
The published claim (Fig. 7 of the comparison): with the last term the maps are hexagonal; with the Gaussian
kernel alone, which is a Gaussian place-cell target, they are not.

Two forms. ``recurrent``: Xu et al. 2022, 150 modules of 12 units, a transition term through decoded maps of
ten steps, isometry as equal inner products. ``light``: Xu et al. 2025, one module of 24 units, one step, no
target at all, isometry as a distance proportional to the move. Each has its own published defaults. How a
move enters the step of the light form is not said by our source: it multiplies the rates here, which orders
the lattice within two thousand updates; added to them, as in the recurrent form, it did not.

What an update is trained on is drawn in ``_isometry_batch.py``, the terms are in ``_isometry_losses.py``, and
reading and projecting the table is ``_rate_table.py``.

Source: spec other_systems 5. Means stand where the sources sum over a batch, so that the batch size may be
changed: a published weight w of a sum over n pairs is n * w here. Left out: the radii of the recurrent form
adapting to each module's scale between updates 10,000 and 20,000, of which no rule is published.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from gridsweep.kinds import Problem, Scalar, kind, part, per_cohort, per_lane
from gridsweep.maps.area_mean import area_mean
from gridsweep.systems._base import Keys, Observation, State, System
from gridsweep.systems._descent import clipped, descend, fresh_state
from gridsweep.systems._isometry_batch import (
    Batch,
    isometry_moves,
    kernel_pairs,
    single_moves,
    whole_walks,
)
from gridsweep.systems._isometry_losses import (
    GaussianKernel,
    decoded_walk_error,
    distance_error,
    inner_product_error,
    kernel_error,
    step_error,
)
from gridsweep.systems._rate_table import unit_and_positive
from gridsweep.systems._training import Training
from gridsweep.targets._base import too_wide

INITIAL_SPREAD = 1e-3  # standard deviation of v and u, half-width of the recurrent weights (spec 5.1)

# What the recurrent form has where it differs from the fields' defaults, which are the light form's.
RECURRENT = {
    "units": 1800,
    "modules": 150,
    "coupling": "additive",
    "kernel_weight": 31_500.0,  # 1.05 * 30,000
    "transition_weight": 0.1,
    "isometry_weight": 50.0,  # 0.005 over 10,000 pairs
    "isometry_reach_points": 15.0,
    "gradient_norm_limit": 10.0,
    "warm_up_updates": 2_000.0,
    "decline_updates": 10_000.0,
    "final_rate_fraction": 0.05,
}
TRAINING = {
    "light": {"learning_rate": 6e-3, "weight_decay": 0.0, "batch_size": 4_000, "updates": 20_000},
    "recurrent": {"learning_rate": 6e-3, "weight_decay": 0.2, "batch_size": 10_000, "updates": 100_000},
}
STEPS = 10  # of a walk of the recurrent form
TORCH_ADAM = {"kind": "adam", "form": "torch"}

Weights = dict[str, Float[Array, "..."]]


@kind
class ConformalIsometry(System):
    """A code for the places of a square, trained as a table of rates."""

    streams: ClassVar[tuple[str, ...]] = ("init", "trajectory")

    training: Training = part(meaning="optimizer, batch and length; the penalty is on the decoder")
    form: str = per_cohort(
        "light",
        choices=("light", "recurrent"),
        meaning="light: one step, distances (2025); recurrent: ten decoded steps, inner products (2022)",
    )
    units: int = per_cohort(24, unit="units", meaning="units of the code", at_least=1, at_most=1_000_000)
    modules: int = per_cohort(
        1, unit="modules", meaning="equal parts of the code, each of constant norm", at_least=1
    )
    coupling: str = per_cohort(
        "multiplicative",
        choices=("additive", "multiplicative"),
        meaning="how a move enters a step: ReLU(v A + B dx + b), or ReLU(v (A + dx C) + b)",
    )
    points: int = per_cohort(
        40, unit="points", meaning="points of the lattice along a side", at_least=8, at_most=256
    )
    side_m: Scalar = per_lane(1.0, unit="m", meaning="side of the square", above=0.0, at_most=1000.0)
    kernel_width_m: Scalar = per_lane(
        0.07, unit="m", meaning="standard deviation of the Gaussian kernel of distance", above=0.0
    )
    kernel_weight: Scalar = per_lane(0.0, meaning="of the mean square error of the kernel", at_least=0.0)
    transition_weight: Scalar = per_lane(30_000.0, meaning="of the error of a step", at_least=0.0)
    transition_reach_points: int = per_cohort(
        3, unit="points", meaning="the longest step", at_least=1, at_most=6
    )
    walks: int = per_cohort(100, unit="walks", meaning="walks in a batch of the recurrent form", at_least=1)
    isometry_weight: Scalar = per_lane(
        40_000.0, meaning="of the mean square deviation from isometry", at_least=0.0
    )
    isometry_reach_points: Scalar = per_lane(
        5.0, unit="points", meaning="the longest move that isometry is asked of", above=0.0, at_most=256.0
    )
    isometry_slope_per_m: Scalar = per_lane(
        10.0, unit="1/m", meaning="distance in the code over distance in space, light form", above=0.0
    )
    gradient_norm_limit: Scalar = per_lane(
        1e9, meaning="the gradient of an update is shortened to this", above=0.0
    )
    warm_up_updates: Scalar = per_lane(
        0.0, unit="updates", meaning="the rate rises to learning_rate for so long", at_least=0.0
    )
    decline_updates: Scalar = per_lane(
        0.0, unit="updates", meaning="then falls until this update, and stays", at_least=0.0
    )
    final_rate_fraction: Scalar = per_lane(
        1.0, meaning="what is left of learning_rate then", above=0.0, at_most=1.0
    )
    penalty_updates: Scalar = per_lane(
        15_000.0, unit="updates", meaning="the penalty fades to nothing over so long", above=0.0
    )

    @classmethod
    def complete(cls, settings: dict[str, Any]) -> dict[str, Any]:
        """Gives each form its published settings where none are given."""
        own, training = settings.get("system", {}), settings.get("training") or {}
        form = own.get("form", "light") if isinstance(own, Mapping) else "light"
        if form not in TRAINING or not isinstance(own, Mapping) or not isinstance(training, Mapping):
            return settings  # the checks that follow say what is wrong
        defaults = RECURRENT if form == "recurrent" else {}
        usual = {"optimizer": TORCH_ADAM, "steps": STEPS} | TRAINING[form]
        return settings | {"system": defaults | dict(own), "training": usual | dict(training)}

    def problems(self) -> list[Problem]:
        """Modules are of one size; a pair of moves and the kernel fit into the square."""
        found = too_wide("system.kernel_width_m", self.kernel_width_m, self.side_m, "system.side_m")
        if self.units % self.modules:
            expected = f"a multiple of system.modules ({self.modules})"
            found.append(Problem("units", str(self.units), expected))
        if self.isometry_reach_points > self.points / 2:
            expected = f"at most half of system.points ({self.points})"
            found.append(Problem("isometry_reach_points", f"{self.isometry_reach_points:g}", expected))
        return found

    def canonical(self) -> Self:
        """Leaves out what the form does not use."""
        root = super().canonical()
        if root.form == "recurrent":
            return dataclasses.replace(root, isometry_slope_per_m=10.0)
        training = root.training and dataclasses.replace(root.training, steps=STEPS)
        return dataclasses.replace(root, walks=100, training=training)

    @property
    def scored_units(self) -> int:
        """All units of the code."""
        return self.units

    @property
    def total_updates(self) -> int:
        """The updates of training."""
        return self.training.updates

    def operations_per_update(self) -> float:
        """Returns forward plus backward (twice the forward); 2 a multiplication."""
        pairs, per_module = self.training.batch_size, self.units // self.modules
        looked_up = 6 * 4 * pairs * self.units
        if self.form == "light":
            return 6.0 * (looked_up + pairs * self.units * per_module)
        steps = self.walks * self.training.steps
        return 6.0 * (looked_up + steps * self.units * (per_module + self.points**2))

    def init(self, keys: Keys) -> State:
        """Returns small random rates, brought to where rates may be, and a fresh optimizer."""
        keys_of = jax.random.split(keys.weights, 4)
        table, per_module = (self.points, self.points, self.units), self.units // self.modules

        def uniform(key, shape):
            return jax.random.uniform(key, shape, minval=-INITIAL_SPREAD, maxval=INITIAL_SPREAD)

        weights = {
            "rates": INITIAL_SPREAD * jax.random.normal(keys_of[0], table),
            "decoder": INITIAL_SPREAD * jax.random.normal(keys_of[1], table),
            "recurrent": uniform(keys_of[2], (self.modules, per_module, per_module)),
            "move": uniform(keys_of[3], self._move_shape()),
            "bias": jnp.zeros(()),
        }
        return fresh_state(self.project(weights), self._rule(jnp.int32(0)))

    def advance(self, state: State, keys: Keys, updates: Int[Array, ""]) -> State:
        """Returns the lane more updates later, each on fresh pairs and walks."""

        def update(_, state: State) -> State:
            batch = self.draw(jax.random.fold_in(keys.trajectories, state.update))
            objective = functools.partial(self._objective, batch=batch, update=state.update)
            return descend(state, objective, self._rule(state.update), project=self.project)

        with jax.default_matmul_precision("highest"):
            return jax.lax.fori_loop(0, updates, update, state)

    def metrics(self, state: State, keys: Keys) -> dict[str, Float[Array, ""]]:
        """Returns the objective and its terms on the batch that the next update trains on."""
        batch = self.draw(jax.random.fold_in(keys.trajectories, state.update))
        return self._measure(state, batch)

    def observe(self, state: State, keys: Keys) -> Observation:
        """Returns the rates over the area of each bin, and the terms on a batch of its own."""
        maps, visits, metrics = {}, {}, {}
        for evaluation in self.evaluation:
            name = evaluation.kind_name()
            for bins in evaluation.bins:
                maps[name, bins] = area_mean(jnp.moveaxis(state.weights["rates"], -1, 0), bins)
                visits[name, bins] = jnp.ones((bins, bins))
            metrics[name] = self._measure(state, self.draw(keys.evaluation))
        return Observation(maps, visits, metrics)

    def project(self, weights: Weights) -> Weights:
        """Returns the weights with rates that are not negative and modules of norm 1 / sqrt(modules)."""
        blocks = weights["rates"].reshape(*weights["rates"].shape[:-1], self.modules, -1)
        rates = unit_and_positive(blocks) / math.sqrt(self.modules)
        return weights | {
            "rates": rates.reshape(weights["rates"].shape),
            "bias": jnp.abs(weights["bias"]),
        }

    def draw(self, key: PRNGKeyArray) -> Batch:
        """Returns one batch of pairs, moves and walks."""
        points, pairs, reach = self.points, self.training.batch_size, self.transition_reach_points
        kernel_key, turn_key, isometry_key, length_key, walk_key = jax.random.split(key, 5)
        if self.form == "light":
            walks = single_moves(walk_key, points, pairs, reach)
        else:
            walks = whole_walks(walk_key, points, self.walks, self.training.steps, reach)
        return Batch(
            *kernel_pairs(kernel_key, turn_key, points, pairs),
            *isometry_moves(isometry_key, length_key, points, pairs, self.isometry_reach_points),
            *walks,
        )

    def step(self, weights: Weights, rates: Float[Array, "some units"], move: Float[Array, "some 2"]):
        """Returns the rates after one move, given in points; matrices act module by module."""
        blocks, move = rates.reshape(rates.shape[0], self.modules, -1), move / self.points
        turned = jnp.einsum("smi,mij->smj", blocks, weights["recurrent"])
        if self.coupling == "additive":
            turned = turned.reshape(rates.shape) + move @ weights["move"].T
        else:
            turned = turned + jnp.einsum("smi,sa,amij->smj", blocks, move, weights["move"])
        return jax.nn.relu(turned.reshape(rates.shape) + weights["bias"])

    def _move_shape(self) -> tuple[int, ...]:
        per_module = self.units // self.modules
        return (self.units, 2) if self.coupling == "additive" else (2, self.modules, per_module, per_module)

    def kernel_loss(self, weights: Weights, batch: Batch) -> Float[Array, ""]:
        """Returns the mean square error of <v(x), u(x')> against the Gaussian of their distance."""
        return kernel_error(weights["rates"], weights["decoder"], batch, self._kernel)

    def isometry_loss(self, weights: Weights, batch: Batch) -> Float[Array, ""]:
        """Returns the mean square deviation from isometry: of each distance, or between two directions."""
        if self.form == "light":
            return distance_error(weights["rates"], batch, self.isometry_slope_per_m, self._step_m)
        return inner_product_error(weights["rates"], batch, self.modules)

    def transition_loss(self, weights: Weights, batch: Batch) -> Float[Array, ""]:
        """Returns the error of moving: of one step's rates, or of the kernel decoded after each of ten."""
        step = functools.partial(self.step, weights)
        if self.form == "light":
            return step_error(weights["rates"], batch, step)
        return decoded_walk_error(weights["rates"], weights["decoder"], batch, step, self._kernel)

    def penalty(self, weights: Weights, update: Int[Array, ""]) -> Float[Array, ""]:
        """Returns the penalty on the decoder, which fades as training goes on."""
        fade = jnp.maximum(0.0, 1.0 - update / self.penalty_updates)
        return self.training.weight_decay * fade * jnp.sum(weights["decoder"] ** 2)

    def terms(self, weights: Weights, batch: Batch) -> dict[str, Float[Array, ""]]:
        """Returns the three terms without their weights."""
        return {
            "kernel_loss": self.kernel_loss(weights, batch),
            "transition_loss": self.transition_loss(weights, batch),
            "isometry_loss": self.isometry_loss(weights, batch),
        }

    def _objective(self, weights: Weights, batch: Batch, update: Int[Array, ""]) -> Float[Array, ""]:
        return self._total(self.terms(weights, batch)) + self.penalty(weights, update)

    def _total(self, terms: dict[str, Float[Array, ""]]) -> Float[Array, ""]:
        return (
            self.kernel_weight * terms["kernel_loss"]
            + self.transition_weight * terms["transition_loss"]
            + self.isometry_weight * terms["isometry_loss"]
        )

    def _measure(self, state: State, batch: Batch) -> dict[str, Float[Array, ""]]:
        with jax.default_matmul_precision("highest"):
            terms = self.terms(state.weights, batch)
            penalty = self.penalty(state.weights, state.update)
            return terms | {"loss": self._total(terms), "penalty": penalty}

    def _rule(self, update: Int[Array, ""]) -> optax.GradientTransformation:
        """Returns the optimizer at the rate of one update: a rise, a straight fall, then constant."""
        done = update.astype(jnp.float32)
        rise = jnp.minimum(1.0, (done + 1) / jnp.maximum(self.warm_up_updates, 1.0))
        fall = jnp.maximum(self.decline_updates - self.warm_up_updates, 1.0)
        fallen = jnp.clip((done - self.warm_up_updates) / fall, 0.0, 1.0)
        factor = rise * (1.0 - (1.0 - self.final_rate_fraction) * fallen)
        rule = self.training.optimizer.transformation(self.training.learning_rate * factor)
        return clipped(rule, self.gradient_norm_limit)

    @property
    def _step_m(self) -> Scalar:
        return self.side_m / self.points

    @property
    def _kernel(self) -> GaussianKernel:
        return GaussianKernel(self.kernel_width_m, self._step_m)
