"""The stripe score: how much of a map a single plane wave explains.

A stripe (band) is one plane wave, a square lattice two of equal power, a hexagonal lattice three. The grid
score does not tell stripes apart: in the mean form a perfect stripe reaches 0.4, the threshold some call a
grid cell (other_systems.md, common scorer), so stripes are reported beside it.

The definition is ours; the published programs have none (spec e.8). It is the share of a map's variance
over the visited bins that the best plane wave, cosine and sine at one wave vector, takes away by least
squares: the Lomb-Scargle periodogram's largest value, between 0 and 1. A pure wave has 1 at any phase,
direction and length; pure square and hexagonal lattices 1/2 and 1/3, rectified ones a little less;
smoothed noise the less the more bumps a map holds. ``docs/scores.md`` has the numbers.
"""

import functools
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from gridsweep.maps.autocorrelogram import LEAST_RELATIVE_VARIANCE
from gridsweep.scores._base import Look, Score

# Waves from one period a side to one in four bins. A longer one is a slope and not a stripe; on a shorter
# one the bins themselves are as coarse as the wave.
LEAST_FREQUENCY = 1.0  # periods a side
LEAST_PERIOD_BINS = 4

# Every half period a side is tried along x and y, and around the best of those every eighth: a wave between
# two that are tried keeps at least 97 % of its share.
_STEP = 0.5
_FINE = np.linspace(-0.25, 0.25, 5)

_einsum = functools.partial(jnp.einsum, precision="highest")


class StripeScore(Score):
    """The share of variance in the best plane wave."""

    columns = ("stripe_score",)
    nullable: ClassVar[tuple[str, ...]] = columns

    def measure(self, look: Look) -> dict[str, Shaped[Array, " units"]]:
        """Returns the share, NaN for a map that does not vary."""
        maps = look.maps
        visited = ~jnp.isnan(maps)
        number = jnp.maximum(jnp.sum(visited, axis=(1, 2)), 1).astype(maps.dtype)
        rates = jnp.where(visited, maps, 0.0)
        squares = jnp.sum(rates**2, axis=(1, 2))
        mean = jnp.sum(rates, axis=(1, 2)) / number
        varying = jnp.where(visited, rates - mean[:, None, None], 0.0)
        variation = jnp.sum(varying**2, axis=(1, 2))
        varies = variation > LEAST_RELATIVE_VARIANCE * squares
        varying = varying / jnp.sqrt(jnp.where(varies, variation, 1.0))[:, None, None]
        return {"stripe_score": jnp.where(varies, best_share(varying), jnp.nan)}


def best_share(maps: Float[Array, "units bins bins"]) -> Float[Array, " units"]:
    """Returns the largest share of a plane wave in maps of mean 0 and squares that sum to 1."""
    waves = _coarse_waves(maps.shape[-1])
    along_x, along_y = (jnp.asarray(wave, maps.dtype) for wave in (waves.along_x, waves.along_y))
    rows = _einsum("uxy,fpy->uxfp", maps, along_y)
    products = _einsum("uxfp,gqx->ugfqp", rows, along_x)
    shares = _share(products, along_x[None], along_y[None])
    shares = jnp.where(jnp.asarray(waves.tried)[None], shares, -jnp.inf)
    best = jnp.argmax(shares.reshape(len(maps), -1), axis=1)
    frequency_x, frequency_y = (jnp.asarray(table, maps.dtype)[best] for table in waves.frequency)

    place = jnp.asarray(_places(maps.shape[-1]), maps.dtype)
    fine = jnp.asarray(_FINE, maps.dtype)[None]
    near_x, near_y = _waves(frequency_x[:, None] + fine, place), _waves(frequency_y[:, None] + fine, place)
    rows = _einsum("uxy,ufpy->uxfp", maps, near_y)
    products = _einsum("uxfp,ugqx->ugfqp", rows, near_x)
    return jnp.max(_share(products, near_x, near_y), axis=(1, 2))


def _share(
    products: Float[Array, "units x y 2 2"],
    along_x: Float[Array, "#units x 2 bins"],
    along_y: Float[Array, "#units y 2 bins"],
) -> Float[Array, "units x y"]:
    """Returns the share of each wave from the sums of the map times cosines and sines along x and y.

    About the middle of the box cosine and sine of a wave are orthogonal, and the sine has mean 0. So the
    share is that of the cosine less its mean and that of the sine, each over its own sum of squares.
    """
    bins = along_x.shape[-1]
    cosine = products[..., 0, 0] - products[..., 1, 1]
    sine = products[..., 0, 1] + products[..., 1, 0]
    mean = _mean_cosine(along_x)[:, :, None] * _mean_cosine(along_y)[:, None]
    doubled = _mean_of_double(along_x)[:, :, None] * _mean_of_double(along_y)[:, None]
    of_cosine = bins**2 * ((1 + doubled) / 2 - mean**2)
    of_sine = bins**2 * (1 - doubled) / 2
    return cosine**2 / of_cosine + sine**2 / of_sine


def _mean_cosine(along: Float[Array, "#units waves 2 bins"]) -> Float[Array, "#units waves"]:
    return jnp.mean(along[:, :, 0], axis=-1)


def _mean_of_double(along: Float[Array, "#units waves 2 bins"]) -> Float[Array, "#units waves"]:
    """Returns the mean of the cosine of the doubled wave: cos 2a = 2 cos^2 a - 1."""
    return jnp.mean(2 * along[:, :, 0] ** 2 - 1, axis=-1)


def _waves(frequency: Float[Array, "*shape"], place: Float[Array, " bins"]) -> Float[Array, "*shape 2 bins"]:
    phase = 2 * jnp.pi * jnp.multiply.outer(frequency, place)
    return jnp.stack([jnp.cos(phase), jnp.sin(phase)], axis=-2)


def _places(bins: int) -> Float[np.ndarray, " bins"]:
    """Returns the centres of the bins in sides of the box, from its middle."""
    return (np.arange(bins) + 0.5) / bins - 0.5


class _Coarse(NamedTuple):
    along_x: Float[np.ndarray, "x 2 bins"]
    along_y: Float[np.ndarray, "y 2 bins"]
    tried: Shaped[np.ndarray, "x y"]
    frequency: tuple[Float[np.ndarray, " places"], Float[np.ndarray, " places"]]  # flattened (x, y)


@functools.cache
def _coarse_waves(bins: int) -> _Coarse:
    """Returns the waves of the first pass: one of each two opposite wave vectors."""
    largest = max(LEAST_FREQUENCY, bins / LEAST_PERIOD_BINS)
    positive = np.arange(0.0, largest + _STEP / 2, _STEP)
    both = np.concatenate([-positive[:0:-1], positive])
    x, y = np.meshgrid(positive, both, indexing="ij")
    length = np.hypot(x, y)
    one_of_two = (x > 0) | (y > 0)
    tried = one_of_two & (length >= LEAST_FREQUENCY) & (length <= largest)

    def waves(frequency: np.ndarray) -> np.ndarray:
        phase = 2 * np.pi * frequency[:, None] * _places(bins)[None]
        return np.stack([np.cos(phase), np.sin(phase)], axis=1)

    return _Coarse(waves(positive), waves(both), tried, (x.ravel(), y.ravel()))
