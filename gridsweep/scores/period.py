"""The period of a lattice and which way it lies: the peaks around the centre of its autocorrelation.

Only for a unit that looks hexagonal at all (grid_score_60 above 0.3, as published): the peaks around the
centre of anything else are no lattice. NULL for the others.

Source: spec e.7, the published estimate. It reads the raw autocorrelation, the sum over the overlap of the
map times itself moved, which falls with the overlap and so pulls its peaks inwards. On noiseless lattices in
a box of 2.2 m the period is 0 to 3 % low up to 0.9 m and 7 to 9 % low at 1.5 m; rectified, which leaves them
a mean, 0 to 4 % and 17 %. It is kept, so that periods can be set beside published ones; those were called
centimetres and are bins (spec f.14), so both are given.
"""

import functools
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from gridsweep.scores._base import Look, Score
from gridsweep.scores.grid_score import best_ring, correlations_of, grid_score_60

LEAST_GRID_SCORE_60 = 0.3  # spec e.7
NEIGHBOURS = 6
_PAIRS = NEIGHBOURS // 2  # a peak and its mirror image are found together


class Period(Score):
    """Distance and directions of the six peaks nearest to the centre of the raw autocorrelation."""

    columns = (
        "period_m",
        "period_spread_m",
        "period_bins",
        *(f"orientation_{neighbour}_rad" for neighbour in range(NEIGHBOURS)),
    )
    nullable: ClassVar[tuple[str, ...]] = columns

    def measure(self, look: Look) -> dict[str, Shaped[Array, " units"]]:
        """Returns mean distance, its standard deviation (of the population), and directions by distance.

        Where fewer than six peaks are inside the autocorrelogram the mean is over those, and the
        directions of the others are NaN. Directions are those of lags, from the x axis towards y, in
        (-pi, pi]; those at even places lie in the half plane from -pi/2 to pi/2, each followed by its
        opposite.
        """
        product = look.autocorrelogram.product
        score, _ = best_ring(grid_score_60(look.once(correlations_of)))
        peaks = nearest_peaks(product)
        found = peaks.found & (score > LEAST_GRID_SCORE_60)[None]
        number = jnp.sum(found, axis=0)
        some = jnp.maximum(number, 1).astype(product.dtype)
        mean = jnp.sum(jnp.where(found, peaks.distance_bins, 0.0), axis=0) / some
        deviation = jnp.where(found, peaks.distance_bins - mean[None], 0.0)
        spread = jnp.sqrt(jnp.sum(deviation**2, axis=0) / some)
        period_bins = jnp.where(number > 0, mean, jnp.nan)
        bin_m = look.side_m / look.maps.shape[-1]
        values = {
            "period_m": period_bins * bin_m,
            "period_spread_m": jnp.where(number > 0, spread, jnp.nan) * bin_m,
            "period_bins": period_bins,
        }
        for pair in range(_PAIRS):
            ahead = jnp.where(found[pair], peaks.angle_rad[pair], jnp.nan)
            values[f"orientation_{2 * pair}_rad"] = ahead
            values[f"orientation_{2 * pair + 1}_rad"] = jnp.where(ahead > 0, ahead - jnp.pi, ahead + jnp.pi)
        return values


class Peaks(NamedTuple):
    """One of each pair of opposite peaks, nearest first."""

    found: Bool[Array, "pairs units"]
    distance_bins: Float[Array, "pairs units"]
    angle_rad: Float[Array, "pairs units"]


def nearest_peaks(product: Float[Array, "bins lags units"]) -> Peaks:
    """Returns the three pairs of peaks nearest to the centre, which is none of them.

    A peak is a lag that is nowhere exceeded among its eight neighbours, that is above the least of all
    lags, and that does not lie on the edge. Of pairs equally far the one at the smaller lag along x comes
    first, then the one at the smaller lag along y.

    Args:
        product: half of a raw autocorrelation, see ``HalfAutocorrelogram``.
    """
    places = _places(product.shape[0])
    mirrored = jnp.concatenate([product[1:2, ::-1], product])
    along_y = functools.reduce(jnp.maximum, (mirrored[:, :-2], mirrored[:, 1:-1], mirrored[:, 2:]))
    around = functools.reduce(jnp.maximum, (along_y[:-2], along_y[1:-1], along_y[2:]))
    inside = product[:-1, 1:-1]
    peak = (inside == around) & (inside > jnp.min(product, axis=(0, 1), keepdims=True))
    rank = jnp.where(peak, places.rank[:, :, None], places.last)
    ranks = [jnp.min(rank, axis=(0, 1))]
    for _ in range(_PAIRS - 1):
        ranks.append(jnp.min(jnp.where(rank > ranks[-1][None, None], rank, places.last), axis=(0, 1)))
    at = jnp.stack(ranks)
    distance_bins, angle_rad = (jnp.asarray(table, product.dtype) for table in places[:2])
    return Peaks(at < places.last, distance_bins[at], angle_rad[at])


class _Places(NamedTuple):
    """The lags inside half of an autocorrelogram, by their distance from the centre."""

    distance_bins: Float[np.ndarray, " ranks"]
    angle_rad: Float[np.ndarray, " ranks"]
    rank: Int[np.ndarray, "lags_x lags_y"]  # ``last`` at the centre and at the mirror images of others
    last: int


@functools.cache
def _places(bins: int) -> _Places:
    lag_x, lag_y = np.mgrid[0 : bins - 1, 2 - bins : bins - 1]
    squared = lag_x**2 + lag_y**2
    one_of_two = np.flatnonzero((lag_x > 0) | (lag_y > 0))
    order = one_of_two[np.argsort(squared.ravel()[one_of_two], kind="stable")]
    last = len(order)
    rank = np.full(lag_x.size, last, np.int32)
    rank[order] = np.arange(last)
    distance_bins = np.append(np.sqrt(squared.ravel()[order]), np.nan)
    angle_rad = np.append(np.arctan2(lag_y.ravel()[order], lag_x.ravel()[order]), np.nan)
    return _Places(distance_bins, angle_rad, rank.reshape(lag_x.shape), last)
