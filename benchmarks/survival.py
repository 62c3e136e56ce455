"""What the statistics behind a survival figure cost at the size of the published study.

11,608 networks of 1,024 units, in one group and in seven, and a null of 10,240 maps; scores are invented.
10,000 bootstrap draws over networks, a permutation test, and beside them the plain loop over draws that the
matrix product replaces, timed on a few draws.

    python -m benchmarks.survival
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from gridsweep.analysis import area_between, permutation_test, survival
from gridsweep.analysis.survival import bootstrap_fractions, default_thresholds, exceedance_counts

NETWORKS, UNITS, DRAWS, GROUPS = 11_608, 1_024, 10_000, 7


def main() -> None:
    parser = argparse.ArgumentParser(description="What the statistics of a survival figure cost.")
    parser.add_argument("--networks", type=int, default=NETWORKS)
    networks = parser.parse_args().networks
    for line in measure(networks):
        print("{:<58}{:>12}".format(*line))


def measure(networks: int) -> list[tuple[str, str]]:
    """Returns what to print."""
    table = make_table(networks)
    scores, run_of = table["grid_score_60"].to_numpy(), np.repeat(np.arange(networks), UNITS)
    thresholds = default_thresholds(scores, np.zeros(len(scores), np.int64))
    units = np.full(networks, UNITS)
    counts_s, counts = timed(lambda: exceedance_counts(run_of, scores, thresholds, networks))
    rng = np.random.default_rng(0)
    matrix_s, _ = timed(lambda: bootstrap_fractions(counts, units, DRAWS, rng))
    loop_s, _ = timed(lambda: plain_bootstrap(counts, units, 20))
    one_s, _ = timed(lambda: survival(table.assign(group="all"), draws=DRAWS))
    seven_s, _ = timed(lambda: survival(table, by="group", draws=DRAWS))
    area_s, _ = timed(lambda: area_between(table, "0", "1", draws=DRAWS))
    test_s, _ = timed(lambda: permutation_test(table, "0", "1", permutations=DRAWS))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "linux" else 2**30)
    return [
        ("networks x units", f"{networks:,} x {UNITS:,}"),
        ("thresholds", f"{len(thresholds):,}"),
        ("counts above each threshold", f"{counts_s:.2f} s"),
        (f"bootstrap, {DRAWS:,} draws, one matrix product a piece", f"{matrix_s:.2f} s"),
        (f"bootstrap, {DRAWS:,} draws, loop over draws (from 20)", f"{loop_s * DRAWS / 20:.0f} s"),
        ("survival of one group, from the table to bands", f"{one_s:.2f} s"),
        (f"survival of {GROUPS} groups", f"{seven_s:.2f} s"),
        ("area between two groups with its interval", f"{area_s:.2f} s"),
        (f"permutation test, {DRAWS:,} deals", f"{test_s:.2f} s"),
        ("peak memory of the process", f"{peak:.2f} GB"),
    ]


def make_table(networks: int) -> pd.DataFrame:
    """Returns a row a unit; networks differ in their mean score."""
    rng = np.random.default_rng(7)
    means = 0.1 + 0.1 * rng.normal(size=(networks, 1))
    scores = np.clip(means + 0.3 * rng.normal(size=(networks, UNITS)), -0.6, 1.55).ravel()
    names = [f"{number:016x}" for number in range(networks)]
    run_of = np.repeat(np.arange(networks), UNITS)
    return pd.DataFrame(
        {
            "run_id": pd.Categorical.from_codes(run_of, names),
            "grid_score_60": scores,
            "silent": rng.random(len(scores)) < 0.05,
            "group": pd.Categorical.from_codes(run_of % GROUPS, [str(group) for group in range(GROUPS)]),
        }
    )


def plain_bootstrap(counts: np.ndarray, units: np.ndarray, draws: int) -> np.ndarray:
    """Returns the same fractions one draw at a time."""
    rng = np.random.default_rng(0)
    drawn = (rng.integers(len(units), size=len(units)) for _ in range(draws))
    return np.array([counts[rows].sum(0) / units[rows].sum() for rows in drawn])


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = action()
    return time.perf_counter() - begun, result


if __name__ == "__main__":
    main()
