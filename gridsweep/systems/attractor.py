"""A continuous attractor: a sheet of neurons whose inhibition makes a lattice, and whose input moves it.

Nobody trains it. Each neuron inhibits those around it and less so its nearest; the uniform state is unstable
to waves of one length, and what grows is a hexagonal lattice of activity on the sheet. Neurons of four
preferred directions project a little ahead of themselves, and a velocity drives those that prefer it, so the
lattice drifts as the animal moves: each neuron then fires on a lattice in the arena. The period is that of
the kernel on the sheet; the size and the shape of the arena have no part in it, unlike in the theories that
derive a lattice from place cells.

    s <- min(10, s + (step / tau) (gain [W s + B]+ - s)),      B_i = A_i (1 + e_i . drive),
    W_ij = W0(x_i - x_j - shift e_j),    W0(x) = exp(-ratio beta x^2) - exp(-beta x^2),    beta = 3 / scale^2

What W0 lets grow, and at which spacing, is in ``_inhibition.py``: 1.46 times ``scale`` for the published
kernel, so ``scale`` is not the period. Which neuron prefers which direction is in
``_preferred_directions.py``; how spacing and motion of the lattice are measured, in ``_sheet_lattice.py``.

The sheet is ``periodic``, or ``aperiodic`` with input that falls off, A = exp(-falloff |x|^2 / (n/2)^2).
Before the animal moves the lattice settles (``settling``): from noise at ``rest``; with two phases of
``flow``, which sweep defects out; or, as in the MATLAB program, from nothing on an open sheet under the
``envelope``, four fifths of the time, then under even input, before a periodic sheet is closed.

Source: spec 4 (Burak and Fiete 2009 and both programs beside it: gain 5, ratio 1.05 and tau 5 ms in MATLAB,
10, 1.02 and 10 ms in C). Spikes are not built.
"""

import dataclasses
import math
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped

from gridsweep.arena import Arena
from gridsweep.arena.box import Box
from gridsweep.kinds import Problem, Scalar, kind, part, per_cohort, per_lane
from gridsweep.maps.area_mean import share_samples
from gridsweep.maps.rate_map import bin_numbers
from gridsweep.systems._base import Keys, Observation, State, System
from gridsweep.systems._inhibition import Inhibition
from gridsweep.systems._lattice import convolve, report
from gridsweep.systems._preferred_directions import preferred, projected, unit_vector
from gridsweep.systems._sheet_lattice import displacement, lattice_spacing
from gridsweep.trajectories import Trajectory
from gridsweep.trajectories.random_walk import RandomWalk

MOST_ACTIVITY = 10.0  # spec 4.3
START_SCALE = 1e-3
FLOW_DRIVE = 0.0825  # spec 4.2: the C program's at its reference speed
FLOW_HEADINGS_RAD = (math.pi / 5, math.pi / 2 - math.pi / 5)
ENVELOPE_SHARE = 0.8  # of settling under the envelope: 800 of 1,000 steps
TRACKED_EVERY = 20  # updates between two looks at where the lattice is: it moves less than half a period


@kind
class Attractor(System):
    """A sheet of neurons that settles into a lattice and is moved."""

    streams: ClassVar[tuple[str, ...]] = ("init", "trajectory")

    arena: Arena = part(default="box", meaning="where the animal walks, with motion: walk")
    trajectory: Trajectory = part(default="random_walk", meaning="how it walks, with motion: walk")
    neurons_per_side: int = per_cohort(
        128, unit="neurons", meaning="neurons along a side of the sheet; even", at_least=8, at_most=1024
    )
    sheet: str = per_cohort(
        "periodic", choices=("periodic", "aperiodic"), meaning="whether opposite edges are joined"
    )
    kernel_scale: Scalar = per_lane(
        13.0, unit="neurons", meaning="lambda of the kernel, which is not the period", above=0.0, at_most=1e3
    )
    kernel_ratio: Scalar = per_lane(
        1.05,
        meaning="inverse square width of the narrow Gaussian over that of the wide",
        above=1.0,
        at_most=1e3,
    )
    shift: int = per_cohort(
        2, unit="neurons", meaning="how far ahead of itself a neuron projects", at_least=0, at_most=64
    )
    gain: Scalar = per_lane(5.0, meaning="of the synapses", above=0.0, at_most=1e3)
    time_constant_s: Scalar = per_lane(0.005, unit="s", meaning="of the synapses", above=0.0, at_most=10.0)
    step_s: Scalar = per_lane(0.0005, unit="s", meaning="of the integration", above=0.0, at_most=10.0)
    falloff: Scalar = per_lane(
        4.0, meaning="of the input from the middle of the sheet, where there is an envelope", at_least=0.0
    )
    settling: str = per_cohort(
        "flow", choices=("rest", "flow", "envelope"), meaning="how the lattice comes to be: see the header"
    )
    settling_updates: int = per_cohort(
        1_500, unit="updates", meaning="steps before the motion starts", at_least=1, at_most=1_000_000_000
    )
    motion: str = per_cohort(
        "walk",
        choices=("walk", "constant", "rest"),
        meaning="what moves the lattice: a walk, seen as maps of single neurons in the arena; or a constant "
        "drive, or nothing, seen as one map of the middle of the sheet",
    )
    updates: int = per_cohort(
        600_000, unit="updates", meaning="steps of the motion", at_least=1, at_most=1_000_000_000
    )
    updates_per_walk_step: int = per_cohort(
        40,
        unit="updates",
        meaning="steps of the integration in a step of the walk",
        at_least=1,
        at_most=100_000,
    )
    velocity_gain: Scalar = per_lane(
        0.05, unit="s/m", meaning="drive at a velocity of one metre a second", at_least=0.0, at_most=1e3
    )
    drive: Scalar = per_lane(0.1, meaning="with motion: constant", at_least=0.0, at_most=1e3)
    drive_heading_rad: Scalar = per_lane(
        0.0, unit="rad", meaning="direction of a constant drive", at_least=-6.3, at_most=6.3
    )
    recorded_neurons: int = per_cohort(
        64,
        unit="neurons",
        meaning="neurons whose maps are taken, with motion: walk",
        at_least=1,
        at_most=65_536,
    )
    points: int = per_cohort(
        44,
        unit="points",
        meaning="bins along a side in which a walk's rates are collected",
        at_least=8,
        at_most=512,
    )

    def problems(self) -> list[Problem]:
        """The four directions tile blocks of two by two; the neurons recorded are of the middle."""
        found = []
        if self.neurons_per_side % 2:
            found.append(Problem("neurons_per_side", f"{self.neurons_per_side}", "an even number"))
        if self.motion == "walk" and self.recorded_neurons > (self.neurons_per_side // 2) ** 2:
            most = (self.neurons_per_side // 2) ** 2
            found.append(
                Problem(
                    "recorded_neurons", f"{self.recorded_neurons}", f"at most {most}: the middle of the sheet"
                )
            )
        return found

    @property
    def scored_units(self) -> int:
        """The recorded neurons; or one, the sheet."""
        return self.recorded_neurons if self.motion == "walk" else 1

    @property
    def map_side_m(self) -> Scalar:
        """The arena's side; a map of the sheet is of neurons, and has no lengths in m."""
        return self.arena.side_m if self.motion == "walk" else math.nan

    @property
    def total_updates(self) -> int:
        """The steps of settling and of motion."""
        return self.settling_updates + self.updates

    def canonical(self) -> Self:
        """Leaves out what the motion or the sheet makes no use of."""
        without: dict[str, Any] = {}
        defaults = type(self).defaults()

        def drop(*names: str) -> None:
            without.update({name: defaults[name] for name in names})

        if self.motion != "walk":
            drop("velocity_gain", "updates_per_walk_step", "recorded_neurons", "points")
            without["trajectory_seed"] = 0
            without["arena"] = Box(**Box.defaults())
            without["trajectory"] = RandomWalk(**RandomWalk.defaults())
        if self.motion != "constant":
            drop("drive", "drive_heading_rad")
        if self.sheet == "periodic" and self.settling != "envelope":
            drop("falloff")
        return dataclasses.replace(super().canonical(), **without)

    def operations_per_update(self) -> float:
        """Returns the two Fourier transforms of the sheet, of twice its side where it is open."""
        side = self.neurons_per_side * (1 if self.sheet == "periodic" else 2)
        return 2 * 5 * side**2 * math.log2(side**2)

    def init(self, keys: Keys) -> State:
        """Returns a silent or a noisy sheet, and what the motion needs."""
        shape = (self.neurons_per_side, self.neurons_per_side)
        activity = START_SCALE * jax.random.uniform(keys.weights, shape)
        if self.settling == "envelope":
            activity = jnp.zeros(shape)
        if self.motion == "walk":
            steps = -(-self.updates // self.updates_per_walk_step)
            walk = self.trajectory.walk(keys.trajectories, self.arena, steps)
            memory: Any = {
                "displacement_m": walk.displacement_m,
                "position_m": walk.position_m,
                "sums": jnp.zeros((self.recorded_neurons, self.points**2 + 1)),
                "visits": jnp.zeros(self.points**2 + 1),
            }
        else:
            memory = {"last": activity, "moved": jnp.zeros(2)}
        return State({"activity": activity}, memory, jnp.int32(0), jnp.int32(-1), jnp.bool_(True))

    def advance(self, state: State, keys: Keys, updates: Int[Array, ""]) -> State:
        """Returns the sheet more steps later; one that goes non-finite is frozen where it was."""
        closed, opened = (self.inhibition.spectrum(wide * self.neurons_per_side) for wide in (1, 2))
        envelope, recorded = self.envelope(), self.recorded(keys)

        def step(_, state: State) -> State:
            before = state.weights["activity"]
            drive = self.drive_at(state)
            activity = self._stepped(before, drive, state.update, closed, opened, envelope)
            alive = state.alive & jnp.all(jnp.isfinite(activity))
            activity = jnp.where(alive, activity, before)
            died = jnp.where(state.alive & ~alive, state.update, state.diverged_update)
            after = state._replace(
                weights={"activity": activity}, update=state.update + 1, diverged_update=died, alive=alive
            )
            looked = self._recorded(after, recorded) if self.motion == "walk" else self._tracked(after)
            return after._replace(optimizer=looked)

        return jax.lax.fori_loop(0, updates, step, state)

    def metrics(self, state: State, keys: Keys) -> dict[str, Float[Array, ""]]:
        """Returns the spacing of the lattice, and the speed of one that no walk moves."""
        del keys
        found = {"pattern_period_neurons": lattice_spacing(state.weights["activity"])}
        if self.motion != "walk":
            moving_s = jnp.maximum(state.update - self.settling_updates, 1) * self.step_s
            moved = jnp.linalg.norm(state.optimizer["moved"])
            found["pattern_speed_neurons_per_s"] = moved / moving_s
        return found

    def observe(self, state: State, keys: Keys) -> Observation:
        """Returns the neurons' maps of the arena, or the middle of the sheet, and the predicted spacing."""
        metrics = self.metrics(state, keys)
        metrics["predicted_period_neurons"] = self.inhibition.predicted_spacing()
        if self.motion != "walk":
            return report(self.evaluation, self.middle(state.weights["activity"])[None], metrics)
        square = (self.points, self.points)
        sums = state.optimizer["sums"][:, :-1].reshape(-1, *square)
        visits = state.optimizer["visits"][:-1].reshape(square)
        metrics["positions"] = jnp.sum(visits)
        maps, seen = {}, {}
        for evaluation in self.evaluation:
            for bins in evaluation.bins:
                here = share_samples(visits, bins)
                rates = share_samples(sums, bins) / jnp.where(here > 0, here, 1.0)[None]
                seen[evaluation.kind_name(), bins] = here
                maps[evaluation.kind_name(), bins] = jnp.where(here[None] > 0, rates, jnp.nan)
        return Observation(maps, seen, {look.kind_name(): dict(metrics) for look in self.evaluation})

    # -- the sheet -----------------------------------------------------------------------------------

    @property
    def inhibition(self) -> Inhibition:
        """The kernel of the sheet."""
        return Inhibition(self.kernel_scale, self.kernel_ratio, self.shift)

    def envelope(self) -> Float[Array, "side side"]:
        """Returns the input's falloff from the middle of the sheet."""
        along = (jnp.arange(self.neurons_per_side) + 0.5) / self.neurons_per_side * 2 - 1
        return jnp.exp(-self.falloff * (along[:, None] ** 2 + along[None, :] ** 2))

    def drive_at(self, state: State) -> Float[Array, "2"]:
        """Returns what drives the sheet in the next update: while it settles, or by the motion."""
        moving = state.update >= self.settling_updates
        settling = jnp.zeros(2)
        if self.settling == "flow":
            third = jnp.clip(state.update * 3 // self.settling_updates, 0, 2)
            headings_rad = jnp.array([0.0, *FLOW_HEADINGS_RAD])[third]
            settling = jnp.where(third > 0, FLOW_DRIVE, 0.0) * unit_vector(headings_rad)
        motion = jnp.zeros(2)
        if self.motion == "constant":
            motion = self.drive * unit_vector(self.drive_heading_rad)
        if self.motion == "walk":
            displacements_m = state.optimizer["displacement_m"]
            number = (state.update - self.settling_updates) // self.updates_per_walk_step
            displacement_m = displacements_m[jnp.clip(number, 0, len(displacements_m) - 1)]
            motion = self.velocity_gain * displacement_m / (self.updates_per_walk_step * self.step_s)
        return jnp.where(moving, motion, settling)

    def _stepped(self, activity, drive, update, closed, opened, envelope) -> Float[Array, "side side"]:
        """Returns the activity one step of the integration later."""
        directed = 1 + preferred(drive, self.neurons_per_side)

        def joined(activity):
            return convolve(projected(activity, self.shift)[None], closed)[0], directed

        def apart(activity):
            side = self.neurons_per_side
            wide = projected(jnp.pad(activity, (0, side)), self.shift)
            return convolve(wide[None], opened)[0, :side, :side], directed

        if self.sheet == "aperiodic":
            recurrent, feedforward = apart(activity)
            feedforward = feedforward * envelope
        elif self.settling == "envelope":
            is_open = update < self.settling_updates
            recurrent, feedforward = jax.lax.cond(is_open, apart, joined, activity)
            covered = update < ENVELOPE_SHARE * self.settling_updates
            feedforward = feedforward * jnp.where(covered, envelope, 1.0)
        else:
            recurrent, feedforward = joined(activity)
        excited = self.gain * jax.nn.relu(recurrent + feedforward)
        after = activity + self.step_s / self.time_constant_s * (excited - activity)
        return jnp.minimum(after, MOST_ACTIVITY)

    # -- what is seen of it --------------------------------------------------------------------------

    def middle(self, sheet: Shaped[Array, "side side"]) -> Shaped[Array, "half half"]:
        """Returns the middle of the sheet, half of it in either direction."""
        side = self.neurons_per_side
        edge = side // 4
        return sheet[edge : edge + side // 2, edge : edge + side // 2]

    def recorded(self, keys: Keys) -> Int[Array, " recorded"]:
        """Returns the recorded neurons, drawn from the middle of the sheet."""
        side = self.neurons_per_side
        numbers = self.middle(jnp.arange(side**2).reshape(side, side)).ravel()
        wanted = min(self.recorded_neurons, numbers.size)
        return jax.random.permutation(jax.random.fold_in(keys.weights, 1), numbers)[:wanted]

    def _recorded(self, state: State, recorded: Int[Array, " recorded"]) -> dict[str, Array]:
        """Returns the sums with the recorded neurons' activity added at the end of each step of the walk."""
        memory = state.optimizer
        done = state.update - self.settling_updates
        number = (done - 1) // self.updates_per_walk_step
        ends = (done > 0) & (done % self.updates_per_walk_step == 0)
        position_m = memory["position_m"][jnp.clip(number, 0, len(memory["position_m"]) - 1)]
        bin_of = bin_numbers(position_m[None], self.arena.side_m, self.points)[0]
        bin_of = jnp.where(ends, bin_of, self.points**2)  # the last is for what is not counted
        activity = state.weights["activity"].ravel()[recorded]
        return memory | {
            "sums": memory["sums"].at[:, bin_of].add(activity),
            "visits": memory["visits"].at[bin_of].add(1.0),
        }

    def _tracked(self, state: State) -> dict[str, Array]:
        """Returns how far the lattice has moved since the motion began, looked at every few updates."""
        memory, activity = state.optimizer, state.weights["activity"]

        def look(_):
            spacing = self.inhibition.predicted_spacing()
            moved = memory["moved"] + displacement(memory["last"], activity, spacing)
            begun = state.update > self.settling_updates
            return {"last": activity, "moved": jnp.where(begun, moved, 0.0)}

        counts = (state.update - self.settling_updates) % TRACKED_EVERY == 0
        last = state.update == self.total_updates
        return jax.lax.cond(counts | last, look, lambda _: memory, None)
