"""What stands beside a network in a regression: the same maps with fewer dimensions, noise with as many.

* ``truncated``: the leading principal components of a network's own maps, so that dimensionality varies
  while the features stay;
* ``matched_noise``: smoothed noise with the participation ratio of given maps and nothing else of them;
* ``surrogate_cells``: cells drawn from the normal distribution with the mean map and the covariance of
  recorded ones, the maximum-entropy control.

Source: spec other_systems 7.3.
"""

import numpy as np
from jaxtyping import Float

from gridsweep.neural.dimensionality import of_bins

_BISECTIONS = 24
_NARROWEST_BINS = 0.2
_WIDEST_SIDES = 0.5  # so wide a filter leaves two slopes; beyond it what is left is its own rounding


def truncated(
    maps: Float[np.ndarray, "units bins bins"], dimensions: int
) -> Float[np.ndarray, "units bins bins"]:
    """Returns the maps rebuilt from their leading principal components over space; NaN stays."""
    flat = np.asarray(maps, np.float64).reshape(len(maps), -1)
    seen = np.all(np.isfinite(flat), axis=0)
    mean = flat[:, seen].mean(axis=1, keepdims=True)
    left, sizes, right = np.linalg.svd(flat[:, seen] - mean, full_matrices=False)
    rebuilt = np.full_like(flat, np.nan)
    kept = slice(0, dimensions)
    rebuilt[:, seen] = mean + (left[:, kept] * sizes[kept]) @ right[kept]
    return rebuilt.reshape(maps.shape)


def matched_noise(
    ratio: float, units: int, bins: int, *, seed: int = 0
) -> Float[np.ndarray, "units bins bins"]:
    """Returns smoothed noise maps whose participation ratio (bins as samples) is ``ratio``.

    Raises:
        ValueError: no width of the filter gives that ratio to so many units on so many bins.
    """
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).normal(size=(units, bins, bins))

    def smooth(width: float) -> np.ndarray:
        return gaussian_filter(noise, sigma=(0, width, width))

    # The wider the filter, the fewer dimensions.
    narrow, wide = _NARROWEST_BINS, _WIDEST_SIDES * bins
    most, least = of_bins(smooth(narrow)), of_bins(smooth(wide))
    if not least <= ratio <= most:
        raise ValueError(
            f"matched_noise: found a ratio of {ratio:.3g}, expected {least:.3g} to {most:.3g}: what {units} "
            f"noise maps of {bins} bins can have"
        )
    for _ in range(_BISECTIONS):
        middle = np.sqrt(narrow * wide)
        if of_bins(smooth(middle)) > ratio:
            narrow = middle
        else:
            wide = middle
    return smooth(np.sqrt(narrow * wide))


def surrogate_cells(
    maps: Float[np.ndarray, "x y cells"], number: int, *, seed: int = 0
) -> Float[np.ndarray, "x y number"]:
    """Returns cells drawn from the normal distribution of the given cells' maps; NaN stays.

    Mixtures of the cells' deviations from their mean map with independent normal weights: their mean and
    covariance over bins are those of the cells.
    """
    mean = maps.mean(axis=2, keepdims=True)
    cells = maps.shape[2]
    weights = np.random.default_rng(seed).normal(size=(cells, number)) / np.sqrt(cells)
    return mean + (maps - mean) @ weights
