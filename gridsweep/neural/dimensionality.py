"""How many dimensions a population uses: the participation ratio, in the three definitions that occur.

D = (sum of eigenvalues)^2 / sum of their squares, of a covariance: n for n equal ones, near 1 if one towers.
Which covariance is the whole difference, so each definition has its name:

* ``participation_ratio`` of activity: moments are samples, units are features;
* ``of_units``: what the published figure has: maps smoothed by two bins, each unit one sample in the space
  of bins, centred over units;
* ``of_bins``: the population's own: each bin one sample in the space of units, centred over space. Not equal
  to the one before.

Source: spec other_systems 7.1.
"""

import numpy as np
from jaxtyping import Float

SMOOTHING_BINS = 2.0  # of the published definition (spec 7.1)


def participation_ratio(samples: Float[np.ndarray, "samples features"]) -> float:
    """Returns (Tr C)^2 / Tr(C^2) of the features' covariance; 0 if nothing varies.

    Raises:
        ValueError: fewer than two samples, or a value that is not finite.
    """
    samples = np.asarray(samples, np.float64)
    if samples.ndim != 2 or len(samples) < 2:
        raise ValueError(
            f"participation_ratio: found samples of shape {samples.shape}, expected (samples, features), at "
            "least two samples"
        )
    if not np.all(np.isfinite(samples)):
        raise ValueError("participation_ratio: found values that are not finite, expected numbers")
    centred = samples - samples.mean(axis=0)
    # The product of smaller size has the same eigenvalues, but for zeros.
    product = centred @ centred.T if len(centred) < centred.shape[1] else centred.T @ centred
    squares = float(np.sum(product**2))
    return float(np.trace(product)) ** 2 / squares if squares > 0 else 0.0


def of_units(maps: Float[np.ndarray, "units bins bins"]) -> float:
    """Returns the published ratio of rate maps: NaN as 0, smoothed, units as samples."""
    from scipy.ndimage import gaussian_filter

    filled = np.nan_to_num(np.asarray(maps, np.float64), nan=0.0)
    smooth = gaussian_filter(filled, sigma=(0, SMOOTHING_BINS, SMOOTHING_BINS))
    return participation_ratio(smooth.reshape(len(smooth), -1))


def of_bins(maps: Float[np.ndarray, "units bins bins"]) -> float:
    """Returns the population's ratio: bins as samples; bins that some unit has no rate in are left out."""
    flat = np.asarray(maps, np.float64).reshape(len(maps), -1).T
    return participation_ratio(flat[np.all(np.isfinite(flat), axis=1)])


def map_rank(maps: Float[np.ndarray, "units bins bins"]) -> int:
    """Returns the rank of the maps, NaN as 0, as published."""
    return int(np.linalg.matrix_rank(np.nan_to_num(np.asarray(maps, np.float64)).reshape(len(maps), -1)))
