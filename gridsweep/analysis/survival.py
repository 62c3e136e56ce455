"""Survival functions of grid scores: which fraction of units lies above each threshold, and how sure that is.

The tail of this curve is what every claim about grid cells rests on, so nothing in it is smoothed. Units of
one network are not independent, they share weights, target and walks, so the band resamples networks and
never units: on simulated data a band over units was 16 times too narrow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr, ndtri, stdtrit

from gridsweep.analysis.frames import Frame, pd
from gridsweep.analysis.groups import number_groups

THRESHOLDS = (0.3, 0.75, 0.8, 0.85, 1.0, 1.15, 1.2)  # those used side by side in the literature (spec d.5)
STEP = 0.005  # of the default thresholds: 0.2 mm on paper

_CELLS_AT_ONCE = 4_000_000  # numbers in one matrix of bootstrap weights: 32 MB, at any number of networks


@dataclass(frozen=True)
class SurvivalTable:
    """What ``survival`` found. Every frame begins with the columns that name a group.

    Args:
        curves: group, threshold, fraction of units above it, low and high end of the band (NaN: no band).
        best: the same for the best unit of each network: the fraction of networks that have one above.
        networks: group, run_id, units, silent, unscored, best score (NaN: every unit silent or unscored).
        groups: group, networks, units, silent, unscored, largest score, note (why there is no band, or "").
        score: the column that was ranked.
        by: the columns that name a group.
        level: of the bands, 0.95 for 95 %.
        draws: bootstrap draws.
    """

    curves: Frame
    best: Frame
    networks: Frame
    groups: Frame
    score: str
    by: tuple[str, ...]
    level: float
    draws: int


def survival_function(
    scores: Float[np.ndarray, " units"],
    thresholds: Float[np.ndarray, " points"],
) -> Float[np.ndarray, " points"]:
    """Fraction of units whose score exceeds each threshold, S(t) = P(score > t).

    The empirical step function, not a smoothed one: a kernel puts mass above the largest
    score ever observed, and the tail is what the figure is read for.

    NaN scores and silent units count as never exceeding. Dropping them would flatter
    networks with many silent units.
    """
    if scores.size == 0:
        raise ValueError(
            "survival_function: no units to rank. Did a filter such as "
            "position_error_cm < 10 remove every run?"
        )
    ranked = np.sort(np.where(np.isnan(scores), -np.inf, scores))
    return 1.0 - np.searchsorted(ranked, thresholds, side="right") / scores.size


def ranked_scores(table: Frame, score: str) -> Float[np.ndarray, " units"]:
    """Returns the scores with NaN for silent units, which exceed nothing, not even a negative threshold.

    A silent unit is stored with the score 0, as published, which would put it above half of the noise.
    """
    scores = table[score].to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(table["silent"].to_numpy(dtype=bool), np.nan, scores)


def survival(
    table: Frame,
    score: str = "grid_score_60",
    by: str | Sequence[str] = "group",
    thresholds: Sequence[float] | Float[np.ndarray, " points"] | None = None,
    *,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> SurvivalTable:
    """Ranks the units of each group against thresholds, with a band from resampling networks.

    Args:
        table: a row a unit, with run_id, silent, the score and the columns of ``by``.
        score: the column to rank.
        by: what makes a group; NULL is a value like any other.
        thresholds: where to look; by default every 0.005 over the scores, and each group's largest score.
        draws: bootstrap draws.
        seed: of the draws. Each group starts from it anew, so a band does not depend on the other groups.
        level: of the bands.

    Returns:
        Curves that are exact at each threshold. The band is a percentile interval, widened for few networks
        (``tail_probability``); with three it is no more than the range of their means, and where no unit
        exceeds a threshold it has no width: resampling cannot imagine what it has not seen. The band of
        ``best`` is Wilson's interval for a share of independent networks, which has a width there as well.
    """
    by = [by] if isinstance(by, str) else list(by)
    _check(table, score, by, draws, level)
    ranked = ranked_scores(table, score)
    keys, group_of = number_groups(table, by)
    if thresholds is None:
        thresholds = default_thresholds(ranked, group_of)
    thresholds = np.unique(np.asarray(thresholds, dtype=np.float64))
    order = np.argsort(group_of, kind="stable")
    rows_of = np.split(order, np.searchsorted(group_of[order], np.arange(1, len(keys))))
    run_ids, silent = table["run_id"], table["silent"].to_numpy(dtype=bool)

    curves, best, networks, groups = [], [], [], []
    for rows in rows_of:
        run_of, names = pd.factorize(run_ids.iloc[rows], sort=True)
        found = pd.DataFrame(
            {
                "run_id": np.asarray(names, dtype=object),
                "units": np.bincount(run_of, minlength=len(names)),
                "silent": np.bincount(run_of, silent[rows], minlength=len(names)).astype(np.int64),
                "unscored": _count_unscored(run_of, ranked[rows], silent[rows], len(names)),
                "best": _best_of_each(run_of, ranked[rows], len(names)),
            }
        )
        counts = exceedance_counts(run_of, ranked[rows], thresholds, len(names))
        units = found["units"].to_numpy()
        rng = np.random.default_rng(seed)
        low, high = _bootstrap_band(counts, units, draws, level, rng)
        curves.append(_curve(thresholds, counts.sum(0) / units.sum(), low, high))
        with_one = (counts > 0).sum(0)
        low, high = wilson_interval(with_one, len(names), level)
        best.append(_curve(thresholds, with_one / len(names), low, high))
        networks.append(found)
        groups.append(
            {
                "networks": len(names),
                "units": int(units.sum()),
                "silent": int(found["silent"].sum()),
                "unscored": int(found["unscored"].sum()),
                "largest": found["best"].max(),
                "note": "one network, so no band" if len(names) == 1 else "",
            }
        )
    return SurvivalTable(
        curves=_under_keys(keys, curves),
        best=_under_keys(keys, best),
        networks=_under_keys(keys, networks),
        groups=pd.concat([keys, pd.DataFrame(groups)], axis=1),
        score=score,
        by=tuple(by),
        level=level,
        draws=draws,
    )


def fractions_above(
    table: Frame,
    thresholds: Sequence[float] = THRESHOLDS,
    score: str = "grid_score_60",
    by: str | Sequence[str] = "group",
    *,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Frame:
    """Returns for each group and threshold the units above it and the networks that have such a unit.

    Columns: the group, threshold, units_above, fraction, low, high; networks_with, network_fraction,
    network_low, network_high; networks, units. Intervals as in ``survival``.
    """
    return shares_at(survival(table, score, by, thresholds, draws=draws, seed=seed, level=level), thresholds)


def shares_at(found: SurvivalTable, thresholds: Sequence[float]) -> Frame:
    """Returns what ``fractions_above`` returns, from curves that were computed at these thresholds."""
    best = found.best.rename(
        columns={"fraction": "network_fraction", "low": "network_low", "high": "network_high"}
    )
    wide = pd.concat([found.curves, best[["network_fraction", "network_low", "network_high"]]], axis=1)
    points = len(found.curves) // len(found.groups)
    for column in ("networks", "units"):
        wide[column] = np.repeat(found.groups[column].to_numpy(), points)
    wide["units_above"] = np.rint(wide["fraction"] * wide["units"]).astype(np.int64)
    wide["networks_with"] = np.rint(wide["network_fraction"] * wide["networks"]).astype(np.int64)
    if unknown := sorted(set(thresholds) - set(wide["threshold"])):
        raise ValueError(f"shares_at: found the thresholds {unknown}, the curves were not computed there")
    columns = [
        *(*found.by, "threshold", "units_above", "fraction", "low", "high"),
        *("networks_with", "network_fraction", "network_low", "network_high", "networks", "units"),
    ]
    return wide.loc[wide["threshold"].isin(thresholds), columns].reset_index(drop=True)


def default_thresholds(
    scores: Float[np.ndarray, " units"], group_of: Int[np.ndarray, " units"]
) -> Float[np.ndarray, " points"]:
    """Returns -0.5 to 1.6 in steps of 0.005, further where scores lie further, and each group's largest."""
    finite = np.isfinite(scores)
    lowest = min(-0.5, scores[finite].min(initial=0.0))
    highest = max(1.6, scores[finite].max(initial=0.0))
    # Rounded, so that 0.8 is the number 0.8 and not its neighbour.
    grid = np.round(np.arange(np.floor(lowest / STEP), np.ceil(highest / STEP) + 1) * STEP, 3)
    largest = np.full(group_of.max(initial=0) + 1, -np.inf)
    np.maximum.at(largest, group_of[finite], scores[finite])
    return np.unique(np.concatenate([grid, largest[np.isfinite(largest)]]))


def exceedance_counts(
    run_of: Int[np.ndarray, " units"],
    scores: Float[np.ndarray, " units"],
    thresholds: Float[np.ndarray, " points"],
    networks: int,
) -> Int[np.ndarray, "networks points"]:
    """Returns how many units of each network exceed each threshold; the thresholds ascend."""
    points = len(thresholds)
    # A score exceeds as many thresholds as lie below it; NaN exceeds none.
    passed = np.searchsorted(thresholds, np.where(np.isnan(scores), -np.inf, scores), side="left")
    cells = np.bincount(run_of * (points + 1) + passed, minlength=networks * (points + 1))
    from_above = np.cumsum(cells.reshape(networks, points + 1)[:, ::-1], axis=1)[:, ::-1]
    return from_above[:, 1:]


def bootstrap_fractions(
    counts: Int[np.ndarray, "networks points"] | Float[np.ndarray, "networks points"],
    units: Int[np.ndarray, " networks"],
    draws: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "draws points"]:
    """Returns the pooled fraction of units above each threshold in resampled sets of networks.

    A draw is a vector of weights (how often each network was drawn), so all draws are one matrix product.
    Weights and counts are whole numbers, so the product is exact whatever the order of its sums. Other
    amounts that are summed over a network's units may stand for counts; they are summed in float64.
    """
    networks = len(units)
    whole = np.issubdtype(counts.dtype, np.integer)
    dtype = _exact_for(networks * int(units.max())) if whole else np.float64
    counts_and_units = np.column_stack([counts, units]).astype(dtype)
    fractions = np.empty((draws, counts.shape[1]))
    for start, weights in _resampling_weights(networks, draws, rng):
        sums = (weights.astype(counts_and_units.dtype) @ counts_and_units).astype(np.float64)
        fractions[start : start + len(weights)] = sums[:, :-1] / sums[:, -1:]
    return fractions


def _resampling_weights(
    networks: int, draws: int, rng: np.random.Generator
) -> Iterator[tuple[int, Int[np.ndarray, "here networks"]]]:
    """Yields (first draw, how often each network was drawn in each of these draws), piece by piece."""
    at_once = max(1, _CELLS_AT_ONCE // networks)
    for start in range(0, draws, at_once):
        here = min(at_once, draws - start)
        drawn = rng.integers(networks, size=(here, networks), dtype=np.int32)
        places = drawn + networks * np.arange(here)[:, None]
        yield start, np.bincount(places.ravel(), minlength=here * networks).reshape(here, networks)


def _exact_for(largest_sum: int) -> type[np.floating]:
    """Returns the shortest float in which whole numbers up to this one are exact: half the work if short."""
    return np.float32 if largest_sum < 2**24 else np.float64


def tail_probability(networks: int, level: float) -> float:
    """Returns the share of bootstrap draws to leave out at each end of a band.

    A plain percentile band from n networks is too narrow, by the factor sqrt((n - 1) / n) and for using the
    normal instead of Student's distribution. Leaving out less at the ends repairs both; for many networks
    it comes to (1 - level) / 2.

    Source: Hesterberg 2015, "What Teachers Should Know about the Bootstrap", expanded percentile interval.
    """
    student = -stdtrit(networks - 1, (1 - level) / 2)
    return float(ndtr(-np.sqrt(networks / (networks - 1)) * student))


def wilson_interval(
    successes: Int[np.ndarray, " points"], trials: int, level: float
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    """Returns the ends of Wilson's interval for a share of independent networks; NaN for a single one."""
    if trials < 2:
        return np.full(len(successes), np.nan), np.full(len(successes), np.nan)
    z = -ndtri((1 - level) / 2)
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z * np.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2) / (1 + z**2 / trials)
    # At the ends the formula gives 0 and 1 but for rounding.
    return np.where(successes == 0, 0.0, centre - half), np.where(successes == trials, 1.0, centre + half)


def _bootstrap_band(counts, units, draws, level, rng) -> tuple[np.ndarray, np.ndarray]:
    if len(units) < 2:
        return np.full(counts.shape[1], np.nan), np.full(counts.shape[1], np.nan)
    tail = tail_probability(len(units), level)
    low, high = np.quantile(bootstrap_fractions(counts, units, draws, rng), [tail, 1 - tail], axis=0)
    return low, high


def _check(table: Frame, score: str, by: list[str], draws: int, level: float) -> None:
    if missing := [column for column in ("run_id", "silent", score, *by) if column not in table.columns]:
        raise ValueError(
            f"survival: the table has no column {', '.join(missing)}; "
            f"it has {', '.join(map(str, table.columns))}"
        )
    if table.empty:
        raise ValueError(
            "survival: no units to rank. Did a filter such as position_error_cm < 10 remove every run?"
        )
    if draws < 1 or not 0 < level < 1:
        raise ValueError(
            f"survival: found {draws} draws, level {level:g}; expected at least 1, between 0 and 1"
        )


def _count_unscored(run_of, ranked, silent, networks: int) -> Int[np.ndarray, " networks"]:
    return np.bincount(run_of, np.isnan(ranked) & ~silent, minlength=networks).astype(np.int64)


def _best_of_each(run_of, ranked, networks: int) -> Float[np.ndarray, " networks"]:
    best = np.full(networks, -np.inf)
    np.maximum.at(best, run_of, np.where(np.isnan(ranked), -np.inf, ranked))
    return np.where(np.isinf(best), np.nan, best)


def _curve(thresholds, fraction, low, high) -> Frame:
    return pd.DataFrame({"threshold": thresholds, "fraction": fraction, "low": low, "high": high})


def _under_keys(keys: Frame, frames: list[Frame]) -> Frame:
    """Returns the groups' frames one below the other, each row beginning with its group's name."""
    lengths = [len(frame) for frame in frames]
    repeated = keys.loc[np.repeat(keys.index.to_numpy(), lengths)].reset_index(drop=True)
    return pd.concat([repeated, pd.concat(frames, ignore_index=True)], axis=1)
