"""A recurrent network trained by gradient descent to report where a walker is.

The network is told the encoding of the start and each step's displacement, and learns to report the
target's activity. Source: spec (a) to (d): each update sees a fresh batch of walks; the penalty on the
recurrent weights is part of the loss.
"""

import dataclasses
import functools
import itertools
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from gridsweep.arena import Arena
from gridsweep.kinds import Problem, discover, kind, part
from gridsweep.losses import Loss
from gridsweep.maps.rate_map import rate_maps
from gridsweep.networks import Network
from gridsweep.networks._base import QUIET, Noise, Ports, Weights, square_norm
from gridsweep.networks._products import matrix_products
from gridsweep.systems._base import Keys, Observation, State, System, tree_bytes
from gridsweep.systems._looking import look, stream
from gridsweep.systems._memory import looking_bytes, training_bytes
from gridsweep.systems._time_loss import mean_loss, steps_of
from gridsweep.systems._training import Training
from gridsweep.targets import Target
from gridsweep.targets._base import Cells
from gridsweep.trajectories import Trajectory, Walk


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
        """Gives a run without a loss the usual one of its target, and lets rates of dropout act."""
        said = settings.get("target")
        name = said.get("kind") if isinstance(said, Mapping) else None
        target = discover(Target.package, Target).get(name if isinstance(name, str) else "gaussian")
        loss = settings.get("loss", {})
        if target is not None and isinstance(loss, Mapping) and "kind" not in loss:
            settings = settings | {"loss": {"kind": target.usual_loss, **loss}}
        network, training = settings.get("network"), settings.get("training", {})
        drops = isinstance(network, Mapping) and any(
            isinstance(rate, int | float) and rate > 0
            for name, rate in network.items()
            if name.endswith("dropout")
        )
        if drops and isinstance(training, Mapping) and "dropout" not in training:
            settings = settings | {"training": {**training, "dropout": "active"}}
        return settings

    def draws_from(self) -> tuple[str, ...]:
        """Noise is a stream of its own where there is any."""
        noisy = self.network.noisy or (self.training.dropout == "active" and self.network.drops())
        return (*self.streams, "noise") if noisy else self.streams

    def canonical(self) -> Self:
        """Leaves out what one part says and another makes idle.

        Rates of dropout that do not act, and an acting dropout without a rate; which tensor a weight decay
        of zero would penalise; the margin of walls that are not there; the seed of cells that a target does
        not draw.
        """
        normal, network, training = super().canonical(), self.network, self.training
        if training.dropout == "inactive":
            network = network.without_dropout()
        elif not network.drops():
            training = dataclasses.replace(training, dropout="inactive")
        if training.weight_decay == 0:
            network = network.without_decay()
        trajectory = self.trajectory if self.arena.has_walls else self.trajectory.without_walls()
        seeds = {} if self.target.draws_cells else {"centre_seed": 0}
        return dataclasses.replace(normal, network=network, training=training, trajectory=trajectory, **seeds)

    def problems(self) -> list[Problem]:
        """A target fits its arena, and a cross-entropy needs one that is a distribution."""
        found = self.target.problems_in(self.arena)
        if self.loss.needs_distribution and not self.target.is_distribution:
            found.append(
                Problem(
                    "loss.kind",
                    f"{self.loss.kind_name()} with a target ({self.target.kind_name()}) whose activity does "
                    "not sum to one",
                    "mse, or a target with normalisation: global",
                )
            )
        return found

    @property
    def scored_units(self) -> int:
        """All units of the network."""
        return self.network.scored_units

    @property
    def ports(self) -> Ports:
        """What the network is told of a start, and what it reports."""
        return Ports(self.target.starts, self.target.heads)

    @property
    def total_updates(self) -> int:
        """The updates of training."""
        return self.training.updates

    def operations_per_update(self) -> float:
        """Returns forward plus backward (twice the forward) over a batch of walks; 2 a multiplication."""
        steps = self.training.batch_size * self.training.steps
        encoder = self.training.batch_size * self.ports.told * self.network.units
        return 6.0 * (steps * self.network.multiplications_per_step(self.target.outputs) + encoder)

    def work_bytes(self) -> float:
        """Returns the larger of what an update and what an evaluation holds."""
        weights = jax.eval_shape(lambda: self.network.init(jax.random.key(0), self.target.outputs))
        of_updates = training_bytes(self, self.state_bytes(), tree_bytes(weights))
        return max(of_updates, looking_bytes(self))

    def init(self, keys: Keys) -> State:
        """Returns fresh weights and a fresh optimizer."""
        weights = self.network.init(keys.weights, self.ports)
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
        with matrix_products(self.training.precision):
            return jax.lax.fori_loop(0, updates, lambda _, state: self._update(state, cells, keys), state)

    def metrics(self, state: State, keys: Keys) -> dict[str, Float[Array, ""]]:
        """Returns loss and position error on the batch that the next update will train on."""
        cells = self.target.draw(keys.centres, self.arena)
        with matrix_products("float32"):
            seen = look(self, state.weights, cells, self.training_walks(keys, state.update))
            penalty = self.penalty(state.weights)
        return {name: seen[name] for name in ("loss", "position_error_cm")} | {"penalty": penalty}

    def observe(self, state: State, keys: Keys) -> Observation:
        """Returns rate maps of all units and the metrics, for each evaluation, in full precision."""
        cells = self.target.draw(keys.centres, self.arena)
        maps, visits, metrics = {}, {}, {}
        with matrix_products("float32"):
            of_weights = {"penalty": self.penalty(state.weights)} | self._circuit(state.weights).norms()
            for evaluation in self.evaluation:
                name = evaluation.kind_name()
                sums, of_evaluation = stream(self, evaluation, state.weights, cells, keys.evaluation)
                for bins, sum_of_bins in zip(evaluation.bins, sums, strict=True):
                    maps[name, bins] = rate_maps(sum_of_bins)
                    visits[name, bins] = sum_of_bins.visits
                metrics[name] = of_evaluation | of_weights
        return Observation(maps, visits, metrics)

    def penalty(self, weights: Weights) -> Float[Array, ""]:
        """Returns the weight decay: its coefficient times the sum of squares of what is penalised."""
        return self.training.weight_decay * square_norm(*jax.tree.leaves(self._circuit(weights).decayed()))

    def batch_loss(
        self, weights: Weights, cells: Cells, walks: Walk, noise: Noise = QUIET
    ) -> Float[Array, ""]:
        """Returns the loss on a batch of walks, the penalties included."""
        circuit = self._circuit(weights)
        activity = circuit.activity(*self.told(cells, walks), noise)
        data = mean_loss(self, cells, weights, activity, steps_of(walks, noise.readout))
        return data + circuit.activity_penalty(activity) + self.penalty(weights)

    def loss_per_step(
        self, output: Float[Array, "rows outputs"], wanted: Float[Array, "rows outputs"]
    ) -> Float[Array, " rows"]:
        """Returns the loss of each row, summed over the heads of the report."""
        pairs = zip(self._heads(output), self._heads(wanted), strict=True)
        return sum((self.loss.per_step(*pair) for pair in pairs), start=jnp.zeros(len(output)))

    def loss_floor(self, wanted: Float[Array, "rows outputs"]) -> Float[Array, " rows"]:
        """Returns the smallest loss that any report of each row could have."""
        return sum(map(self.loss.floor, self._heads(wanted)), start=jnp.zeros(len(wanted)))

    def told(self, cells: Cells, walks: Walk) -> tuple[Array, Array]:
        """Returns what the network is told of walks: the encoding of their starts, and each step's input."""
        starts = jax.vmap(lambda walk: self.target.encode_start(self.arena, cells, walk))(walks)
        return starts, jax.vmap(self.network.inputs, out_axes=1)(walks)

    def training_walks(self, keys: Keys, update: Int[Array, ""]) -> Walk:
        """Returns the batch that an update trains on."""
        each = self.training.walk_keys(keys.trajectories, update)
        return self._walks_of(each, self.training.steps)

    def walks(self, key: PRNGKeyArray, walks: int, steps: int) -> Walk:
        """Returns so many walks, their axis first."""
        return self._walks_of(jax.random.split(key, walks), steps)

    def training_noise(self, key: PRNGKeyArray, steps: int, walks: int) -> Noise:
        """Returns what is random in a batch of walks in training; nothing where nothing is."""
        if self.training.dropout == "inactive" and not self.network.noisy:
            return QUIET
        return self.network.draw_noise(key, steps, walks)

    def _walks_of(self, keys: Key[Array, " walks"], steps: int) -> Walk:
        return jax.vmap(functools.partial(self.trajectory.walk, arena=self.arena, steps=steps))(keys)

    def _circuit(self, weights: Weights):
        return self.network.bind(weights, self.ports)

    def _heads(self, rows: Float[Array, "rows outputs"]) -> list[Float[Array, "rows outputs"]]:
        ends = itertools.accumulate(self.target.heads)
        return jnp.split(rows, list(ends)[:-1], axis=-1)

    def _rule(self) -> optax.GradientTransformation:
        return self.training.optimizer.transformation(self.training.learning_rate)

    def _noise(self, keys: Keys, update: Int[Array, ""]) -> Noise:
        key = jax.random.fold_in(keys.noise, update)
        return self.training_noise(key, self.training.steps, self.training.batch_size)

    def _update(self, state: State, cells: Cells, keys: Keys) -> State:
        """Returns the lane one update later. A lane that goes non-finite is frozen where it was."""
        walks, noise = self.training_walks(keys, state.update), self._noise(keys, state.update)
        loss, gradient = jax.value_and_grad(self.batch_loss)(state.weights, cells, walks, noise)
        gradient = self.training.clip(gradient, self.network.readout_weights())
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
