"""An autocorrelogram's rings, as they are and turned: ``scipy.ndimage.rotate`` as matrix products.

Turning by cubic splines is linear: a filter along both axes gives spline coefficients, and each turned
pixel is a weighted sum of the 4 x 4 coefficients around the place it came from. Here the coefficients are
cut into tiles, and all turned pixels that came from one tile are one small dense product over the units,
which a processor does at full speed where gathering 16 numbers a pixel would not.

What symmetry saves. An autocorrelogram is centrally symmetric: half of the pixels stand for all. The
lattice of pixels maps to itself under a quarter turn, so turning by 90 + a is turning by a, read at the
quarter-turned pixel: of the seven published angles three need interpolation.

Source: spec e.3 and e.4; scipy 1.13 to 1.17 with order 3, prefilter, reshape=False, constant 0 outside.
"""

import functools
import itertools
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy import ndimage, special

from gridsweep.maps.autocorrelogram import HalfAutocorrelogram

TURNS_DEG = (30, 45, 60)

# Side of a tile in pixels. Larger tiles multiply more zeros, smaller ones share less: 5 is the fastest
# from 20 to 50 bins, and takes 7 MB for 44 bins.
TILE = 5
_TAPS = 4  # of a cubic spline, along each axis
_PATCH = TILE + _TAPS - 1


class TurnedRings(NamedTuple):
    """Values on the pixels of each annulus, padded with zeros to the same number of pixels."""

    plain: Float[Array, "annuli pixels units"]
    quarter: Float[Array, "annuli pixels units"]  # at the quarter-turned pixel
    turned: Float[Array, "turns annuli pixels units"]  # by ``TURNS_DEG``


class RingRotation(NamedTuple):
    """The precomputed operator for one number of bins; half of the pixels stand for all."""

    pixels: Int[np.ndarray, " annuli"]  # how many each annulus has
    plain: Int[np.ndarray, "annuli places"]  # place in the flattened half plane; one past its end is empty
    quarter: Int[np.ndarray, "annuli places"]
    turned: Int[np.ndarray, "turns annuli places"]  # place in the flattened (tiles, slots)
    filter_x: Float[np.ndarray, "coefficients_x lags"]
    filter_y: Float[np.ndarray, "coefficients_y lags"]
    weights: Float[np.ndarray, "tiles slots patch"]


def turn_rings(half: HalfAutocorrelogram, rotation: RingRotation) -> TurnedRings:
    """Returns each annulus of the autocorrelograms, as it is and turned by ``TURNS_DEG``.

    Turned by 90 + a at a pixel equals turned by a at the quarter-turned pixel; since a ring contains both,
    sums over it can pair ``quarter`` with ``turned`` instead.
    """
    correlation = half.correlation
    bins, lags, units = correlation.shape
    filter_x, filter_y, weights = (
        jnp.asarray(part, correlation.dtype)
        for part in (rotation.filter_x, rotation.filter_y, rotation.weights)
    )
    whole = jnp.concatenate([correlation[:0:-1, ::-1], correlation])
    einsum = functools.partial(jnp.einsum, precision="highest")
    coefficients = einsum("iy,xyu->xiu", filter_y, einsum("ix,xyu->iyu", filter_x, whole))
    patches = _overlapping(_overlapping(coefficients, axis=0), axis=2)
    patches = patches.transpose(0, 2, 1, 3, 4).reshape(-1, _PATCH**2, units)
    turned = einsum("tsp,tpu->tsu", weights, patches).reshape(-1, units)

    empty = jnp.zeros((1, units), correlation.dtype)
    flat = jnp.concatenate([correlation.reshape(bins * lags, units), empty])
    return TurnedRings(flat[rotation.plain], flat[rotation.quarter], turned[rotation.turned])


def _overlapping(coefficients: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
    """Returns windows of ``_PATCH`` along an axis, one every ``TILE``: (…, windows, patch, …)."""
    count = coefficients.shape[axis] // TILE - 1
    shape = coefficients.shape
    cut = coefficients.reshape(*shape[:axis], count + 1, TILE, *shape[axis + 1 :])
    lead = (slice(None),) * axis
    own, next_ones = cut[(*lead, slice(count))], cut[(*lead, slice(1, None), slice(_PATCH - TILE))]
    return jnp.concatenate([own, next_ones], axis=axis + 1)


@functools.cache
def ring_rotation(bins: int, edges: tuple[float, ...]) -> RingRotation:
    """Returns the operator for maps of ``bins`` and the annuli edges[i] < radius <= edges[i + 1], in bins."""
    lag_x, lag_y = np.mgrid[0:bins, 1 - bins : bins]
    radius = np.sqrt(lag_x**2 + lag_y**2)
    one_of_two = (lag_x > 0) | (lag_y > 0)
    members = [
        np.flatnonzero(one_of_two & (low < radius) & (radius <= high))
        for low, high in itertools.pairwise(edges)
    ]
    pixels = np.array([len(annulus) for annulus in members])
    empty = lag_x.size
    plain = np.full((len(members), max(pixels)), empty)
    for row, annulus in zip(plain, members, strict=True):
        row[: len(annulus)] = annulus
    real = plain < empty
    x, y = np.unravel_index(np.where(real, plain, 0), lag_x.shape)
    y = y - (bins - 1)

    quarter_x, quarter_y = _upper(y, -x)
    quarter = np.where(real, np.ravel_multi_index((quarter_x, quarter_y + bins - 1), lag_x.shape), empty)
    weights, turned = _tile_weights(bins, x, y, real)
    return RingRotation(
        pixels=pixels,
        plain=plain,
        quarter=quarter,
        turned=turned,
        filter_x=_spline_filter(2 * bins - 1, first=bins - 1, last=2 * bins - 2),
        filter_y=_spline_filter(2 * bins - 1, first=0, last=2 * bins - 2),
        weights=weights,
    )


def _upper(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns, of each place and its mirror image, the one that the half plane keeps."""
    sign = np.where((x > 0) | ((x == 0) & (y > 0)), 1, -1)
    return sign * x, sign * y


def _tile_weights(
    bins: int, x: np.ndarray, y: np.ndarray, real: np.ndarray
) -> tuple[Float[np.ndarray, "tiles slots patch"], Int[np.ndarray, "turns annuli places"]]:
    """Returns the weights of each tile's patch in the pixels that came from it, and where those stand.

    The last slot of a tile is always empty: the value of what is turned in from outside, or padding.
    """
    angle_deg = np.array(TURNS_DEG)[:, None, None]
    cosine, sine = special.cosdg(angle_deg), special.sindg(angle_deg)
    from_x, from_y = _upper(cosine * x + sine * y, cosine * y - sine * x)
    known = real & (from_x <= bins - 1) & (np.abs(from_y) <= bins - 1)
    place = np.stack([from_x[known], from_y[known] + bins - 1])
    corner = np.floor(place).astype(int)
    tile_x, tile_y = corner // TILE
    tiles_x, tiles_y = -(-bins // TILE), -(-(2 * bins - 1) // TILE)
    tile = tile_x * tiles_y + tile_y

    by_tile = np.argsort(tile, kind="stable")
    count = np.bincount(tile, minlength=tiles_x * tiles_y)
    slot = np.empty_like(tile)
    slot[by_tile] = np.arange(len(tile)) - (np.cumsum(count) - count)[tile[by_tile]]
    slots = max(count) + 1

    weights = np.zeros((tiles_x * tiles_y, slots, _PATCH, _PATCH))
    taps_x, taps_y = (_taps(fraction) for fraction in place - corner)
    patch_x, patch_y = corner % TILE
    for tap_x in range(_TAPS):
        for tap_y in range(_TAPS):
            weights[tile, slot, patch_x + tap_x, patch_y + tap_y] = taps_x[tap_x] * taps_y[tap_y]
    turned = np.full(known.shape, slots - 1)
    turned[known] = tile * slots + slot
    return weights.reshape(*weights.shape[:2], _PATCH**2), turned


def _taps(fraction: Float[np.ndarray, " places"]) -> Float[np.ndarray, "taps places"]:
    """Returns the four values of the cubic B-spline around a place ``fraction`` past a pixel."""
    t = fraction
    return np.stack([(1 - t) ** 3, 4 - 6 * t**2 + 3 * t**3, 1 + 3 * t + 3 * t**2 - 3 * t**3, t**3]) / 6


def _spline_filter(size: int, *, first: int, last: int) -> Float[np.ndarray, "coefficients size"]:
    """Returns the matrix from ``size`` values to the coefficients ``first - 1`` to ``last + 1``, and padding.

    Beyond the ends coefficients are mirrored, as scipy's mode "constant" reads them; the padding, never
    read, completes the last tile and one more.
    """
    matrix = ndimage.spline_filter1d(np.eye(size), order=3, axis=0, mode="mirror")
    index = np.arange(first - 1, last + 2)
    mirrored = size - 1 - np.abs(size - 1 - np.abs(index))
    tiles = -(-(last - first + 1) // TILE) + 1
    return np.concatenate([matrix[mirrored], np.zeros((tiles * TILE - len(index), size))])
