"""A recurrent network trained by gradient descent to report where a walker is.

The network is told the encoding of the start and each step's displacement, and learns to report the
target's activity. Source: spec (a) to (d): each update sees a fresh batch of walks; the penalty on the
recurrent weights is part of the loss.
"""

import functools
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from gridsweep.arena import Arena
from gridsweep.evaluations import Evaluation
from gridsweep.kinds import Problem, discover, kind, part
from gridsweep.losses import Loss
from gridsweep.maps.rate_map import add_samples, empty_sums, rate_maps
from gridsweep.networks import Network
from gridsweep.networks._base import Weights
from gridsweep.systems._base import Keys, Observation, State, System
from gridsweep.systems._training import Training
from gridsweep.targets import Target
from gridsweep.targets._base import Cells
from gridsweep.trajectories import Trajectory, Walk

METRES_TO_CM = 100.0


@kind
class PathIntegrator(System):
    """Arena, trajectory, target, network, loss and training."""

    streams: ClassVar[tuple[str, ...]] = ("centre", "init", "trajectory")

    arena: Arena = part(default="box", meaning="where the walker may be")
    trajectory: Trajectory = part(default="random_walk", meaning="how the walker moves")
    target: Target = part(default="gaussian", meaning="what the network is asked to report")
    network: Network = part(default="rnn", meaning="the recurrent architecture")
    loss: Loss = part(default="cross_entropy", meaning="how far a report is from its target")
    training: Training = part(meaning="optimizer, batch and length")

    @classmethod
    def complete(cls, settings: dict[str, Any]) -> dict[str, Any]:
        """Gives a run without a loss the usual one of its target."""
        said = settings.get("target")
        name = said.get("kind") if isinstance(said, Mapping) else None
        target = discover(Target.package, Target).get(name if isinstance(name, str) else "gaussian")
        loss = settings.get("loss", {})
        if target is not None and isinstance(loss, Mapping) and "kind" not in loss:
            settings = settings | {"loss": {"kind": target.usual_loss, **loss}}
        return settings

    def problems(self) -> list[Problem]:
        """A cross-entropy needs a target that is a distribution."""
        if self.loss.needs_distribution and not self.target.is_distribution:
            return [
                Problem(
                    "loss.kind",
                    f"{self.loss.kind_name()} with a target ({self.target.kind_name()}) whose activity does "
                    "not sum to one",
                    "mse, or a target with normalisation: global",
                )
            ]
        return []

    @property
    def scored_units(self) -> int:
        """All units of the network."""
        return self.network.units

    @property
    def total_updates(self) -> int:
        """The updates of training."""
        return self.training.updates

    def operations_per_update(self) -> float:
        """Returns forward plus backward (twice the forward) over a batch of walks; 2 a multiplication."""
        steps = self.training.batch_size * self.training.steps
        encoder = self.training.batch_size * self.target.outputs * self.network.units
        return 6.0 * (steps * self.network.multiplications_per_step(self.target.outputs) + encoder)

    def init(self, keys: Keys) -> State:
        """Returns fresh weights and a fresh optimizer."""
        weights = self.network.init(keys.weights, self.target.outputs)
        return State(
            weights=weights,
            optimizer=self._rule().init(weights),
            update=jnp.int32(0),
            diverged_update=jnp.int32(-1),
            alive=jnp.bool_(True),
        )

    def advance(self, state: State, keys: Keys, updates: Int[Array, ""]) -> State:
        """Returns the lane more updates later, each on a fresh batch of walks."""
        cells = self.target.draw(keys.centres, self.arena)
        with jax.default_matmul_precision("highest"):
            return jax.lax.fori_loop(0, updates, lambda _, state: self._update(state, cells, keys), state)

    def metrics(self, state: State, keys: Keys) -> dict[str, Float[Array, ""]]:
        """Returns loss and position error on the batch that the next update will train on."""
        cells = self.target.draw(keys.centres, self.arena)
        with jax.default_matmul_precision("highest"):
            seen = self._look(state.weights, cells, self._training_walks(keys, state.update))
        return {
            "loss": jnp.mean(seen["loss"]),
            "penalty": self.penalty(state.weights),
            "position_error_cm": jnp.mean(seen["position_error_cm"]),
        }

    def observe(self, state: State, keys: Keys) -> Observation:
        """Returns rate maps of all units and the metrics, for each evaluation."""
        cells = self.target.draw(keys.centres, self.arena)
        maps, visits, metrics = {}, {}, {}
        with jax.default_matmul_precision("highest"):
            for evaluation in self.evaluation:
                sums, means = self._stream(evaluation, state.weights, cells, keys.evaluation)
                name = evaluation.kind_name()
                for bins, sum_of_bins in zip(evaluation.bins, sums, strict=True):
                    maps[name, bins] = rate_maps(sum_of_bins)
                    visits[name, bins] = sum_of_bins.visits
                metrics[name] = means | {"penalty": self.penalty(state.weights)}
        return Observation(maps, visits, metrics)

    def penalty(self, weights: Weights) -> Float[Array, ""]:
        """Returns the weight decay: its coefficient times the sum of squares of the penalised tensor."""
        circuit = self.network.bind(weights, self.target.outputs)
        return self.training.weight_decay * jnp.sum(circuit.decayed() ** 2)

    def batch_loss(self, weights: Weights, cells: Cells, walks: Walk) -> Float[Array, ""]:
        """Returns the loss on a batch of walks, the penalty included."""
        circuit = self.network.bind(weights, self.target.outputs)

        def one(walk: Walk) -> Float[Array, ""]:
            start = self.target.encode_start(self.arena, cells, walk)
            output = circuit.readout(circuit.activity(start, walk.displacement_m))
            return jnp.mean(self.loss.per_step(output, self.target.encode(self.arena, cells, walk)))

        decay = self.training.weight_decay * jnp.sum(circuit.decayed() ** 2)
        return jnp.mean(jax.vmap(one)(walks)) + decay

    def _rule(self) -> optax.GradientTransformation:
        return self.training.optimizer.transformation(self.training.learning_rate)

    def _training_walks(self, keys: Keys, update: Int[Array, ""]) -> Walk:
        key = jax.random.fold_in(keys.trajectories, update)
        return self._walks(key, self.training.batch_size, self.training.steps)

    def _walks(self, key: PRNGKeyArray, walks: int, steps: int) -> Walk:
        draw = functools.partial(self.trajectory.walk, arena=self.arena, steps=steps)
        return jax.vmap(draw)(jax.random.split(key, walks))

    def _update(self, state: State, cells: Cells, keys: Keys) -> State:
        """Returns the lane one update later. A lane that goes non-finite is frozen where it was."""
        walks = self._training_walks(keys, state.update)
        loss, gradient = jax.value_and_grad(self.batch_loss)(state.weights, cells, walks)
        change, optimizer = self._rule().update(gradient, state.optimizer, state.weights)
        weights = optax.apply_updates(state.weights, change)
        total = sum(jnp.sum(jnp.abs(leaf)) for leaf in jax.tree.leaves((gradient, weights)))
        alive = state.alive & jnp.isfinite(loss) & jnp.isfinite(total)
        weights, optimizer = jax.tree.map(
            lambda new, old: jnp.where(alive, new, old),
            (weights, optimizer),
            (state.weights, state.optimizer),
        )
        dies = state.alive & ~alive
        return State(
            weights=weights,
            optimizer=optimizer,
            update=state.update + 1,
            diverged_update=jnp.where(dies, state.update, state.diverged_update),
            alive=alive,
        )

    def _look(self, weights: Weights, cells: Cells, walks: Walk) -> dict[str, Float[Array, "..."]]:
        """Returns activity and errors on a batch of walks; each metric has shape (walks,)."""
        circuit = self.network.bind(weights, self.target.outputs)

        def one(walk: Walk) -> dict[str, Float[Array, "..."]]:
            start = self.target.encode_start(self.arena, cells, walk)
            activity = circuit.activity(start, walk.displacement_m)
            output = circuit.readout(activity)
            wanted = self.target.encode(self.arena, cells, walk)
            return {
                "activity": activity,
                "loss": jnp.mean(self.loss.per_step(output, wanted)),
                "loss_floor": jnp.mean(self.loss.floor(wanted)),
                "position_error_cm": self._error_cm(cells, output, walk),
                "position_error_floor_cm": self._error_cm(cells, wanted, walk),
            }

        return jax.vmap(one)(walks)

    def _error_cm(self, cells: Cells, output: Float[Array, "steps outputs"], walk: Walk) -> Float[Array, ""]:
        decoded_m = self.target.decode(self.arena, cells, output)
        offset_m = self.arena.offset_m(decoded_m, walk.position_m)
        return METRES_TO_CM * jnp.mean(jnp.linalg.norm(offset_m, axis=-1))

    def _stream(self, evaluation: Evaluation, weights: Weights, cells: Cells, key: PRNGKeyArray):
        """Returns rate sums for each number of bins, and metrics averaged over all walks."""
        steps = evaluation.walk_steps(self.training.steps)
        batches, walks = evaluation.batches(self.training.batch_size, self.training.steps)

        def add_batch(carry, number):
            drawn = self._walks(jax.random.fold_in(key, number), walks, steps)
            seen = self._look(weights, cells, drawn)
            activity = seen.pop("activity").reshape(walks * steps, -1)
            position_m = drawn.position_m.reshape(walks * steps, 2)
            sums = tuple(add_samples(of_bins, position_m, activity, self.arena.side_m) for of_bins in carry)
            return sums, jax.tree.map(jnp.mean, seen)

        empty = tuple(empty_sums(self.scored_units, bins) for bins in evaluation.bins)
        sums, means = jax.lax.scan(add_batch, empty, jnp.arange(batches))
        means = jax.tree.map(jnp.mean, means)
        return sums, means | {"positions": jnp.float32(batches * walks * steps)}
