"""The spectrum of any target, computed: its cells are drawn, encoded on a grid of places, and transformed.

The covariance of a population over places, averaged over where one stands (moved cyclically), has as its
transform the mean over outputs of the squared transform of each output's map. So no covariance matrix of
places by places is made: for 55 x 55 places that would be 9 million numbers, this is 512 small transforms.

Source: spec other_systems 3.4, which sums where this takes means; the shape is the same.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from gridsweep.arena import Arena
from gridsweep.arena.box import Box
from gridsweep.kinds import discover
from gridsweep.targets import Target
from gridsweep.targets.difference_of_softmaxes import DifferenceOfSoftmaxes
from gridsweep.theory.closed_form import hexagonal_period_m
from gridsweep.trajectories import standing_at


class Spectrum(NamedTuple):
    """The power of a target's population on the modes of its arena.

    Args:
        power: by mode, the zero mode in the middle; first axis x.
        covariance: over lags, mean removed, the zero lag in the middle.
        side_m: of the arena.
    """

    power: Float[np.ndarray, "bins bins"]
    covariance: Float[np.ndarray, "bins bins"]
    side_m: float

    def modes(self) -> Float[np.ndarray, "bins bins 2"]:
        """Returns the whole numbers n of each mode, whose wave vector is 2πn / side."""
        side = np.arange(len(self.power)) - len(self.power) // 2
        return np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1)

    def top_modes(self, number: int) -> list[tuple[int, int]]:
        """Returns the modes of largest power without the zero mode, by falling power."""
        power = self._without_zero().ravel()
        order = np.argsort(-power, kind="stable")[:number]
        return [(int(x), int(y)) for x, y in self.modes().reshape(-1, 2)[order]]

    def by_length(self) -> tuple[Float[np.ndarray, " rings"], Float[np.ndarray, " rings"]]:
        """Returns (|n|, mean power of the modes of that length), ascending, zero included."""
        squared = np.sum(self.modes() ** 2, axis=-1).ravel()
        lengths, ring_of = np.unique(squared, return_inverse=True)
        power = np.bincount(ring_of, self.power.ravel()) / np.bincount(ring_of)
        return np.sqrt(lengths), power

    def ring_wavenumber(self) -> float:
        """Returns the wavenumber of the ring of modes with the largest mean power but zero, in rad/m."""
        lengths, power = self.by_length()
        return float(2 * np.pi * lengths[1:][np.argmax(power[1:])] / self.side_m)

    def predicted_period_m(self) -> float:
        """Returns the spacing of fields if the strongest ring became a hexagonal lattice."""
        return hexagonal_period_m(self.ring_wavenumber())

    def _without_zero(self) -> Float[np.ndarray, "bins bins"]:
        power = self.power.copy()
        power[len(power) // 2, len(power) // 2] = -np.inf
        return power


def compute_spectrum(target: Target, arena: Arena, seed: int = 0, bins: int = 55) -> Spectrum:
    """Returns the spectrum of one draw of a target's cells.

    Args:
        target: of any kind; its outputs are what is transformed.
        arena: where the places are; taken as if it repeated, as the modes of a box are.
        seed: of the cells.
        bins: places along a side, at the middles of equal bins.
    """
    side_m = float(arena.side_m)
    middles_m = (np.arange(bins) + 0.5) / bins * side_m - side_m / 2
    places_m = np.stack(np.meshgrid(middles_m, middles_m, indexing="ij"), axis=-1).reshape(-1, 2)
    cells = target.draw(jax.random.key(seed), arena)
    activity = np.asarray(
        jax.jit(target.encode)(arena, cells, standing_at(jnp.asarray(places_m, jnp.float32))), np.float64
    )
    maps = activity.T.reshape(-1, bins, bins)
    power = np.mean(np.abs(np.fft.fft2(maps)) ** 2, axis=0) / bins**4
    without_zero = power.copy()
    without_zero[0, 0] = 0.0
    covariance = np.fft.ifft2(without_zero).real * bins**2
    return Spectrum(np.fft.fftshift(power), np.fft.fftshift(covariance), side_m)


def spectra_of_targets(settings: Mapping[str, Any], side_m: float = 2.2) -> dict[str, Spectrum]:
    """Returns the spectrum of every kind of target in a box, by name; of the settings each takes its own."""
    arena, found = Box(side_m=side_m), {}
    for name, kind in discover(Target.package, Target).items():
        defaults = kind.defaults()
        said = {field: value for field, value in settings.items() if field in defaults}
        found[name] = compute_spectrum(kind(**defaults | said), arena)
    return found


def spectrum_of_softmaxes(
    width_m: float, surround_ratio: float, side_m: float = 2.2, *, place_cells: int = 512, seed: int = 0
) -> Spectrum:
    """Returns the spectrum of a difference of softmaxes in a box; the ratio is of standard deviations."""
    settings = {"place_cells": place_cells, "field_width_m": width_m, "surround_ratio": surround_ratio}
    target = DifferenceOfSoftmaxes(**DifferenceOfSoftmaxes.defaults() | settings)
    return compute_spectrum(target, Box(side_m=side_m), seed)
