"""Is bfloat16 earned? Networks trained twice with matched seeds, in float32 and in bfloat16.

    gridsweep run sweeps/laptop/precision.yaml --store stores/precision
    python -m benchmarks.precision --store stores/precision

A row is one number of a network: its mean over the seeds in float32 and in bfloat16, the mean of their
differences with Student's 95 % interval, and the p of an exact sign-flip test (scipy.stats). A difference
that is not seen is not shown to be absent: the interval says how large it could be.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks import table
from gridsweep.store import Store

NUMBERS = (
    "loss", "position_error_cm", "grid_score_60_max", "grid_score_60_q50", "grid_score_60_q95",
    "fraction_grid_score_60_above_0_3", "fraction_grid_score_60_above_0_8",
    "fraction_grid_score_60_above_1_15", "grid_score_90_q95", "recurrent_square_norm",
)  # fmt: skip
HEADS = {
    "number": 36, "seeds": 6, "float32": 10, "bfloat16": 10, "difference": 11, "low": 10, "high": 10, "p": 8,
}  # fmt: skip


def main() -> None:
    """Prints and keeps a row for each number."""
    parser = argparse.ArgumentParser(description="bfloat16 beside float32, seed by seed.")
    parser.add_argument("--store", type=Path, required=True)
    asked = parser.parse_args()
    pairs = read_pairs(Store.open(asked.store))
    table.show(HEADS)
    rows = []
    for number in NUMBERS:
        rows.append({"number": number, **compare(*pairs[number])})
        table.show(HEADS, rows[-1])
    table.keep("precision", rows)


def read_pairs(store: Store) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Returns each number as two arrays over seeds, float32 first.

    Raises:
        ValueError: a seed has not completed in both.
    """
    found = store.sql(
        f"""SELECT r.seed, r."training.precision" AS precision, {", ".join(f'e."{name}"' for name in NUMBERS)}
        FROM evaluations e JOIN runs r USING (run_id) JOIN members m USING (run_id)
        WHERE m.sweep = 'precision' AND r.status = 'completed' AND e.evaluation = 'corrected'
        ORDER BY r.seed"""
    ).to_pandas()
    wide = found.pivot(index="seed", columns="precision", values=list(NUMBERS))
    if wide.isna().any(axis=None) or wide.shape[1] != 2 * len(NUMBERS):
        raise ValueError(
            "precision: found a seed that has not completed in both, expected pairs; see gridsweep status"
        )
    return {name: (wide[name, "float32"].to_numpy(), wide[name, "bfloat16"].to_numpy()) for name in NUMBERS}


def compare(full: np.ndarray, rounded: np.ndarray) -> dict[str, Any]:
    """Returns the row of one number."""
    between = stats.ttest_rel(rounded, full).confidence_interval(0.95)
    flipped = stats.permutation_test(
        (rounded, full),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
    )
    return {
        "seeds": len(full),
        "float32": full.mean(),
        "bfloat16": rounded.mean(),
        "difference": (rounded - full).mean(),
        "low": between.low,
        "high": between.high,
        "p": flipped.pvalue,
    }


if __name__ == "__main__":
    main()
