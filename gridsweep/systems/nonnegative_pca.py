"""Principal components of place-cell activity, with and without non-negative weights.

A unit reads place cells through weights J. Its variance under a cell's field r is largest for the plane
waves on the ring where |r~(k)| is largest; all of that ring are equally good, so what unconstrained
learning finds is a mixture of two of them at right angles: stripes to squares. Weights that may not be
negative need a positive mean and pay for every wave, and three waves at 120 degrees are the cheapest way:
hexagons. The published claim: non-negativity, not the network, makes grid cells hexagonal.

A field is r = N(w) - v N(s w) on a torus, N a Gaussian of unit volume: s = 2 and v = 1 are published (a
difference of zero volume; as heights, 1 and 1/4). With v = 0 it is a Gaussian, the constant is the best map
of all, and there is no lattice. The predicted spacing is 7.547 w for s = 2.

Two algorithms for weights J of ``points`` x ``points`` cells on a lattice:

* ``network``: a walker on the torus; at every step psi = 100 J r and J += epsilon (psi r - psi^2 J), Oja's
  rule, or tril(psi psi^T) J in place of psi^2 J, Sanger's rule for ordered units; negative weights are then
  set to 0. epsilon = rate / (t + 1e8). Cells answer 30 [exp(-d^2 / 2 w^2) - v/s^2 exp(-d^2 / 2 (s w)^2)].
  Published: 25 points, 500,000 steps of 2.15/75 of a side, headings that change by N(0, 0.2).
* ``projected_ascent``: FISTA on |r * J|^2 for |J| = 1. q = y + rate/2 r * (r * y), negative parts set to 0,
  J = q / |q|, and y looks ahead of J by the momentum of t <- (1 + sqrt(1 + 4 t^2)) / 2. Ordered units have
  the earlier ones taken out of y first. Published: 100 points, 1,500 steps suffice.

Reported are the units' outputs r * J as a function of place; energy and overlaps are those of J.

Source: spec 3.7 (Dordek et al. 2016 and both programs beside it).
"""

import dataclasses
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from gridsweep.kinds import Problem, Scalar, kind, per_cohort, per_lane
from gridsweep.systems._base import Keys, Observation, State, System
from gridsweep.systems._lattice import (
    convolve,
    hexagonal_period,
    lattice_m,
    map_metrics,
    mode_numbers,
    report,
)
from gridsweep.targets._base import too_wide

# Of the published network (spec 3.7a).
PEAK_RATE = 30.0
OUTPUT_GAIN = 100.0
LEARNING_DELAY = 1e8
START_SUM = 0.04
STEP_LENGTH = 2.15 / 75  # of a side
TURN_SD_RAD = 0.2

LEAST_POINTS_REPORTED = 64  # outputs of fewer cells are reported between the cells too
FINER = 5  # odd, so that cells stay at the middles of squares


@kind
class NonnegativePca(System):
    """Units that learn the principal components of place cells on a torus."""

    streams: ClassVar[tuple[str, ...]] = ("init", "trajectory")

    algorithm: str = per_cohort(
        "network",
        choices=("network", "projected_ascent"),
        meaning="network: Oja's or Sanger's rule along a walk; projected_ascent: FISTA on the covariance",
    )
    constraint: str = per_cohort(
        "non_negative", choices=("non_negative", "none"), meaning="whether weights may be negative"
    )
    ordering: str = per_cohort(
        "independent",
        choices=("independent", "ordered"),
        meaning="independent: each finds a first component; ordered: each avoids those before it",
    )
    units: int = per_cohort(16, unit="units", meaning="number of units", at_least=1, at_most=65_536)
    points: int = per_cohort(
        25, unit="points", meaning="place cells along a side, on a lattice", at_least=8, at_most=512
    )
    side_m: Scalar = per_lane(2.2, unit="m", meaning="side of the torus", above=0.0, at_most=1000.0)
    field_width_m: Scalar = per_lane(
        0.165, unit="m", meaning="standard deviation of the centre of a field", above=0.0, at_most=1000.0
    )
    surround_ratio: Scalar = per_lane(
        2.0, meaning="standard deviation of the surround over that of the centre", above=1.0, at_most=1e6
    )
    surround_volume: Scalar = per_lane(
        1.0, meaning="volume of the surround over that of the centre; 0: none", at_least=0.0, at_most=1e6
    )
    rate: Scalar = per_lane(
        1.0, meaning="step of learning, in units of the published", above=0.0, at_most=1e6
    )
    updates: int = per_cohort(
        500_000,
        unit="updates",
        meaning="steps of learning; 1,500 suffice with projected_ascent",
        at_least=1,
        at_most=1_000_000_000,
    )

    @property
    def scored_units(self) -> int:
        """All units."""
        return self.units

    @property
    def total_updates(self) -> int:
        """The steps of learning."""
        return self.updates

    def problems(self) -> list[Problem]:
        """No field is wider than the torus."""
        return too_wide("system.field_width_m", self.field_width_m, self.side_m, "system.side_m")

    def canonical(self) -> Self:
        """Leaves out the seed of a walk that nobody walks, and the width of a surround without volume."""
        normal = super().canonical()
        if self.algorithm == "projected_ascent":
            normal = dataclasses.replace(normal, trajectory_seed=0)
        return normal if self.surround_volume != 0 else dataclasses.replace(normal, surround_ratio=2.0)

    def operations_per_update(self) -> float:
        """Returns the products with all weights, or two transforms of every map of weights."""
        cells = self.points**2
        per_weight = 6 if self.algorithm == "network" else 60
        coupled = 4 * self.units if self.ordering == "ordered" else 0
        return float(self.units * cells * (per_weight + coupled))

    def init(self, keys: Keys) -> State:
        """Returns random weights; and a walker at a random place, or a look-ahead that is level with them."""
        shape = (self.units, self.points, self.points)
        if self.algorithm == "network":
            positive = jax.random.uniform(keys.weights, shape)
            weights = START_SUM * positive / jnp.sum(positive, axis=(1, 2), keepdims=True)
            place, heading = jax.random.split(keys.trajectories)
            memory: Any = {
                "position": jax.random.uniform(place, (2,)),
                "heading_rad": jax.random.uniform(heading, (), maxval=2 * jnp.pi),
            }
        else:
            weights = of_unit_norm(self._constrained(jax.random.normal(keys.weights, shape)))
            memory = {"ahead": weights, "momentum": jnp.ones(())}
        return State({"maps": weights}, memory, jnp.int32(0), jnp.int32(-1), jnp.bool_(True))

    def advance(self, state: State, keys: Keys, updates: Int[Array, ""]) -> State:
        """Returns the units after more steps; those that go non-finite are frozen where they were."""
        learn = self._walked(keys) if self.algorithm == "network" else self._ascended()

        def step(_, state):
            weights, memory = learn(state.weights["maps"], state.optimizer, state.update)
            alive = state.alive & jnp.all(jnp.isfinite(weights))
            weights = jnp.where(alive, weights, state.weights["maps"])
            died = jnp.where(state.alive & ~alive, state.update, state.diverged_update)
            return State({"maps": weights}, memory, state.update + 1, died, alive)

        return jax.lax.fori_loop(0, updates, step, state)

    def metrics(self, state: State, keys: Keys) -> dict[str, Float[Array, ""]]:
        """Returns energy (variance of the output, of unit weights), unexplained share and overlap."""
        del keys
        return map_metrics(state.weights["maps"], self.transform(self.points) ** 2)

    def observe(self, state: State, keys: Keys) -> Observation:
        """Returns each unit's output as a function of place, and the period that the field predicts."""
        metrics = self.metrics(state, keys)
        metrics["predicted_period_m"] = hexagonal_period(self.transform(self.points) ** 2, self.side_m)
        return report(self.evaluation, self.outputs(state.weights["maps"]), metrics)

    def transform(self, points: int) -> Float[Array, "points points"]:
        """Returns the Fourier coefficients of a field whose centre has unit volume."""
        squared = (mode_numbers(points) * (2 * jnp.pi / self.side_m * self.field_width_m)) ** 2
        return jnp.exp(-squared / 2) - self.surround_volume * jnp.exp(-squared * self.surround_ratio**2 / 2)

    def outputs(self, weights: Float[Array, "units points points"]) -> Float[Array, "units finer finer"]:
        """Returns r * J at the cells' places, and between them where the cells are few."""
        finer = FINER if self.points < LEAST_POINTS_REPORTED else 1
        places = self.points * finer
        spread = jnp.zeros((self.units, places, places))
        middle = finer // 2
        spread = spread.at[:, middle::finer, middle::finer].set(weights)
        return convolve(spread, self.transform(places)) * finer**2

    def _constrained(self, weights: Float[Array, "units points points"]):
        return jax.nn.relu(weights) if self.constraint == "non_negative" else weights

    def _ascended(self):
        """Returns one step of projected ascent."""
        variance = self.transform(self.points) ** 2

        def learn(weights, memory, update):
            del update
            ahead = memory["ahead"]
            if self.ordering == "ordered":
                ahead = without_earlier(ahead, weights)
            moved = ahead + self.rate / 2 * convolve(ahead, variance)
            if self.ordering == "ordered":
                moved = without_earlier(moved, weights)
            after = of_unit_norm(self._constrained(moved))
            momentum = (1 + jnp.sqrt(1 + 4 * memory["momentum"] ** 2)) / 2
            ahead = after + (memory["momentum"] - 1) / momentum * (after - weights)
            return after, {"ahead": ahead, "momentum": momentum}

        return learn

    def _walked(self, keys: Keys):
        """Returns one step of the network: the walker moves, the units hear the cells, the weights follow."""
        centres = lattice_m(1.0, self.points) + 0.5  # in sides

        def learn(weights, memory, update):
            turn_rad = TURN_SD_RAD * jax.random.normal(jax.random.fold_in(keys.trajectories, update))
            heading_rad = jnp.mod(memory["heading_rad"] + turn_rad, 2 * jnp.pi)
            way = STEP_LENGTH * jnp.stack([jnp.cos(heading_rad), jnp.sin(heading_rad)])
            position = jnp.mod(memory["position"] + way, 1.0)
            activity = self._activity(position, centres)
            flat = weights.reshape(self.units, -1)
            output = OUTPUT_GAIN * jnp.matmul(flat, activity, precision="highest")
            if self.ordering == "ordered":
                taken = jnp.matmul(jnp.tril(jnp.outer(output, output)), flat, precision="highest")
            else:
                taken = output[:, None] ** 2 * flat
            rate = self.rate / (update + LEARNING_DELAY)
            flat = flat + rate * (output[:, None] * activity[None] - taken)
            return self._constrained(flat.reshape(weights.shape)), {
                "position": position,
                "heading_rad": heading_rad,
            }

        return learn

    def _activity(
        self, position: Float[Array, "2"], centres: Float[Array, "cells 2"]
    ) -> Float[Array, " cells"]:
        """Returns what every cell answers at a place; both in sides of the torus."""
        offset = jnp.abs(centres - position[None])
        squared_m2 = jnp.sum(jnp.minimum(offset, 1 - offset) ** 2, axis=1) * self.side_m**2
        centre = squared_m2 / (2 * self.field_width_m**2)
        depth = self.surround_volume / self.surround_ratio**2
        return PEAK_RATE * (jnp.exp(-centre) - depth * jnp.exp(-centre / self.surround_ratio**2))


def of_unit_norm(maps: Float[Array, "units points points"]) -> Float[Array, "units points points"]:
    """Returns each map divided by the root of its sum of squares."""
    squares = jnp.sum(maps**2, axis=(1, 2), keepdims=True)
    return maps * jax.lax.rsqrt(jnp.maximum(squares, 1e-30))


def without_earlier(
    maps: Float[Array, "units points points"], found: Float[Array, "units points points"]
) -> Float[Array, "units points points"]:
    """Returns each map less its projections on what the units before it have found (of unit norm)."""
    units = len(maps)
    flat, earlier = maps.reshape(units, -1), found.reshape(units, -1)
    overlap = jnp.tril(jnp.matmul(flat, earlier.T, precision="highest"), k=-1)
    return (flat - jnp.matmul(overlap, earlier, precision="highest")).reshape(maps.shape)
