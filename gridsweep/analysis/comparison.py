"""Is one group of networks above another, or above the null? Differences with intervals, areas, a test.

Networks are what is resampled and what changes places in the permutation test, never units: units of one
network share weights, target and walks. The null takes part as hands of maps (``analysis.null``), each as
large as a network.

The area between two survival curves beyond a score t is exact: the area under S beyond t is the mean of
max(score - t, 0) over units, so nothing is integrated on a grid.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gridsweep.analysis.frames import Frame, pd
from gridsweep.analysis.survival import (
    THRESHOLDS,
    bootstrap_fractions,
    exceedance_counts,
    ranked_scores,
    tail_probability,
    wilson_interval,
)

BEYOND = 0.3  # the lowest of the criteria in use (spec d.5): below it curves say how smooth maps are

_CELLS_AT_ONCE = 4_000_000  # numbers in one matrix of permutations: 32 MB


@dataclass(frozen=True)
class Networks:
    """One group's networks: what resampling needs of them.

    Args:
        run_of: which network each unit is of.
        scores: of each unit; NaN exceeds nothing.
        units: how many units each network has.
    """

    run_of: np.ndarray
    scores: Float[np.ndarray, " all_units"]
    units: np.ndarray

    def excess(self, beyond: float) -> Float[np.ndarray, " networks"]:
        """Returns the sum over each network's units of how far they lie beyond a score."""
        over = np.clip(np.where(np.isnan(self.scores), -np.inf, self.scores) - beyond, 0.0, None)
        return np.bincount(self.run_of, over, minlength=len(self.units))


@dataclass(frozen=True)
class Area:
    """The area between the survival curves of two groups beyond a score: positive where the first is above.

    Args:
        area: in scores times share of units.
        low: end of its interval; NaN if a group is a single network.
        high: the other end.
        beyond: from which score on.
    """

    area: float
    low: float
    high: float
    beyond: float


@dataclass(frozen=True)
class PermutationTest:
    """How often networks dealt to two groups at random lie as far apart as the real groups.

    Args:
        area: the area between the curves, as in ``area_between``.
        p_value: one-sided, first group above second; never below 1 / (permutations + 1).
        permutations: how many deals.
        networks: networks of the first and of the second group.
    """

    area: float
    p_value: float
    permutations: int
    networks: tuple[int, int]


def difference(
    table: Frame,
    first: object,
    second: object,
    thresholds: Sequence[float] = THRESHOLDS,
    score: str = "grid_score_60",
    by: str = "group",
    *,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Frame:
    """Returns, for each threshold, how much larger one group's share is than another's.

    Columns: threshold, first, second (shares of units), difference, low, high; and the same for the share of
    networks that have such a unit: network_first, network_second, network_difference, network_low,
    network_high. The interval for units is a bootstrap over the networks of both groups, widened for few
    networks as in ``survival``; that for networks is Newcombe's, made of two Wilson intervals, which has a
    width even where all networks agree.

    Source: Newcombe 1998, "Interval estimation for the difference between independent proportions",
    method 10.
    """
    points = np.unique(np.asarray(thresholds, dtype=np.float64))
    rng = np.random.default_rng(seed)
    shares, drawn, with_one, ends = [], [], [], []
    groups = [networks_of(table, name, score, by) for name in (first, second)]
    for group in groups:
        counts = exceedance_counts(group.run_of, group.scores, points, len(group.units))
        shares.append(counts.sum(0) / group.units.sum())
        if min(len(group.units) for group in groups) > 1:
            drawn.append(bootstrap_fractions(counts, group.units, draws, rng))
        having = (counts > 0).sum(0)
        with_one.append(having / len(group.units))
        ends.append(wilson_interval(having, len(group.units), level))
    low, high = _ends(drawn[0] - drawn[1], groups, level) if drawn else (np.nan, np.nan)
    (low_1, high_1), (low_2, high_2) = ends
    by_network = with_one[0] - with_one[1]
    return pd.DataFrame(
        {
            "threshold": points,
            "first": shares[0],
            "second": shares[1],
            "difference": shares[0] - shares[1],
            "low": low,
            "high": high,
            "network_first": with_one[0],
            "network_second": with_one[1],
            "network_difference": by_network,
            "network_low": by_network - np.hypot(with_one[0] - low_1, high_2 - with_one[1]),
            "network_high": by_network + np.hypot(high_1 - with_one[0], with_one[1] - low_2),
        }
    )


def area_between(
    table: Frame,
    first: object,
    second: object,
    beyond: float = BEYOND,
    score: str = "grid_score_60",
    by: str = "group",
    *,
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> Area:
    """Returns the area between two groups' survival curves beyond a score, with its bootstrap interval."""
    one, other = (networks_of(table, name, score, by) for name in (first, second))
    return area_of(one, other, beyond, draws=draws, seed=seed, level=level)


def area_of(
    one: Networks,
    other: Networks,
    beyond: float = BEYOND,
    *,
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> Area:
    """Returns what ``area_between`` does, of networks that were looked up before."""
    groups = [one, other]
    excesses = [group.excess(beyond) for group in groups]
    means = [excess.sum() / group.units.sum() for excess, group in zip(excesses, groups, strict=True)]
    low = high = np.nan
    if min(len(group.units) for group in groups) > 1:
        rng = np.random.default_rng(seed)
        first, second = (
            bootstrap_fractions(excess[:, None], group.units, draws, rng)
            for excess, group in zip(excesses, groups, strict=True)
        )
        (low,), (high,) = _ends(first - second, groups, level)
    return Area(float(means[0] - means[1]), float(low), float(high), beyond)


def permutation_test(
    table: Frame,
    first: object,
    second: object,
    beyond: float = BEYOND,
    score: str = "grid_score_60",
    by: str = "group",
    *,
    permutations: int = 10_000,
    seed: int = 0,
) -> PermutationTest:
    """Tests whether the first group's curve lies above the second's (the null's) beyond a score.

    Networks change groups whole. Under the hypothesis that both are draws of one kind of network, each deal
    is as likely as the real one, so the p-value is exact however few networks there are; with three against
    three it cannot be below 1/20.
    """
    one, other = (networks_of(table, name, score, by) for name in (first, second))
    return permute(one, other, beyond, permutations=permutations, seed=seed)


def permute(
    one: Networks, other: Networks, beyond: float = BEYOND, *, permutations: int = 10_000, seed: int = 0
) -> PermutationTest:
    """Returns what ``permutation_test`` does, of networks that were looked up before."""
    excess = np.concatenate([one.excess(beyond), other.excess(beyond)])
    units = np.concatenate([one.units, other.units]).astype(np.float64)
    size, networks = len(one.units), len(units)
    both = np.column_stack([excess, units])

    def areas(chosen: np.ndarray) -> np.ndarray:
        ours = chosen.astype(np.float64) @ both
        theirs = both.sum(0) - ours
        return ours[:, 0] / ours[:, 1] - theirs[:, 0] / theirs[:, 1]

    real = areas((np.arange(networks) < size)[None])[0]
    rng, reached = np.random.default_rng(seed), 0
    at_once = max(1, _CELLS_AT_ONCE // networks)
    for start in range(0, permutations, at_once):
        here = min(at_once, permutations - start)
        # The networks with the smallest random numbers are dealt to the first group.
        order = np.argpartition(rng.random((here, networks)), size - 1, axis=1)[:, :size]
        chosen = np.zeros((here, networks), bool)
        np.put_along_axis(chosen, order, True, axis=1)
        # Equal up to the rounding of sums in another order is equal.
        reached += int((areas(chosen) >= real - 1e-12).sum())
    return PermutationTest(
        float(real), (reached + 1) / (permutations + 1), permutations, (size, networks - size)
    )


def networks_of(table: Frame, name: object, score: str, by: str) -> Networks:
    """Returns the networks of one group.

    Raises:
        ValueError: the table has no such group.
    """
    rows = table[table[by] == name]
    if rows.empty:
        known = ", ".join(map(repr, table[by].unique()))
        raise ValueError(f"found no group {name!r} in {by}, expected one of {known}")
    run_of, names = pd.factorize(rows["run_id"])
    return Networks(run_of, ranked_scores(rows, score), np.bincount(run_of, minlength=len(names)))


def _ends(differences: np.ndarray, groups: list[Networks], level: float) -> np.ndarray:
    """Returns both ends of the interval; as wide as the group with fewer networks needs."""
    tail = tail_probability(min(len(group.units) for group in groups), level)
    return np.quantile(differences, [tail, 1 - tail], axis=0)
