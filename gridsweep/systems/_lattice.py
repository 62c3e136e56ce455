"""Maps on a periodic lattice of places: kernels by their spectrum, and how such maps are reported.

What several systems share that have no walker: places are the points of a square lattice, a kernel that
depends on the offset between two places alone is a multiplication of each plane wave, and the maps are
read on the bins that an evaluation asks for.

Source: spec 3.1 and 3.4. The published kernel sums, over reference places, the correlations of the
target's activity there with that at every cyclic offset. That is the cyclic autocorrelation of every
cell's map, summed over cells, so its spectrum is the sum of the cells' power spectra.
"""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.arena import Arena
from gridsweep.evaluations import Evaluation
from gridsweep.kinds import Scalar
from gridsweep.maps.area_mean import area_mean
from gridsweep.systems._base import Observation
from gridsweep.targets import Target
from gridsweep.trajectories import standing_at

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "linear": lambda maps: maps}
LEAST_SQUARE = 1e-30  # keeps a map that has vanished from dividing by zero
LEAST_SHARE = 1e-4  # directions in which maps differ by less, beside the most, are rounding: float32


def lattice_m(side_m: Scalar, points: int) -> Float[Array, "points*points 2"]:
    """Returns the centres of ``points`` x ``points`` equal squares of a square, x first, in m."""
    along_m = ((jnp.arange(points) + 0.5) / points - 0.5) * side_m
    return jnp.stack(jnp.meshgrid(along_m, along_m, indexing="ij"), axis=-1).reshape(-1, 2)


def target_activity(
    target: Target, arena: Arena, key: PRNGKeyArray, position_m: Float[Array, "places 2"]
) -> Float[Array, "places outputs"]:
    """Returns a target's activity at places, with no way between them; the heading is 0."""
    return target.encode(arena, target.draw(key, arena), standing_at(position_m))


def power_spectrum(maps: Float[Array, "cells points points"]) -> Float[Array, "points points"]:
    """Returns the summed squared modulus of the discrete Fourier transforms: eigenvalues of the kernel."""
    return jnp.sum(jnp.abs(jnp.fft.fft2(maps)) ** 2, axis=0)


def gaussian_spectrum(width: Scalar, points: int) -> Float[Array, "points points"]:
    """Returns the spectrum of exp(-r^2 / 2 width^2) on a periodic lattice; ``width`` in lattice steps."""
    return jnp.fft.fft2(jnp.exp(-_square_offsets(points) / (2 * width**2))).real


def _square_offsets(points: int) -> Float[Array, "points points"]:
    """Returns the square of the shorter way from the first point to each, in lattice steps."""
    along = jnp.fft.fftfreq(points) * points
    return along[:, None] ** 2 + along[None, :] ** 2


def mode_numbers(points: int) -> Float[Array, "points points"]:
    """Returns how many periods of each plane wave fit into a side."""
    return jnp.sqrt(_square_offsets(points))


def convolve(
    maps: Float[Array, "units points points"], spectrum: Float[Array, "points points"]
) -> Float[Array, "units points points"]:
    """Returns each map convolved with the kernel of that (real, even) spectrum, periodically."""
    points = maps.shape[-1]
    half = spectrum[:, : points // 2 + 1]
    waves = jnp.fft.rfft2(maps) * half[None]
    return jnp.fft.irfft2(waves, s=(points, points))


def hexagonal_period(spectrum: Float[Array, "points points"], side: Scalar) -> Float[Array, ""]:
    """Returns the spacing of the hexagonal lattice made of waves of the strongest period, constant apart.

    In the units of ``side``. A wave with n periods a side has stripes side / n apart; three of them at 120
    degrees make a lattice whose nearest neighbours are 2 / sqrt(3) times as far apart (spec, notation).
    """
    strongest = jnp.argmax(spectrum.at[0, 0].set(-jnp.inf))
    return 2 / jnp.sqrt(3.0) * side / mode_numbers(spectrum.shape[0]).ravel()[strongest]


def unit_mean_square(maps: Float[Array, "units points points"]) -> Float[Array, "units points points"]:
    """Returns each map scaled to a mean square of one, that is to unit norm over the arena."""
    mean_square = jnp.mean(maps**2, axis=(-2, -1), keepdims=True)
    return maps * jax.lax.rsqrt(jnp.maximum(mean_square, LEAST_SQUARE))


def map_metrics(
    maps: Float[Array, "units points points"], spectrum: Float[Array, "points points"]
) -> dict[str, Float[Array, ""]]:
    """Returns energy, reconstruction error and largest overlap of maps, given a kernel's spectrum.

    * energy: the mean over units of <g, K g> / <g, g>, over the largest eigenvalue of the kernel K;
    * reconstruction error: min over W of |P - G W|^2 / |P|^2 when P P^T = K (spec eq. 5);
    * largest overlap: the largest |cosine| between two maps; 0 for a single one.
    """
    units = len(maps)
    maps = unit_mean_square(maps)
    flat = maps.reshape(units, -1) / maps.shape[-1]  # of unit norm
    moved = convolve(maps, spectrum).reshape(units, -1) / maps.shape[-1]
    gram = jnp.matmul(flat, flat.T, precision="highest")
    form = jnp.matmul(flat, moved.T, precision="highest")
    return {
        "energy": jnp.mean(jnp.diagonal(form)) / jnp.max(spectrum),
        "reconstruction_error": 1 - explained(gram, form) / jnp.sum(spectrum),
        "largest_overlap": jnp.max(jnp.abs(gram) * (1 - jnp.eye(units))),
    }


def explained(gram: Float[Array, "units units"], form: Float[Array, "units units"]) -> Float[Array, ""]:
    """Returns Tr((G^T G)^-1 G^T K G), the squares that the best readout explains.

    Directions in which the maps do not differ are left out: units that found the same map count once.
    """
    values, vectors = jnp.linalg.eigh(gram)
    within = jnp.einsum("uv,uw,wv->v", vectors, form, vectors, precision="highest")
    kept = values > LEAST_SHARE * values[-1]
    return jnp.sum(jnp.where(kept, within / jnp.where(kept, values, 1.0), 0.0))


def report(
    evaluations: Sequence[Evaluation],
    maps: Float[Array, "units points points"],
    metrics: Mapping[str, Float[Array, ""]],
) -> Observation:
    """Returns what is seen of maps on a lattice: their means over the bins of each evaluation.

    There are no walks to evaluate on, so evaluations differ in their bins alone; asked for as many bins as
    the lattice has points, the maps are reported as they are. Every bin counts as visited.
    """
    places = [(evaluation.kind_name(), bins) for evaluation in evaluations for bins in evaluation.bins]
    return Observation(
        maps={(name, bins): area_mean(maps, bins) for name, bins in places},
        visits={(name, bins): jnp.ones((bins, bins)) for name, bins in places},
        metrics={evaluation.kind_name(): dict(metrics) for evaluation in evaluations},
    )
