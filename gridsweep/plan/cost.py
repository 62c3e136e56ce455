"""What a sweep will cost on this machine, before it costs it.

Training time is floating-point operations over what this machine's matrix products reach, times the share
of that which training reaches here; both are estimates, good to a factor of two.
"""

import functools
import os
import subprocess
import sys

from gridsweep.spec import Run

# Share of the float32 matrix-product rate that training reaches, by operations of an update. The first is
# measured (0.5e9 operations, 110 updates a second on a core of 140e9): updates_per_s of the table runs.
# The others are estimates.
EFFICIENCY = ((2e9, 0.4), (2e10, 0.55), (float("inf"), 0.65))
UPDATE_S = 1.5e-4  # of an update, however small: what 8 units take, at 6,000 updates a second
SCORING_S_PER_UNIT_AND_SQUARE_BIN = 3e-7  # python -m benchmarks.scoring, 44 bins
BYTES_PER_UNIT_ROW = 32
BYTES_PER_RUN = 4_000
BEST_MAPS_PER_RUN = 64  # at most: the 32 best by each of two scores


MEASURE = """
import time, numpy as np
size, best, started = 384, 0.0, time.perf_counter()
left = np.random.default_rng(0).standard_normal((size, size), dtype=np.float32)
while not best or time.perf_counter() - started < 0.15:
    before = time.perf_counter()
    left @ left
    best = max(best, 2 * size**3 / (time.perf_counter() - before))
print(best)
"""


@functools.cache
def matrix_product_rate() -> float:
    """Returns the float32 operations a second of one core's matrix products, measured for 0.15 s.

    In a process of its own with one thread: a pool of threads on busy cores measures the waiting.
    """
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    answer = subprocess.run(
        [sys.executable, "-c", MEASURE],
        env=os.environ | one_thread,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(answer.stdout)


def run_operations(run: Run) -> float:
    """Returns the floating-point operations of training one run."""
    return run.system.operations_per_update() * run.system.total_updates


def run_seconds(run: Run) -> float:
    """Returns an estimate of the seconds one run takes on one core: training, then scoring."""
    per_update = run.system.operations_per_update()
    share = next(efficiency for limit, efficiency in EFFICIENCY if per_update <= limit)
    training = run_operations(run) / (matrix_product_rate() * share) + run.system.total_updates * UPDATE_S
    bins = sum(bins**2 for evaluation in run.system.evaluation for bins in evaluation.bins)
    return training + run.system.scored_units * bins * SCORING_S_PER_UNIT_AND_SQUARE_BIN


def run_bytes(run: Run, keep: dict[str, str]) -> int:
    """Returns an estimate of the bytes one run adds to a store."""
    grids = [bins for evaluation in run.system.evaluation for bins in evaluation.bins]
    units = run.system.scored_units
    kept = {"none": 0, "best": min(BEST_MAPS_PER_RUN, units), "all": units}[keep["rate_maps"]]
    maps = sum(kept * bins**2 * 4 for bins in grids)
    return BYTES_PER_RUN + units * len(grids) * BYTES_PER_UNIT_ROW + maps
