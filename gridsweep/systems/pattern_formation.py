"""Pattern formation: maps that grow under the target's kernel, with no walk and no velocity.

Reading a target P out of hidden maps G by the best readout leaves |P - G W|^2; gradient ascent on what it
explains is dg/dt = K g - g with the kernel K = P P^T, which for cells spread evenly over the arena depends
on offsets alone. Each plane wave then grows at its own rate, and those on the ring where the target's
spectrum is largest win. What they add up to, the nonlinearity decides: a term of third order is largest for
three waves at 120 degrees, so rectified maps become hexagonal, and linear or odd ones stay mixtures: stripes
or squares. The claim of the "unified theory": both period and symmetry are there before any network is.

Three dynamics, for maps g on a periodic lattice, with step ``rate`` / lambda_max and lambda_max the largest
eigenvalue of K:

* ``unit_norm``: g <- phi(g + step K g), scaled to a mean square of one after every step. Corrected form.
* ``published``: g <- phi(g + step (K g - g)) from 1e-8 times noise, never scaled. The published rectified
  run grows to 1e75; here such a map is kept at a mean square of one beside the logarithm of its scale,
  which gives the same shapes in float32. The published tanh run stays near 1e-6, where tanh is the
  identity: what it shows is filtered noise.
* ``orthonormal``: g_j <- g_j + step (K g_j - sum over i <= j of <g_i, K g_j> g_i + ``drive`` phi(g_j)), the
  published ordering of many units (Sanger's rule). The first unit leads; published, it is the last. The
  drive adds to a map and does not clamp it: negative values remain.

Source: spec 3.1, 3.4, 3.5 (Sorscher et al. 2023 and the notebook beside it; Sanger 1989 for the ordering).
"""

import dataclasses
import math
from typing import ClassVar, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from gridsweep.arena import Arena
from gridsweep.kinds import Problem, Scalar, kind, part, per_cohort, per_lane
from gridsweep.systems._base import Keys, Observation, State, System
from gridsweep.systems._lattice import (
    ACTIVATIONS,
    convolve,
    gaussian_spectrum,
    hexagonal_period,
    lattice_m,
    map_metrics,
    power_spectrum,
    report,
    target_activity,
    unit_mean_square,
)
from gridsweep.targets import Target
from gridsweep.targets._base import too_wide
from gridsweep.targets.gaussian import Gaussian

START_SCALE = 1e-8  # spec 3.4: of the published noise
BOUNDED = ("tanh",)


@kind
class PatternFormation(System):
    """Maps on a lattice, driven by the kernel of a target."""

    streams: ClassVar[tuple[str, ...]] = ("centre", "init")

    arena: Arena = part(default="box", meaning="where the target's cells are")
    target: Target = part(default="difference_of_softmaxes", meaning="whose kernel drives the maps")
    units: int = per_cohort(32, unit="units", meaning="number of maps", at_least=1, at_most=65_536)
    points: int = per_cohort(
        55, unit="points", meaning="points of the lattice along a side", at_least=8, at_most=512
    )
    edges: str = per_cohort(
        "half_step_inside",
        choices=("half_step_inside", "on_the_walls"),
        meaning="the outermost points; on_the_walls: as published, which makes the period a step longer "
        "than the side",
    )
    kernel: str = per_cohort(
        "target",
        choices=("target", "gaussian"),
        meaning="target: of its drawn cells; gaussian: exp(-r^2 / 2 kernel_width_m^2), in closed form",
    )
    kernel_width_m: Scalar = per_lane(
        0.12, unit="m", meaning="width of the gaussian kernel", above=0.0, at_most=1000.0
    )
    zero_frequency: str = per_cohort(
        "removed", choices=("removed", "kept"), meaning="whether the kernel's constant mode is set to 0"
    )
    dynamics: str = per_cohort(
        "unit_norm",
        choices=("unit_norm", "published", "orthonormal"),
        meaning="how a step is taken: see the header",
    )
    activation: str = per_cohort(
        "relu", choices=("relu", "tanh", "linear"), meaning="nonlinearity that a map passes at every step"
    )
    rate: Scalar = per_lane(
        1.0, meaning="growth of the strongest wave in a step, in units of itself", above=0.0, at_most=1e3
    )
    drive: Scalar = per_lane(
        1.0,
        meaning="weight of the nonlinear drive; no effect but with dynamics: orthonormal",
        at_least=0.0,
        at_most=1e6,
    )
    updates: int = per_cohort(
        1_500, unit="updates", meaning="steps of the dynamics", at_least=1, at_most=1_000_000_000
    )

    @property
    def scored_units(self) -> int:
        """Each map is a unit."""
        return self.units

    @property
    def map_side_m(self) -> Scalar:
        """The period of the lattice, which its points cover."""
        if self.edges == "half_step_inside":
            return self.arena.side_m
        return self.arena.side_m * (self.points / (self.points - 1))

    @property
    def total_updates(self) -> int:
        """The steps of the dynamics."""
        return self.updates

    def problems(self) -> list[Problem]:
        """The target has to be of its arena's size, or the kernel that stands for it."""
        if self.kernel == "target":
            return self.target.problems_in(self.arena)
        return too_wide("system.kernel_width_m", self.kernel_width_m, self.arena.side_m, "arena.side_m")

    def canonical(self) -> Self:
        """Leaves out the target of a closed kernel, the width of a drawn one, and a drive without effect."""
        normal = super().canonical()
        if self.kernel == "gaussian":
            normal = dataclasses.replace(normal, target=Gaussian(**Gaussian.defaults()), centre_seed=0)
        else:
            normal = dataclasses.replace(normal, kernel_width_m=0.12)
        if self.dynamics != "orthonormal":
            normal = dataclasses.replace(normal, drive=1.0)
        return normal

    def operations_per_update(self) -> float:
        """Returns two Fourier transforms of every map, and the products of all maps if they are coupled."""
        places = self.points**2
        transforms = 2 * self.units * places * 5 * math.log2(places)
        coupled = 4 * self.units**2 * places if self.dynamics == "orthonormal" else 0
        return transforms + coupled

    def init(self, keys: Keys) -> State:
        """Returns maps of white noise."""
        maps = jax.random.normal(keys.weights, (self.units, self.points, self.points))
        log_scale = jnp.zeros(self.units)
        if self.keeps_scale:
            maps = START_SCALE * maps
        else:
            maps = unit_mean_square(maps)
            log_scale = log_scale + jnp.log(START_SCALE)
        weights = {"maps": maps, "log_scale": log_scale}
        return State(weights, (), jnp.int32(0), jnp.int32(-1), jnp.bool_(True))

    @property
    def keeps_scale(self) -> bool:
        """Whether a map's size matters to how it goes on, so that it is never scaled."""
        return self.dynamics == "orthonormal" or (self.dynamics == "published" and self.activation in BOUNDED)

    def spectrum(self, keys: Keys) -> Float[Array, "points points"]:
        """Returns the kernel's eigenvalues, by plane wave."""
        if self.kernel == "gaussian":
            eigenvalues = gaussian_spectrum(self.kernel_width_m / self.map_side_m * self.points, self.points)
        else:
            places_m = lattice_m(self.map_side_m, self.points)
            activity = target_activity(self.target, self.arena, keys.centres, places_m)
            eigenvalues = power_spectrum(activity.T.reshape(-1, self.points, self.points))
        return eigenvalues if self.zero_frequency == "kept" else eigenvalues.at[0, 0].set(0.0)

    def advance(self, state: State, keys: Keys, updates: Int[Array, ""]) -> State:
        """Returns the maps more steps later."""
        spectrum = self.spectrum(keys)

        def step(_, state):
            return self._step(state, spectrum)

        return jax.lax.fori_loop(0, updates, step, state)

    def metrics(self, state: State, keys: Keys) -> dict[str, Float[Array, ""]]:
        """Returns energy, reconstruction error and largest overlap."""
        return map_metrics(state.weights["maps"], self.spectrum(keys))

    def observe(self, state: State, keys: Keys) -> Observation:
        """Returns the maps on the bins of each evaluation, and the period that the kernel predicts."""
        spectrum = self.spectrum(keys)
        metrics = map_metrics(state.weights["maps"], spectrum)
        metrics["predicted_period_m"] = hexagonal_period(spectrum, self.map_side_m)
        return report(self.evaluation, unit_mean_square(state.weights["maps"]), metrics)

    def _step(self, state: State, spectrum: Float[Array, "points points"]) -> State:
        """Returns the maps one step later; those that go non-finite are frozen where they were."""
        before, log_scale = state.weights["maps"], state.weights["log_scale"]
        maps = self._moved(before, spectrum)
        if not self.keeps_scale:
            size = jnp.sqrt(jnp.mean(maps**2, axis=(1, 2)))
            maps = unit_mean_square(maps)
            log_scale = log_scale + jnp.log(size) if self.dynamics == "published" else log_scale
        alive = state.alive & jnp.all(jnp.isfinite(maps))
        weights = {
            "maps": jnp.where(alive, maps, before),
            "log_scale": jnp.where(alive, log_scale, state.weights["log_scale"]),
        }
        died = jnp.where(state.alive & ~alive, state.update, state.diverged_update)
        return State(weights, (), state.update + 1, died, alive)

    def _moved(self, maps: Float[Array, "units points points"], spectrum: Float[Array, "points points"]):
        activation, step = ACTIVATIONS[self.activation], self.rate / jnp.max(spectrum)
        driven = convolve(maps, spectrum)
        if self.dynamics == "unit_norm":
            return activation(maps + step * driven)
        if self.dynamics == "published":
            return activation(maps + step * (driven - maps))
        flat, moved = maps.reshape(self.units, -1), driven.reshape(self.units, -1)
        coupling = jnp.triu(jnp.matmul(flat, moved.T, precision="highest"))  # <g_i, K g_j> for i <= j
        deflated = moved - jnp.matmul(coupling.T, flat, precision="highest")
        return maps + step * (deflated.reshape(maps.shape) + self.drive * activation(maps))
