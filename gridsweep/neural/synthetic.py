"""Cells and models that have nothing to do with each other but a space of maps: the ground truth.

Cells are random mixtures of D smooth maps; model d knows the first d of them. Nothing in a model is like
anything in a cell, yet a regression predicts the cells with a correlation of sqrt(d / D): predictivity rises
with dimensionality alone, with no relation to mechanism.

Source: spec other_systems 7, acceptance 2.
"""

import numpy as np
from jaxtyping import Float

BINS = 44
DIMENSIONS = 64
CELLS = 400
MODEL_DIMENSIONS = (2, 4, 8, 16, 32, 64)


def smooth_maps(
    dimensions: int = DIMENSIONS, bins: int = BINS, *, seed: int = 0
) -> Float[np.ndarray, "x y dimensions"]:
    """Returns orthogonal maps of mean 0 and variance 1, each a random mixture of the slowest cosines."""
    along = np.cos(np.pi * np.arange(bins)[:, None] * (np.arange(bins) + 0.5)[None] / bins)
    frequencies = [(i, j) for i in range(bins) for j in range(bins) if i or j]
    frequencies.sort(key=lambda pair: (pair[0] ** 2 + pair[1] ** 2, pair))
    if dimensions > len(frequencies):
        raise ValueError(f"smooth_maps: found {dimensions} dimensions, expected at most {len(frequencies)}")
    waves = np.stack([np.outer(along[i], along[j]).ravel() for i, j in frequencies[:dimensions]], axis=1)
    waves /= np.linalg.norm(waves, axis=0)
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(dimensions, dimensions)))
    return (waves @ turn * bins).reshape(bins, bins, dimensions)


def synthetic_cells(
    maps: Float[np.ndarray, "x y dimensions"], cells: int = CELLS, *, seed: int = 1
) -> Float[np.ndarray, "x y cells"]:
    """Returns independent Gaussian mixtures of all maps, of variance 1 on average."""
    dimensions = maps.shape[2]
    weights = np.random.default_rng(seed).normal(size=(dimensions, cells)) / np.sqrt(dimensions)
    return maps @ weights
