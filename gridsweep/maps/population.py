"""The rate maps of a network taken together: in how many ways do its units differ?

Two participation ratios go by the name of rate-map dimensionality (other_systems.md 7.1). The published one
smooths the maps and takes the units for samples, so that the mean map is removed and what counts is how
units differ from each other. The textbook one takes the places for samples: how many directions of the
population's activity are used as the animal moves. They are not equal, and both are kept.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy import ndimage

from gridsweep.maps.autocorrelogram import LEAST_RELATIVE_VARIANCE
from gridsweep.maps.dimensionality import participation_ratio

SMOOTHING_BINS = 2.0  # standard deviation of the Gaussian, edges reflecting (spec e.9)


def participation_ratio_of_units(maps: Float[Array, "units bins bins"]) -> Float[Array, ""]:
    """Returns the published form: unvisited bins 0, maps smoothed, units as samples, bins as features.

    0 where all units have the same map.
    """
    squares = _squares(maps)
    if squares.by_units:
        mean = jnp.mean(squares.products, axis=0)
        centred = squares.products - mean[:, None] - mean[None, :] + jnp.mean(mean)
    else:
        centred = squares.products - len(maps) * jnp.outer(squares.mean, squares.mean)
    # What rounding leaves of equal maps is no variance.
    total, least = jnp.trace(centred), LEAST_RELATIVE_VARIANCE * jnp.trace(squares.products)
    of_squares = jnp.sum(centred**2)
    varies = (total > least) & (of_squares > 0)
    return jnp.where(varies, total**2 / jnp.where(varies, of_squares, 1.0), 0.0)


def participation_ratio_of_bins(maps: Float[Array, "units bins bins"]) -> Float[Array, ""]:
    """Returns the textbook form: maps as they are, visited bins as samples, units as features."""
    flat = maps.reshape(len(maps), -1).T
    return participation_ratio(flat, ~jnp.any(jnp.isnan(flat), axis=1))


def rank(maps: Float[Array, "units bins bins"]) -> Int[Array, ""]:
    """Returns the numerical rank of the smoothed maps, none of them centred.

    Singular values count that exceed the largest times the longer side of the matrix times the rounding of
    float32: maps are recorded in float32, and below that a rank would count their rounding errors. (The
    published programs measured theirs in float64.)
    """
    singular = jnp.sqrt(jnp.maximum(jnp.linalg.eigvalsh(_squares(maps).products), 0.0))
    longer_side = max(len(maps), maps.shape[1] * maps.shape[2])
    least = jnp.max(singular) * longer_side * float(np.finfo(np.float32).eps)
    return jnp.sum(singular > least)


class _Squares(NamedTuple):
    """The smoothed maps in some scale, as products with each other on the shorter side of their matrix."""

    products: Float[Array, "side side"]
    mean: Float[Array, " places"]
    by_units: bool  # else by places


def _squares(maps: Float[Array, "units bins bins"]) -> _Squares:
    units, bins, _ = maps.shape
    matrix = ndimage.gaussian_filter1d(np.eye(bins), SMOOTHING_BINS, axis=0, mode="reflect")
    matrix = jnp.asarray(matrix, maps.dtype)
    filled = jnp.where(jnp.isnan(maps), 0.0, maps)
    smooth = jnp.einsum("xi,uij,yj->uxy", matrix, filled, matrix, precision="highest").reshape(units, -1)
    largest = jnp.max(jnp.abs(smooth))
    smooth = smooth / jnp.where(largest > 0, largest, 1.0)
    by_units = units <= bins**2
    side = smooth if by_units else smooth.T
    products = jnp.einsum("sf,tf->st", side, side, precision="highest")
    return _Squares(products, jnp.mean(smooth, axis=0), by_units)
