"""What is said of a whole network: the tails of its units' scores, and the dimensionality of its maps.

A network counts as having grid cells when one of its units, or a share of them, exceeds a threshold. Which
threshold is a matter of debate, so the fractions above all of them are kept, with the quantiles and the
maximum; the null is summarised in the same way. Every unit counts, the silent ones with their score of 0:
leaving them out would flatter networks with many.

Source: sweeps_and_figures.md c.2 for the thresholds and quantiles; other_systems.md 7.1 for the rest.
"""

import math
from collections.abc import Mapping

import jax
import numpy as np
from jaxtyping import Array, Float

from gridsweep.maps import population

QUANTILES = {"grid_score_60": (50, 90, 95, 99), "grid_score_90": (50, 75, 90, 95, 99)}  # in percent
THRESHOLDS = {
    "grid_score_60": (0.3, 0.75, 0.8, 0.85, 1.0, 1.15, 1.2),
    "grid_score_90": (1.0, 1.4, 1.5),
}


def measure_network(
    maps: np.ndarray | Array, measured: Mapping[str, np.ndarray]
) -> dict[str, float | int | None]:
    """Returns one number for each of ``network_columns``.

    Args:
        maps: (units, bins, bins), first axis x; NaN where nobody has been.
        measured: what ``measure`` returned for them.
    """
    return summarise(measured) | dimensionality(maps)


def summarise(measured: Mapping[str, np.ndarray]) -> dict[str, float | None]:
    """Returns maximum, quantiles and fractions above the thresholds of both published grid scores.

    All None without units. Quantiles are interpolated between units.
    """
    found: dict[str, float | None] = {}
    for score, percents in QUANTILES.items():
        values = np.asarray(measured[score], float)
        known = len(values) > 0
        found[f"{score}_max"] = float(values.max()) if known else None
        for percent in percents:
            found[f"{score}_q{percent}"] = float(np.percentile(values, percent)) if known else None
        for threshold in THRESHOLDS[score]:
            name = fraction_column(score, threshold)
            found[name] = float(np.mean(values > threshold)) if known else None
    return found


def dimensionality(maps: np.ndarray | Array) -> dict[str, float | int]:
    """Returns both participation ratios of the maps, each with its floor, and their rank; 0 for silence.

    The published values are floors (spec e.9).
    """
    with jax.enable_x64(True):
        found = jax.device_get(_dimensionality(np.asarray(maps, np.float64)))
    values: dict[str, float | int] = {}
    for form in ("units_as_samples", "bins_as_samples"):
        ratio = float(found[form])
        values[f"rate_map_participation_ratio_{form}"] = ratio
        values[f"rate_map_participation_ratio_{form}_floor"] = math.floor(ratio)
    return values | {"rate_map_rank": int(found["rank"])}


def network_columns() -> tuple[str, ...]:
    """Returns the names of all that ``measure_network`` says."""
    nothing = {score: np.zeros(1) for score in QUANTILES}
    return tuple(measure_network(np.zeros((1, 4, 4)), nothing))


def fraction_column(score: str, threshold: float) -> str:
    """Returns the column for the fraction of units above a threshold: fraction_grid_score_60_above_0_8."""
    return f"fraction_{score}_above_{threshold}".replace(".", "_")


@jax.jit
def _dimensionality(maps: Float[Array, "units bins bins"]) -> dict[str, Array]:
    return {
        "units_as_samples": population.participation_ratio_of_units(maps),
        "bins_as_samples": population.participation_ratio_of_bins(maps),
        "rank": population.rank(maps),
    }
