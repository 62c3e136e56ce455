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

Source: spec other_systems 5. Means stand where the sources sum over a batch, so that the batch size may be
changed: a published weight w of a sum over n pairs is n * w here. Left out: the radii of the recurrent form
adapting to each module's scale between updates 10,000 and 20,000, of which no rule is published.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from gridsweep.kinds import Problem, Scalar, kind, part, per_cohort, per_lane
from gridsweep.maps.area_mean import area_mean
from gridsweep.systems._base import Keys, Observation, State, System
from gridsweep.systems._descent import clipped, descend, fresh_state
from gridsweep.systems._training import Training
from gridsweep.targets._base import too_wide

INITIAL_SPREAD = 1e-3  # standard deviation of v and u, half-width of the recurrent weights (spec 5.1)
KERNEL_PAIR_SPREAD = 0.48  # standard deviation of the distance of a pair, in sides (spec 5.1)
ISOMETRY_FALLOFF = 0.5  # a pair |delta| sides apart weighs 0.5 / (0.5 + |delta|^2) (spec 5.1)

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


class Batch(NamedTuple):
    """What one update is trained on. Places and moves are in points of the lattice."""

    kernel_from: Float[Array, "pairs 2"]
    kernel_to: Float[Array, "pairs 2"]
    isometry_from: Float[Array, "pairs 2"]
    isometry_moves: Float[Array, "pairs 2 2"]  # two moves of one length in two directions
    walk_start: Float[Array, "walks 2"]
    walk_moves: Float[Array, "walks steps 2"]


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
        pairs = self.training.batch_size
        kernel_key, turn_key, isometry_key, length_key, walk_key = jax.random.split(key, 5)
        length = jnp.abs(KERNEL_PAIR_SPREAD * self.points * jax.random.normal(turn_key, (pairs,)))
        kernel_from, kernel_to = self._pair(kernel_key, length)

        reach = self.isometry_reach_points * jnp.sqrt(jax.random.uniform(length_key, (pairs,)))
        first, second, place = jax.random.split(isometry_key, 3)
        moves = jnp.stack([reach[:, None] * directions(key, pairs) for key in (first, second)], axis=1)
        here = self._place(place, moves)

        start, moves_of_walks = self._walks(walk_key)
        return Batch(kernel_from, kernel_to, here, moves, start, moves_of_walks)

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
        rates = interpolate(weights["rates"], batch.kernel_from)
        read = jnp.sum(rates * interpolate(weights["decoder"], batch.kernel_to), axis=-1)
        return jnp.mean((read - self._kernel(batch.kernel_from - batch.kernel_to)) ** 2)

    def isometry_loss(self, weights: Weights, batch: Batch) -> Float[Array, ""]:
        """Returns the mean square deviation from isometry: of each distance, or between two directions."""
        here = interpolate(weights["rates"], batch.isometry_from)
        moves = batch.isometry_moves
        there = [interpolate(weights["rates"], batch.isometry_from + moves[:, which]) for which in (0, 1)]
        if self.form == "light":
            wanted = self.isometry_slope_per_m * self._in_m(jnp.linalg.norm(moves[:, 0], axis=-1))
            return jnp.mean((norm(there[0] - here) - wanted) ** 2)
        blocks = (len(here), self.modules, -1)
        product = [jnp.sum((here * rates).reshape(blocks), axis=-1) for rates in there]
        length2 = jnp.sum((moves[:, 0] / self.points) ** 2, axis=-1)
        weight = ISOMETRY_FALLOFF / (ISOMETRY_FALLOFF + length2)
        deviation = self.modules * (product[0] - product[1])
        return jnp.mean(jnp.sum(deviation**2, axis=-1) * weight)

    def transition_loss(self, weights: Weights, batch: Batch) -> Float[Array, ""]:
        """Returns the error of moving: of one step's rates, or of the kernel decoded after each of ten."""
        if self.form == "light":
            move = batch.walk_moves[:, 0]
            stepped = self.step(weights, interpolate(weights["rates"], batch.walk_start), move)
            wanted = interpolate(weights["rates"], batch.walk_start + move)
            return jnp.mean(jnp.sum((stepped - wanted) ** 2, axis=-1))
        grid = jnp.arange(self.points, dtype=jnp.float32)
        decoder = weights["decoder"].reshape(-1, self.units)

        def one_step(carry, move):
            rates, place = carry
            rates, place = self.step(weights, rates, move), place + move
            # The kernel of a place over all points is a product over the two axes.
            along = self._kernel_1d(place[:, :, None] - grid[None, None])
            kernel = along[:, 0, :, None] * along[:, 1, None, :]
            error = jnp.sum((rates @ decoder.T - kernel.reshape(len(kernel), -1)) ** 2, axis=-1)
            return (rates, place), jnp.mean(error)

        begin = (interpolate(weights["rates"], batch.walk_start), batch.walk_start)
        _, errors = jax.lax.scan(jax.checkpoint(one_step), begin, jnp.moveaxis(batch.walk_moves, 1, 0))
        return jnp.sum(errors)

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

    def _in_m(self, points: Float[Array, "..."]) -> Float[Array, "..."]:
        return points * (self.side_m / self.points)

    def _kernel_1d(self, offset: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.exp(-0.5 * (self._in_m(offset) / self.kernel_width_m) ** 2)

    def _kernel(self, offset: Float[Array, "some 2"]) -> Float[Array, " some"]:
        return jnp.prod(self._kernel_1d(offset), axis=-1)

    def _pair(self, key: PRNGKeyArray, length: Float[Array, " pairs"]):
        """Returns two places a length apart in a random direction, or as far as the square allows."""
        turn, place = jax.random.split(key)
        move = length[:, None] * directions(turn, len(length))
        move = jnp.clip(move, -(self.points - 1.0), self.points - 1.0)
        here = self._place(place, move[:, None])
        return here, here + move

    def _place(self, key: PRNGKeyArray, moves: Float[Array, "some moves 2"]) -> Float[Array, "some 2"]:
        """Returns places drawn uniformly from those where all moves stay on the lattice."""
        lowest = jnp.maximum(0.0, -jnp.min(moves, axis=1))
        highest = self.points - 1.0 - jnp.maximum(0.0, jnp.max(moves, axis=1))
        return lowest + (highest - lowest) * jax.random.uniform(key, lowest.shape)

    def _walks(self, key: PRNGKeyArray):
        """Returns starts and moves: one move anywhere for the light form, ten of whole points otherwise.

        A coordinate of a move that would leave the lattice is turned round.
        """
        start_key, move_key = jax.random.split(key)
        reach = self.transition_reach_points
        if self.form == "light":
            pairs = self.training.batch_size
            length = reach * jnp.sqrt(jax.random.uniform(start_key, (pairs,)))
            here, there = self._pair(move_key, length)
            return here, (there - here)[:, None]
        known = [(x, y) for x in range(-reach, reach + 1) for y in range(-reach, reach + 1)]
        known = jnp.array([move for move in known if move[0] ** 2 + move[1] ** 2 <= reach**2], jnp.float32)
        start = jax.random.randint(start_key, (self.walks, 2), 0, self.points).astype(jnp.float32)
        chosen = jax.random.randint(move_key, (self.training.steps, self.walks), 0, len(known))

        def turn_round(place, number):
            move = known[number]
            inside = (place + move >= 0) & (place + move <= self.points - 1)
            move = jnp.where(inside, move, -move)
            return place + move, move

        _, moves = jax.lax.scan(turn_round, start, chosen)
        return start, jnp.moveaxis(moves, 0, 1)


def interpolate(
    table: Float[Array, "points points units"], place: Float[Array, "some 2"]
) -> Float[Array, "some units"]:
    """Returns the table between its points, linear in each coordinate; beyond the rim, the rim's value."""
    points = table.shape[0]
    place = jnp.clip(place, 0.0, points - 1.0)
    low = jnp.clip(jnp.floor(place), 0, points - 2).astype(jnp.int32)
    share = place - low
    flat = table.reshape(points**2, -1)
    found = 0.0
    for step_x in (0, 1):
        for step_y in (0, 1):
            across = share[:, 0] if step_x else 1.0 - share[:, 0]
            along = share[:, 1] if step_y else 1.0 - share[:, 1]
            corner = (low[:, 0] + step_x) * points + low[:, 1] + step_y
            found = found + (across * along)[:, None] * flat[corner]
    return jnp.asarray(found)


def unit_and_positive(vectors: Float[Array, "*some size"]) -> Float[Array, "*some size"]:
    """Returns the nearest vectors of norm one without a negative entry.

    The positive part, normalised; where nothing is positive, the axis of the largest entry.
    """
    positive = jax.nn.relu(vectors)
    size = jnp.linalg.norm(positive, axis=-1, keepdims=True)
    axis = jax.nn.one_hot(jnp.argmax(vectors, axis=-1), vectors.shape[-1], dtype=vectors.dtype)
    return jnp.where(size > 0, positive / jnp.where(size > 0, size, 1.0), axis)


def directions(key: PRNGKeyArray, number: int) -> Float[Array, "number 2"]:
    """Returns unit vectors in random directions."""
    angle = 2 * jnp.pi * jax.random.uniform(key, (number,))
    return jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1)


def norm(vectors: Float[Array, "*some size"]) -> Float[Array, "*some"]:
    """Returns the length of each vector, with a gradient of zero at zero."""
    square = jnp.sum(vectors**2, axis=-1)
    safe = jnp.where(square > 0, square, 1.0)
    return jnp.where(square > 0, jnp.sqrt(safe), 0.0)
