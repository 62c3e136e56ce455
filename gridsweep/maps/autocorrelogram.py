"""The spatial autocorrelogram: how well a rate map matches itself moved by every lag.

A lattice is equal to itself moved by a lattice vector, so its autocorrelogram is a lattice again, centred
and without phase: what the grid score looks at.

The sums are direct, never by Fourier transform. A transform spreads its rounding error evenly over all
lags, at 1e-16 of the largest product; in the tails of a place-like map the windows themselves are smaller
than that. Matrix products over the rows give every lag in full precision at the speed of the processor,
and as the autocorrelogram is centrally symmetric, half of the lags are computed.

Source: spec e.2 (the published scorer), with a relative guard in place of NaN and overflow.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

# A window whose variance is this small beside its mean square is constant up to the rounding of its own
# sums: there is nothing to correlate. Source: spec e.2 [R], held against the golden data.
LEAST_RELATIVE_VARIANCE = 1e-12

# Lags along x come in this many groups; the products of a group run over the overlap of its first lag.
# More groups skip more zeros and compile longer.
_LAG_GROUPS = 4

_einsum = functools.partial(jnp.einsum, precision="highest")


class HalfAutocorrelogram(NamedTuple):
    """The lags (0 … bins - 1) along x and (-(bins - 1) … bins - 1) along y; the rest is their mirror image.

    Units come last: what follows is linear in the autocorrelogram and works on all units alike.
    """

    correlation: Float[Array, "bins lags units"]
    guarded: Bool[Array, "bins lags units"]  # nothing to correlate; 0 in ``correlation``
    product: Float[Array, "bins lags units"]  # the sum over the overlap of the map times itself moved


def autocorrelogram(maps: Float[Array, "units bins bins"]) -> Float[Array, "units lags lags"]:
    """Returns the Pearson correlation of each map with itself at every lag, over the overlap.

    Args:
        maps: unvisited bins are NaN and count as zero rate, as published. At least float64 is wanted: in
            float32 the windows of small variance are off by 1e-2.

    Returns:
        lags = 2 * bins - 1, the zero lag in the middle, first axis x. 0 where either window is constant
        (see ``LEAST_RELATIVE_VARIANCE``), so 0 everywhere for a constant map.
    """
    half = jnp.moveaxis(half_autocorrelogram(maps).correlation, -1, 0)
    return jnp.concatenate([half[:, :0:-1, ::-1], half], axis=1)


def half_autocorrelogram(maps: Float[Array, "units bins bins"]) -> HalfAutocorrelogram:
    """Returns the half of each autocorrelogram that determines the rest; see ``autocorrelogram``."""
    units, bins, _ = maps.shape
    maps = jnp.where(jnp.isnan(maps), 0.0, maps)
    windows = _windows(bins)

    moments = jnp.concatenate([maps, maps**2]).transpose(1, 0, 2)
    along_y = windows.along_y.astype(maps.dtype)
    along_x = _einsum("wlx,xuy->wluy", windows.along_x.astype(maps.dtype), moments)
    here, there = (_einsum("luy,ym->lum", along_x[side], along_y[side]) for side in (0, 1))

    overlap = windows.overlap.astype(maps.dtype)[:, None, :]
    mean, square = here[:, :units] / overlap, here[:, units:] / overlap
    moved_mean, moved_square = there[:, :units] / overlap, there[:, units:] / overlap
    variance, moved_variance = square - mean**2, moved_square - moved_mean**2
    varies = (variance > LEAST_RELATIVE_VARIANCE * square) & (
        moved_variance > LEAST_RELATIVE_VARIANCE * moved_square
    )
    product = _lag_sums(maps)
    covariance = product / overlap - mean * moved_mean
    deviations = jnp.where(varies, jnp.sqrt(variance) * jnp.sqrt(moved_variance), 1.0)
    correlation = jnp.where(varies, covariance / deviations, 0.0)
    return HalfAutocorrelogram(*(found.transpose(0, 2, 1) for found in (correlation, ~varies, product)))


def count_lags(marked: Bool[Array, "bins lags units"]) -> Int[Array, " units"]:
    """Returns how many lags of the whole autocorrelogram are marked, given its half."""
    on_axis, off_axis = marked[0], marked[1:]
    return jnp.sum(on_axis, axis=0, dtype=jnp.int32) + 2 * jnp.sum(off_axis, axis=(0, 1), dtype=jnp.int32)


def _lag_sums(maps: Float[Array, "units bins bins"]) -> Float[Array, "bins units lags"]:
    """Returns the sum over the overlap of each map times itself moved, for half of the lags.

    For one lag along x the products of all columns with all columns are one matrix product over x; the
    lag along y is constant on its diagonals. The columns on the left are reversed, which turns diagonals
    into anti-diagonals: row r moved to the right by r, and all rows added.
    """
    bins = maps.shape[1]
    reversed_columns = maps.transpose(0, 2, 1)[:, ::-1]
    padded = jnp.pad(maps, ((0, 0), (0, bins), (0, 0)))

    def sums_at(lag: Int[Array, ""], overlap: int) -> Float[Array, "units lags"]:
        moved = jax.lax.dynamic_slice_in_dim(padded, lag, overlap, axis=1)
        products = _einsum("urx,uxy->ury", reversed_columns[:, :, :overlap], moved)
        moved_rows = (jnp.pad(products[:, row], ((0, 0), (row, bins - 1 - row))) for row in range(bins))
        return functools.reduce(jnp.add, moved_rows)

    group = -(-bins // _LAG_GROUPS)
    sums = []
    for first in range(0, bins, group):
        lags = jnp.arange(first, min(first + group, bins))
        at = functools.partial(sums_at, overlap=bins - first)
        sums.append(jax.lax.map(at, lags))
    return jnp.concatenate(sums)


class _Windows(NamedTuple):
    """Which bins overlap at each lag, for the map (side 0) and its moved copy (side 1)."""

    along_x: Float[np.ndarray, "sides lags_x bins"]
    along_y: Float[np.ndarray, "sides bins lags_y"]
    overlap: Float[np.ndarray, "lags_x lags_y"]  # number of bins


@functools.cache
def _windows(bins: int) -> _Windows:
    bin_number = np.arange(bins)
    lag_x, lag_y = np.arange(bins), np.arange(1 - bins, bins)

    def inside(position):
        return ((position >= 0) & (position < bins)).astype(float)

    along_x = np.stack([inside(bin_number[None] + sign * lag_x[:, None]) for sign in (1, -1)])
    along_y = np.stack([inside(bin_number[:, None] + sign * lag_y[None]) for sign in (1, -1)])
    return _Windows(along_x, along_y, along_x[0].sum(axis=1)[:, None] * along_y[0].sum(axis=0)[None])
