"""How well one set of maps predicts another: correlation in unseen bins, cell by cell.

Source: spec other_systems 7.3. The number is Pearson's correlation, not the R^2 of a published caption. A
cell whose prediction, or whose own rate, is constant in the test bins has none (NaN) for that split.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gridsweep.neural.mappings import Mapping, Ridge
from gridsweep.neural.splits import Split, make_splits

Maps = Float[np.ndarray, "x y units"]


@dataclass(frozen=True)
class Predictivity:
    """Correlations of one source with one target."""

    by_split: Float[np.ndarray, "splits cells"]

    @property
    def by_cell(self) -> Float[np.ndarray, " cells"]:
        """Mean over the splits that have a number; NaN without any."""
        known = np.isfinite(self.by_split)
        number = known.sum(axis=0)
        total = np.where(known, self.by_split, 0.0).sum(axis=0)
        return np.where(number > 0, total / np.maximum(number, 1), np.nan)

    @property
    def median(self) -> float:
        """Median over cells that have a number; NaN without any."""
        return median(self.by_cell)


def predictivity(
    source: Maps, target: Maps, *, splits: str | Sequence[Split] = "random", mapping: Mapping | None = None
) -> Predictivity:
    """Returns how well the source's maps predict the target's.

    Bins in which any map of either has no rate are left out before the bins are split.

    Args:
        source: rates of units, (x, y, units).
        target: rates of cells on the same bins.
        splits: the name of a family, or the splits themselves, of bins numbered x * bins_y + y.
        mapping: ridge regression with a penalty of 1 unless given.

    Raises:
        ValueError: the two are not on the same bins, or share too few of them.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if source.ndim != 3 or target.ndim != 3 or source.shape[:2] != target.shape[:2]:
        raise ValueError(
            f"predictivity: found maps of shapes {source.shape} and {target.shape}, expected (x, y, units) "
            "and (x, y, cells) with equal x and y"
        )
    shape = (source.shape[0], source.shape[1])
    units, cells = source.reshape(-1, source.shape[2]), target.reshape(-1, target.shape[2])
    usable = np.all(np.isfinite(units), axis=1) & np.all(np.isfinite(cells), axis=1)
    chosen = make_splits(splits, shape) if isinstance(splits, str) else splits
    # Random splits are of the bins that are left; pieces of the arena stay where they are.
    if splits == "random":
        left = np.flatnonzero(usable)
        chosen = [Split(left[train], left[test]) for train, test in make_splits("random", (len(left), 1))]
    found = []
    for split in chosen:
        train, test = split.train[usable[split.train]], split.test[usable[split.test]]
        if len(train) < 2 or len(test) < 2:
            raise ValueError(
                f"predictivity: {int(usable.sum())} of {usable.size} bins have a rate in every map, which "
                f"leaves {len(train)} to fit and {len(test)} to test, expected at least two of each"
            )
        predicted = (mapping or Ridge()).predict(units[train], cells[train], units[test])
        found.append(correlations(predicted, cells[test]))
    return Predictivity(np.stack(found))


def noise_ceiling(animals: Sequence[Maps], *, pairs: bool = False, **settings) -> list[Predictivity]:
    """Returns how well other animals' cells predict each animal's, by the same procedure.

    Args:
        animals: each one's maps on the same bins.
        pairs: whether each other animal predicts alone (one result a pair) instead of all others together.
        settings: as of :func:`predictivity`.
    """
    if len(animals) < 2:
        raise ValueError(f"noise_ceiling: found {len(animals)} animals, expected at least two")
    found = []
    for number, target in enumerate(animals):
        others = [animal for other, animal in enumerate(animals) if other != number]
        sources = others if pairs else [np.concatenate(others, axis=2)]
        found += [predictivity(source, target, **settings) for source in sources]
    return found


def correlations(
    predicted: Float[np.ndarray, "bins cells"], actual: Float[np.ndarray, "bins cells"]
) -> Float[np.ndarray, " cells"]:
    """Returns Pearson's correlation of each column; NaN where either is constant or not a number."""
    first, second = predicted - predicted.mean(axis=0), actual - actual.mean(axis=0)
    # What rounding leaves of a constant is no variation.
    small = 1e-12 * np.maximum(np.abs(predicted).max(axis=0), np.abs(actual).max(axis=0))
    varies = (np.abs(first).max(axis=0) > small) & (np.abs(second).max(axis=0) > small)
    scale = np.sqrt(np.sum(first**2, axis=0) * np.sum(second**2, axis=0))
    return np.where(varies, np.sum(first * second, axis=0) / np.where(varies, scale, 1.0), np.nan)


def median(values: Float[np.ndarray, " some"]) -> float:
    """Returns the median of the numbers among the values; NaN without any."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")
