"""A network in a few numbers: how many of its units lie between thresholds, its best and its median unit.

Survival over units pools counts, so the counts of each network above each threshold are enough to draw, for
any choice of networks, the same curve as from all scores, and to resample networks for its band.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from gridsweep.analysis.frames import Frame
from gridsweep.analysis.survival import ranked_scores

STEP = 0.025  # every threshold of the literature is a multiple of it (spec d.5)
LOWEST, HIGHEST = -0.5, 1.6  # of the thresholds where all scores lie between them
_UNITS_AT_ONCE = 1_000_000  # in the arrays that counting needs
FARTHEST = 3.0  # scores beyond are counted, but at the last threshold: no lattice scores more


@dataclass(frozen=True)
class Tallies:
    """Counts of some networks, a row each.

    Args:
        cells: how many units exceed exactly so many thresholds: 0 … all of them. Silent and unscored units
            exceed none, so a row sums to the network's units.
        best: largest score; NaN where every unit is silent or unscored.
        median: score that half of the units do not exceed; NaN where that half is silent or unscored.
        silent: units without any activity.
        unscored: units that are active and have no score.
    """

    cells: Int[np.ndarray, "networks points+1"]
    best: Float[np.ndarray, " networks"]
    median: Float[np.ndarray, " networks"]
    silent: Int[np.ndarray, " networks"]
    unscored: Int[np.ndarray, " networks"]


def thresholds_for(scores: Sequence[Float[np.ndarray, " units"]]) -> Float[np.ndarray, " points"]:
    """Returns multiples of ``STEP`` that enclose all scores, as far as ``FARTHEST``; NaN does not count."""
    lowest, highest = LOWEST, HIGHEST
    for some in scores:
        lowest = min(lowest, float(np.nanmin(some, initial=LOWEST)))
        highest = max(highest, float(np.nanmax(some, initial=HIGHEST)))
    first = np.floor(max(lowest, -FARTHEST) / STEP + 1e-9)
    last = np.ceil(min(highest, FARTHEST) / STEP - 1e-9)
    # Rounded, so that 0.8 is the number 0.8 and not its neighbour.
    return np.round(np.arange(first, last + 1) * STEP, 3)


def tally(
    table: Frame, score: str, row_of: Int[np.ndarray, " units"], rows: int, thresholds: np.ndarray
) -> Tallies:
    """Counts the units of a table, network by network.

    Args:
        table: a row a unit, with the score and silent.
        score: column to count.
        row_of: the row of each unit's network among the tallies; negative for units to leave out.
        rows: how many networks.
        thresholds: ascending.
    """
    ranked, silent = ranked_scores(table, score), table["silent"].to_numpy(bool)
    cells = np.zeros(rows * (len(thresholds) + 1), np.int64)
    quiet, unscored = np.zeros(rows), np.zeros(rows)
    for start in range(0, len(ranked), _UNITS_AT_ONCE):
        piece = slice(start, start + _UNITS_AT_ONCE)
        kept = row_of[piece] >= 0
        of, scores, is_silent = row_of[piece][kept].astype(np.int64), ranked[piece][kept], silent[piece][kept]
        none = np.isnan(scores)
        passed = np.searchsorted(thresholds, np.where(none, -np.inf, scores), side="left")
        cells += np.bincount(of * (len(thresholds) + 1) + passed, minlength=len(cells))
        quiet += np.bincount(of, is_silent, minlength=rows)
        unscored += np.bincount(of, none & ~is_silent, minlength=rows)
    best, median = _best_and_median(row_of, ranked, rows)
    return Tallies(
        cells=cells.reshape(rows, len(thresholds) + 1),
        best=best,
        median=median,
        silent=quiet.astype(np.int64),
        unscored=unscored.astype(np.int64),
    )


def _best_and_median(row_of: np.ndarray, ranked: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns both for each network, NaN where there is none. Of two middle units the lower counts."""
    best, median = np.full(rows, np.nan), np.full(rows, np.nan)
    starts = _starts(row_of)
    if len(starts) != len(np.unique(row_of[starts])):
        order = np.argsort(row_of, kind="stable")
        row_of, ranked = row_of[order], ranked[order]
        starts = _starts(row_of)
    for start, end in zip(starts, [*starts[1:], len(row_of)], strict=True):
        if (row := row_of[start]) < 0:
            continue
        units = np.where(np.isnan(ranked[start:end]), -np.inf, ranked[start:end])
        middle = (len(units) - 1) // 2
        found = np.partition(units, middle)
        best[row], median[row] = found[middle:].max(), found[middle]
    return np.where(np.isinf(best), np.nan, best), np.where(np.isinf(median), np.nan, median)


def _starts(row_of: np.ndarray) -> np.ndarray:
    """Returns where rows begin that stand together; in stores, those of a network do."""
    return np.flatnonzero(np.r_[len(row_of) > 0, row_of[1:] != row_of[:-1]])


def smallest_counts(cells: Int[np.ndarray, "networks points+1"]) -> np.ndarray:
    """Returns the counts as whole numbers of 16 bits, or 32 where a network has more units than that."""
    return cells.astype("<u2" if cells.max(initial=0) < 2**16 else "<u4")
