"""How smooth a map is: the radius at which its autocorrelogram has fallen to a half.

A smoother map has fewer independent bumps on its rings and so a wider spread of grid scores by chance. The
null is matched to a network by this number (spec e.10): smoothed noise of the same half-width is what the
scorer would find in maps as smooth as the network's that have no structure.

Of white noise smoothed by a Gaussian of width s it is 2 s sqrt(ln 2) = 1.67 s before any threshold. Cutting
at zero narrows it.
"""

import functools
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from gridsweep.maps.autocorrelogram import HalfAutocorrelogram
from gridsweep.scores._base import Look, Score

HALF = 0.5


class HalfWidth(Score):
    """The first radius at which the radially averaged autocorrelogram is a half."""

    columns = ("autocorrelogram_half_width_m",)
    nullable: ClassVar[tuple[str, ...]] = columns

    def measure(self, look: Look) -> dict[str, Shaped[Array, " units"]]:
        """Returns the radius, NaN for a constant map and where a half is not reached within one side."""
        bins = look.maps.shape[-1]
        radius_bins = first_fall(*radial_average(look.autocorrelogram), HALF)
        return {"autocorrelogram_half_width_m": radius_bins * look.side_m / bins}


def radial_average(
    half: HalfAutocorrelogram,
) -> tuple[Float[Array, " radii"], Float[Array, "radii units"]]:
    """Returns the mean radius of each annulus in bins and the mean correlation on it.

    Annulus r holds the lags whose distance rounds to r, from 0 to the number of bins less one. Lags without
    a correlation (guarded) are left out of its mean; it is NaN where none has one.
    """
    bins, lags, units = half.correlation.shape
    annuli = _annuli(bins)
    weights = jnp.asarray(annuli.weights, half.correlation.dtype)

    def sum_on_annuli(values: Float[Array, "bins lags units"]) -> Float[Array, "radii units"]:
        return jnp.matmul(weights, values.reshape(bins * lags, units), precision="highest")

    known = sum_on_annuli((~half.guarded).astype(half.correlation.dtype))
    mean = jnp.where(known > 0, sum_on_annuli(half.correlation) / jnp.maximum(known, 1.0), jnp.nan)
    return jnp.asarray(annuli.radius_bins, half.correlation.dtype), mean


def first_fall(
    radius: Float[Array, " radii"], values: Float[Array, "radii units"], level: float
) -> Float[Array, " units"]:
    """Returns where each column first falls to a level, between two radii by a straight line; else NaN."""
    above, below = values[:-1], values[1:]
    falls = (above > level) & (below <= level)
    at = jnp.argmax(falls, axis=0)
    before, after = (jnp.take_along_axis(side, at[None], axis=0)[0] for side in (above, below))
    share = (before - level) / jnp.where(before > after, before - after, 1.0)
    where = radius[at] + share * (radius[at + 1] - radius[at])
    return jnp.where(jnp.any(falls, axis=0), where, jnp.nan)


class _Annuli(NamedTuple):
    radius_bins: Float[np.ndarray, " radii"]
    weights: Float[np.ndarray, "radii places"]  # 2 for a lag that stands for its mirror image as well


@functools.cache
def _annuli(bins: int) -> _Annuli:
    lag_x, lag_y = np.mgrid[0:bins, 1 - bins : bins]
    radius = np.hypot(lag_x, lag_y).ravel()
    multiple = np.where(lag_x > 0, 2.0, 1.0).ravel()
    weights = multiple[None] * (np.rint(radius)[None] == np.arange(bins)[:, None])
    return _Annuli(weights @ radius / weights.sum(axis=1), weights)
