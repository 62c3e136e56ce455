"""Numbers of whole networks: quantiles of their units' scores, and averages over networks with a band."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from gridsweep.analysis.frames import Frame, pd
from gridsweep.analysis.survival import ranked_scores, tail_probability

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99)  # those logged by the original (spec b.1, figures 11 to 13)


def quantiles_of_networks(
    table: Frame, quantiles: Sequence[float] = QUANTILES, score: str = "grid_score_90", by: str = "group"
) -> Frame:
    """Returns group, run_id, quantile, value: quantiles of the units' scores, network by network.

    Silent and unscored units count as the lowest there are, so a network with many has low quantiles; where
    more than the quantile's share of units are so, the value is NaN.
    """
    ranked = np.where(np.isnan(scores := ranked_scores(table, score)), -np.inf, scores)
    rows = []
    for (group, run_id), places in table.groupby([by, "run_id"], observed=True).indices.items():
        # An interpolation beside minus infinity is NaN, so the next lower unit stands for the quantile.
        values = np.quantile(ranked[places], quantiles, method="lower")
        rows += [(group, run_id, quantile, value) for quantile, value in zip(quantiles, values, strict=True)]
    found = pd.DataFrame(rows, columns=[by, "run_id", "quantile", "value"])
    found["value"] = found["value"].replace(-np.inf, np.nan)
    if isinstance(table[by].dtype, pd.CategoricalDtype):
        found[by] = pd.Categorical(found[by], table[by].cat.categories, ordered=True)
    return found


def mean_with_band(
    values: Float[np.ndarray, " networks"], *, draws: int = 2000, seed: int = 0, level: float = 0.95
) -> tuple[float, float, float]:
    """Returns (mean, low, high) over networks, by bootstrap; NaN is left out, one network has no band."""
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return float("nan"), float("nan"), float("nan")
    if len(values) == 1:
        return float(values[0]), float("nan"), float("nan")
    drawn = np.random.default_rng(seed).integers(len(values), size=(draws, len(values)))
    tail = tail_probability(len(values), level)
    low, high = np.quantile(values[drawn].mean(axis=1), [tail, 1 - tail])
    return float(values.mean()), float(low), float(high)
