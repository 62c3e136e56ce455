"""The published scorer, written slowly and plainly in NumPy and SciPy, one map at a time.

What ours is compared with, for its numbers in the tests and for its speed in ``benchmarks/scoring.py``.
It follows spec e.2 to e.6 line by line and shares nothing with ours.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage, signal

ANGLES_DEG = (30, 45, 60, 90, 120, 135, 150)
OUTER_RADII = np.linspace(0.4, 1.0, 10)
INNER_RADIUS = 0.2


class Scores(NamedTuple):
    """Both scores of one map at each of the ten rings."""

    at_60: np.ndarray
    at_90: np.ndarray


def autocorrelogram(rate_map: np.ndarray) -> np.ndarray:
    """Returns the Pearson correlation of a map with itself at every lag, over the overlap."""
    rate_map = np.nan_to_num(rate_map.astype(float))
    everywhere = np.ones_like(rate_map)

    def over_overlap(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return signal.correlate2d(left, right, mode="full")

    bins = over_overlap(everywhere, everywhere)
    mean, moved_mean = over_overlap(rate_map, everywhere) / bins, over_overlap(everywhere, rate_map) / bins
    square = over_overlap(rate_map**2, everywhere) / bins
    moved_square = over_overlap(everywhere, rate_map**2) / bins
    variance, moved_variance = square - mean**2, moved_square - moved_mean**2
    constant = (variance <= 1e-12 * square) | (moved_variance <= 1e-12 * moved_square)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = (over_overlap(rate_map, rate_map) / bins - mean * moved_mean) / (
            np.sqrt(variance) * np.sqrt(moved_variance)
        )
    return np.where(constant, 0.0, correlation)


def ring_scores(rate_map: np.ndarray) -> Scores:
    """Returns both scores of a map at each of the ten rings."""
    bins = len(rate_map)
    plain = autocorrelogram(rate_map)
    turned = {angle: ndimage.rotate(plain, angle, reshape=False) for angle in ANGLES_DEG}
    x, y = np.mgrid[1 - bins : bins, 1 - bins : bins]
    radius = np.sqrt(x**2 + y**2)
    at_60, at_90 = [], []
    for outer in OUTER_RADII:
        ring = (radius > INNER_RADIUS * bins) & (radius <= outer * bins)
        area = np.sum(ring)
        mean = np.sum(plain * ring) / area
        variance = np.sum((plain - mean) ** 2 * ring) / area + 1e-5
        at = {
            angle: np.sum((plain - mean) * (turned[angle] - mean) * ring) / area / variance
            for angle in ANGLES_DEG
        }
        at_60.append(min(at[60], at[120]) - max(at[30], at[90], at[150]))
        at_90.append(at[90] - (at[45] + at[135]) / 2)
    return Scores(np.array(at_60), np.array(at_90))


def score(rate_map: np.ndarray) -> tuple[float, float]:
    """Returns the scores 60 and 90 of a map, each at its best ring."""
    rings = ring_scores(rate_map)
    return float(np.max(rings.at_60)), float(np.max(rings.at_90))
