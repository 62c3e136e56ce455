"""A recurrent code for self-motion that is told no place at all: separation, invariance, capacity (SIC).

Each move v multiplies the state by a matrix W(v) that a small perceptron makes of it; the state is rectified
and normalised. In a batch, all walks are made of the same moves in different orders, so they begin and end
together and often cross; where they do, states should agree (invariance), elsewhere differ (separation),
while using little of the state space (capacity), and moving through it at a steady pace (isometry). Places
are used to say which states to compare and for nothing else.

Source: spec other_systems 6; Schaeffer et al. 2023, "Self-supervised learning of representations for space
generates multi-modular grid cells". Not published: the width of the perceptron (256 here), the weight of the
isometry term (1 here), and whether pairs are summed or averaged (``reduction``; with sums the capacity term,
which is at most 1, is all but nothing beside separation sums of up to 1e7). Left out: the rate's reduction
on plateaus, whose settings are not published.
"""

import functools
import itertools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from gridsweep.evaluations import Evaluation
from gridsweep.kinds import Scalar, kind, part, per_cohort, per_lane
from gridsweep.maps.rate_map import add_samples, empty_sums, rate_maps
from gridsweep.systems._base import Keys, Observation, State, System
from gridsweep.systems._descent import clipped, descend, fresh_state
from gridsweep.systems._pairs import pair_sums
from gridsweep.systems._training import Training

Weights = dict[str, Float[Array, "..."]]

# The published training (spec 6.1, 6.3).
TRAINING = {
    "optimizer": {"kind": "adamw"},
    "learning_rate": 2e-5,
    "weight_decay": 0.0,
    "batch_size": 130,
    "steps": 60,
    "updates": 2_000_000,
}


class Moves(NamedTuple):
    """The moves of a batch of walks that start at one place, the origin."""

    move_m: Float[Array, "moves 2"]  # the moves there are
    order: Int[Array, "walks steps"]  # which of them each walk makes, one after the other

    def displacement_m(self) -> Float[Array, "walks steps 2"]:
        """Returns each step of each walk."""
        return self.move_m[self.order]

    def position_m(self) -> Float[Array, "walks steps 2"]:
        """Returns where each walk is after each step."""
        return jnp.cumsum(self.displacement_m(), axis=1)


@kind
class SelfSupervised(System):
    """States driven by moves, trained by comparing them with each other."""

    streams: ClassVar[tuple[str, ...]] = ("init", "trajectory")

    training: Training = part(meaning="optimizer, batch and length; the penalty is on the perceptron")
    units: int = per_cohort(128, unit="units", meaning="units of the state", at_least=1, at_most=1_000_000)
    hidden_units: int = per_cohort(
        256, unit="units", meaning="units of either hidden layer of the perceptron", at_least=1
    )
    side_m: Scalar = per_lane(
        2.2, unit="m", meaning="side of the square, about the start, that is mapped", above=0.0
    )
    longest_move_m: Scalar = per_lane(
        0.15, unit="m", meaning="each coordinate of a move is uniform up to this", above=0.0
    )
    moves: str = per_cohort(
        "permuted",
        choices=("permuted", "independent"),
        meaning="permuted: one set of moves a batch, in many orders; independent: each walk has its own",
    )
    neighbourhood_m: Scalar = per_lane(
        0.05, unit="m", meaning="nearer places count as one, farther ones as distinct", above=0.0
    )
    separation_width: Scalar = per_lane(
        0.4, meaning="distance between states at which separation lets go", above=0.0
    )
    separation_weight: Scalar = per_lane(1.0, meaning="of the separation term", at_least=0.0)
    invariance_weight: Scalar = per_lane(0.1, meaning="of the invariance term", at_least=0.0)
    capacity_weight: Scalar = per_lane(0.5, meaning="of the capacity term", at_least=0.0)
    isometry_weight: Scalar = per_lane(1.0, meaning="of the isometry term", at_least=0.0)
    reduction: str = per_cohort(
        "sum", choices=("sum", "mean"), meaning="how separation and invariance are taken over pairs"
    )
    accumulated_batches: int = per_cohort(
        2, unit="batches", meaning="batches whose gradients make one update", at_least=1, at_most=1_000
    )
    gradient_norm_limit: Scalar = per_lane(
        0.1, meaning="the gradient of an update is shortened to this", above=0.0
    )

    @classmethod
    def complete(cls, settings: dict[str, Any]) -> dict[str, Any]:
        """Gives training its published settings where none are given."""
        training = settings.get("training") or {}
        return (
            settings | {"training": TRAINING | dict(training)} if isinstance(training, Mapping) else settings
        )

    @property
    def scored_units(self) -> int:
        """All units of the state."""
        return self.units

    @property
    def total_updates(self) -> int:
        """The updates of training."""
        return self.training.updates

    def operations_per_update(self) -> float:
        """Returns forward plus backward (twice the forward); 2 a multiplication."""
        walks, steps = self.training.batch_size, self.training.steps
        made = steps if self.moves == "permuted" else walks * steps
        matrix = self.hidden_units * (2 + self.hidden_units + self.units**2)
        pairs = (walks * steps) ** 2 * self.units
        return 6.0 * self.accumulated_batches * (made * matrix + walks * steps * self.units**2 + pairs)

    def init(self, keys: Keys) -> State:
        """Returns fresh weights and a fresh optimizer.

        Layers start as PyTorch's do, uniform within one over the root of their inputs; the start state is
        the same in all units but for a little noise.
        """
        sizes = (2, self.hidden_units, self.hidden_units, self.units**2)
        weights: Weights = {}
        for layer, (inputs, outputs) in enumerate(itertools.pairwise(sizes), start=1):
            for which, (name, shape) in enumerate((("weight", (inputs, outputs)), ("bias", (outputs,)))):
                key = jax.random.fold_in(keys.weights, 2 * layer + which)
                limit = inputs**-0.5
                weights[f"{name}_{layer}"] = jax.random.uniform(key, shape, minval=-limit, maxval=limit)
        noise = jax.random.uniform(jax.random.fold_in(keys.weights, 0), (self.units,), minval=0.5, maxval=1.5)
        weights["start"] = noise / jnp.linalg.norm(noise)
        return fresh_state(weights, self._rule())

    def advance(self, state: State, keys: Keys, updates: Int[Array, ""]) -> State:
        """Returns the lane more updates later, each on fresh moves."""

        def update(_, state: State) -> State:
            key = jax.random.fold_in(keys.trajectories, state.update)
            objective = functools.partial(self._objective, key=key)
            return descend(state, objective, self._rule())

        with jax.default_matmul_precision("highest"):
            return jax.lax.fori_loop(0, updates, update, state)

    def metrics(self, state: State, keys: Keys) -> dict[str, Float[Array, ""]]:
        """Returns the objective and its terms on the first batch that the next update trains on."""
        key = jax.random.fold_in(keys.trajectories, state.update)
        return self._measure(state.weights, self.draw(jax.random.fold_in(key, 0)))

    def observe(self, state: State, keys: Keys) -> Observation:
        """Returns rate maps over independent walks from the start, and the terms on a batch of its own."""
        maps, visits, metrics = {}, {}, {}
        for evaluation in self.evaluation:
            name = evaluation.kind_name()
            sums, positions = self._stream(evaluation, state.weights, keys.evaluation)
            for bins, sum_of_bins in zip(evaluation.bins, sums, strict=True):
                maps[name, bins] = rate_maps(sum_of_bins)
                visits[name, bins] = sum_of_bins.visits
            measured = self._measure(state.weights, self.draw(keys.evaluation))
            metrics[name] = measured | {"positions": jnp.float32(positions)}
        return Observation(maps, visits, metrics)

    def draw(self, key: PRNGKeyArray) -> Moves:
        """Returns the moves of one batch."""
        walks, steps = self.training.batch_size, self.training.steps
        if self.moves == "independent":
            return self._independent(key, walks, steps)
        order_key, move_key = jax.random.split(key)
        order = jax.vmap(lambda key: jax.random.permutation(key, steps))(jax.random.split(order_key, walks))
        return Moves(self._moves(move_key, steps), order)

    def states(self, weights: Weights, moves: Moves) -> Float[Array, "walks steps units"]:
        """Returns the state after each step of each walk."""
        start = jnp.broadcast_to(self.start(weights), (len(moves.order), self.units))
        if self.moves == "permuted":
            # Few moves and many walks: each matrix is made once.
            matrices = self.matrix(weights, moves.move_m)
            return _run(lambda number: matrices[number], start, moves.order)
        return _run(lambda number: self.matrix(weights, moves.move_m[number]), start, moves.order)

    def matrix(self, weights: Weights, move_m: Float[Array, "some 2"]) -> Float[Array, "some units units"]:
        """Returns the matrix by which a move multiplies the state."""
        first = jax.nn.relu(move_m @ weights["weight_1"] + weights["bias_1"][None])
        second = jax.nn.relu(first @ weights["weight_2"] + weights["bias_2"][None])
        flat = second @ weights["weight_3"] + weights["bias_3"][None]
        return flat.reshape(-1, self.units, self.units)

    def start(self, weights: Weights) -> Float[Array, " units"]:
        """Returns the state that all walks begin with, rectified and normalised like the others."""
        return normalised(jax.nn.relu(weights["start"]))

    def terms(self, weights: Weights, moves: Moves) -> dict[str, Float[Array, ""]]:
        """Returns the four terms without their weights, and the share of states that are zero."""
        states = self.states(weights, moves)
        flat = states.reshape(-1, self.units)
        position_m = moves.position_m().reshape(-1, 2)
        pairs = pair_sums(flat, position_m, self.neighbourhood_m, self.separation_width)
        distant, near = (pairs.distant, pairs.near) if self.reduction == "mean" else (1.0, 1.0)
        return {
            "separation_loss": pairs.separation / jnp.maximum(distant, 1.0),
            "invariance_loss": pairs.invariance / jnp.maximum(near, 1.0),
            "capacity_loss": capacity_loss(flat),
            "isometry_loss": self._isometry_loss(weights, states, moves),
            "zero_state_fraction": jnp.mean(jnp.all(flat == 0, axis=-1), dtype=jnp.float32),
        }

    def penalty(self, weights: Weights) -> Float[Array, ""]:
        """Returns the penalty on the perceptron's matrices."""
        total = sum(jnp.sum(value**2) for name, value in weights.items() if name.startswith("weight"))
        return self.training.weight_decay * jnp.asarray(total)

    def _isometry_loss(
        self, weights: Weights, states: Float[Array, "walks steps units"], moves: Moves
    ) -> Float[Array, ""]:
        start = jnp.broadcast_to(self.start(weights), (len(states), 1, self.units))
        before = jnp.concatenate([start, states[:, :-1]], axis=1)
        square = jnp.sum((states - before) ** 2, axis=-1)
        distance = jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0)
        length_m = jnp.linalg.norm(moves.displacement_m(), axis=-1)
        return variance_of_pace(distance, length_m, self.neighbourhood_m)

    def _total(self, terms: dict[str, Float[Array, ""]]) -> Float[Array, ""]:
        return (
            self.separation_weight * terms["separation_loss"]
            + self.invariance_weight * terms["invariance_loss"]
            + self.capacity_weight * terms["capacity_loss"]
            + self.isometry_weight * terms["isometry_loss"]
        )

    def _objective(self, weights: Weights, key: PRNGKeyArray) -> Float[Array, ""]:
        def add(total, number):
            return total + self._total(self.terms(weights, self.draw(jax.random.fold_in(key, number)))), None

        total, _ = jax.lax.scan(jax.checkpoint(add), 0.0, jnp.arange(self.accumulated_batches))
        return total / self.accumulated_batches + self.penalty(weights)

    def _measure(self, weights: Weights, moves: Moves) -> dict[str, Float[Array, ""]]:
        with jax.default_matmul_precision("highest"):
            terms = self.terms(weights, moves)
        return terms | {"loss": self._total(terms), "penalty": self.penalty(weights)}

    def _rule(self) -> optax.GradientTransformation:
        rule = self.training.optimizer.transformation(self.training.learning_rate)
        return clipped(rule, self.gradient_norm_limit)

    def _moves(self, key: PRNGKeyArray, number: int) -> Float[Array, "number 2"]:
        return self.longest_move_m * jax.random.uniform(key, (number, 2), minval=-1.0, maxval=1.0)

    def _independent(self, key: PRNGKeyArray, walks: int, steps: int) -> Moves:
        order = jnp.arange(walks * steps).reshape(walks, steps)
        return Moves(self._moves(key, walks * steps), order)

    def _stream(self, evaluation: Evaluation, weights: Weights, key: PRNGKeyArray):
        """Returns rate sums for each number of bins, and how many positions were seen."""
        steps = evaluation.walk_steps(self.training.steps)
        batches, walks = evaluation.batches(self.training.batch_size, self.training.steps)
        start = jnp.broadcast_to(self.start(weights), (walks, self.units))

        def add_batch(carry, number):
            moves = self._independent(jax.random.fold_in(key, number), walks, steps)
            states = _run(lambda which: self.matrix(weights, moves.move_m[which]), start, moves.order)
            activity, position_m = states.reshape(-1, self.units), moves.position_m().reshape(-1, 2)
            return tuple(add_samples(of_bins, position_m, activity, self.side_m) for of_bins in carry), None

        empty = tuple(empty_sums(self.units, bins) for bins in evaluation.bins)
        with jax.default_matmul_precision("highest"):
            sums, _ = jax.lax.scan(add_batch, empty, jnp.arange(batches))
        return sums, batches * walks * steps


def normalised(states: Float[Array, "*some units"]) -> Float[Array, "*some units"]:
    """Returns states of norm one; one that is zero stays zero."""
    square = jnp.sum(states**2, axis=-1, keepdims=True)
    return jnp.where(square > 0, states / jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0)


def capacity_loss(states: Float[Array, "states units"]) -> Float[Array, ""]:
    """Returns minus the square norm of the mean state: from -1 (one state) to -1 / units (spread evenly)."""
    return -jnp.sum(jnp.mean(states, axis=0) ** 2)


def variance_of_pace(
    distance: Float[Array, "*steps"], length_m: Float[Array, "*steps"], neighbourhood_m: Scalar
) -> Float[Array, ""]:
    """Returns the variance of distance in state space over distance in space, over short moves.

    Moves as long as the neighbourhood or longer, and no move at all, do not count. 0 without any.
    """
    counts = (length_m > 0) & (length_m < neighbourhood_m)
    number = jnp.maximum(jnp.sum(counts), 1)
    pace = jnp.where(counts, distance / jnp.where(counts, length_m, 1.0), 0.0)
    mean = jnp.sum(pace) / number
    return jnp.sum(jnp.where(counts, (pace - mean) ** 2, 0.0)) / number


def _run(
    matrix_of: Callable[[Int[Array, " walks"]], Float[Array, "walks units units"]],
    start: Float[Array, "walks units"],
    order: Int[Array, "walks steps"],
) -> Float[Array, "walks steps units"]:
    """Returns the states of all walks; the matrices of a step are made again for the gradient."""

    def one_step(states, number):
        states = jnp.einsum("wij,wj->wi", matrix_of(number), states)
        states = normalised(jax.nn.relu(states))
        return states, states

    _, states = jax.lax.scan(jax.checkpoint(one_step), start, order.T)
    return jnp.moveaxis(states, 0, 1)
