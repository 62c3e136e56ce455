"""Which bins a mapping is fitted on and which it is tested on.

Random splits leave every test bin beside training bins, which smooth maps then interpolate; the others cut
the arena into pieces, so that a mapping must carry over to where it has not been.

Source: spec other_systems 7.3. Bins are numbered x * bins_y + y. A split of two pieces gives two, each piece
once for fitting; of four quadrants four, each once left out for the test.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

RANDOM_SPLITS = 10  # with seeds 0 to 9
TRAIN_FRACTION = 0.2


class Split(NamedTuple):
    """Numbers of bins, each in one of the two or in neither."""

    train: Int[np.ndarray, " some"]
    test: Int[np.ndarray, " others"]


def random_splits(shape: tuple[int, int]) -> list[Split]:
    """Returns ten random splits with a fifth of the bins for fitting, rounded up."""
    bins = shape[0] * shape[1]
    train = math.ceil(TRAIN_FRACTION * bins)
    orders = [np.random.RandomState(seed).permutation(bins) for seed in range(RANDOM_SPLITS)]
    return [Split(order[:train], order[train:]) for order in orders]


def _halves(chosen: Bool[np.ndarray, "x y"]) -> list[Split]:
    first, second = np.flatnonzero(chosen), np.flatnonzero(~chosen)
    return [Split(first, second), Split(second, first)]


def _along(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Returns how far along each axis each bin's centre is, from 0 to 1."""
    x, y = [(np.arange(length) + 0.5) / length for length in shape]
    return np.broadcast_to(x[:, None], shape), np.broadcast_to(y[None], shape)


def left_right(shape: tuple[int, int]) -> list[Split]:
    """Returns left against right; a middle column belongs to the right."""
    x, _ = _along(shape)
    return _halves(x < 0.5)


def top_bottom(shape: tuple[int, int]) -> list[Split]:
    """Returns bottom against top; a middle row belongs to the top."""
    _, y = _along(shape)
    return _halves(y < 0.5)


def diagonal(shape: tuple[int, int]) -> list[Split]:
    """Returns below against above the rising diagonal, which belongs to what is above."""
    x, y = _along(shape)
    return _halves(y < x - 1e-9)


def antidiagonal(shape: tuple[int, int]) -> list[Split]:
    """Returns below against above the falling diagonal, which belongs to what is above."""
    x, y = _along(shape)
    return _halves(x + y < 1.0 - 1e-9)


def quadrants(shape: tuple[int, int]) -> list[Split]:
    """Returns four splits, each with one quadrant left out for the test."""
    x, y = _along(shape)
    number = 2 * (x >= 0.5) + (y >= 0.5)
    return [Split(np.flatnonzero(number != left), np.flatnonzero(number == left)) for left in range(4)]


SPLITS: dict[str, Callable[[tuple[int, int]], list[Split]]] = {
    "random": random_splits,
    "left_right": left_right,
    "top_bottom": top_bottom,
    "diagonal": diagonal,
    "antidiagonal": antidiagonal,
    "quadrants": quadrants,
}


def make_splits(name: str, shape: tuple[int, int]) -> list[Split]:
    """Returns the splits of that name.

    Raises:
        ValueError: there is no such family of splits.
    """
    if name not in SPLITS:
        raise ValueError(f"splits: found {name!r}, expected one of {', '.join(SPLITS)}")
    return SPLITS[name](shape)
