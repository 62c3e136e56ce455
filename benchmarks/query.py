"""What a store costs to write and to ask, at the size of a real sweep.

Cohorts of 64 runs with 1,024 units each go through the real commit; nothing is trained. The
scores are random, so they compress no better than measured ones would.

    python benchmarks/query.py --runs 1024
    python benchmarks/query.py --runs 20000 --lanes 2 --units 4      # 10,000 cohorts: what their number costs
"""

import argparse
import hashlib
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gridsweep.store import Store
from gridsweep.store.commit import commit
from gridsweep.store.compact import compact
from gridsweep.store.verify import verify

LANES = 64
UNITS = 1024
WIDTHS_M = (0.08, 0.10, 0.12, 0.14, 0.16, 0.18, 0.20, 0.24)
KINDS = ("gaussian", "difference_of_softmaxes")
# The scorer's ten rings: inner radius 0.2, outer 0.4 to 1.0, in map widths.
OUTER_RADII = np.linspace(0.4, 1.0, 10).astype(np.float32)

SURVIVAL_BY_WIDTH = """
    SELECT "target.kind", "target.field_width_m", bin / 20.0 AS threshold, count(*) AS units
    FROM (SELECT "target.kind", "target.field_width_m", floor(20 * grid_score_60) AS bin FROM units)
    GROUP BY ALL ORDER BY ALL
"""
FILTERED = """
    SELECT avg(grid_score_60), max(grid_score_60), count(*) FROM units
    WHERE "target.kind" = 'gaussian' AND "target.field_width_m" = 0.12 AND NOT silent
"""

FILTERED_TABLE = (
    ["grid_score_60"],
    """"target.kind" = 'gaussian' AND "target.field_width_m" = 0.12 AND "network.units" = 1024""",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    global LANES, UNITS
    parser.add_argument("--runs", type=int, default=1024, help="rounded up to whole cohorts")
    parser.add_argument("--lanes", type=int, default=LANES, help="runs a cohort")
    parser.add_argument("--units", type=int, default=UNITS, help="units a run")
    parser.add_argument("--store", type=Path, help="keep the store here instead of a temporary folder")
    arguments = parser.parse_args()
    LANES, UNITS = arguments.lanes, arguments.units
    cohorts = -(-arguments.runs // LANES)
    root = arguments.store or Path(tempfile.mkdtemp(prefix="gridsweep-benchmark-"))
    try:
        for line in measure(Store.open_or_create(root), cohorts):
            print("{:<44}{:>16}".format(*line))
    finally:
        if arguments.store is None:
            shutil.rmtree(root)


def measure(store: Store, cohorts: int) -> list[tuple[str, str]]:
    """Writes the store and asks it; returns what to print."""
    number = store.add_plan(plan_document(cohorts))
    commit_s = [timed(commit_one(store, number, cohort))[0] for cohort in range(cohorts)]
    rows = store.sql("SELECT count(*) FROM units").to_pylist()[0]["count_star()"]
    size = sum(entry.tables["units"].bytes for entry in store.ledger.entries().values())
    resume_s, _ = timed(lambda: Store.open(store.path).committed_run_ids())
    fresh = Store.open(store.path)
    first_s, _ = timed(lambda: fresh.sql(SURVIVAL_BY_WIDTH))
    lines = [
        ("cohorts", f"{cohorts:,}"),
        ("runs", f"{cohorts * LANES:,}"),
        ("unit rows", f"{rows:,}"),
        ("bytes a unit row", f"{size / rows:.1f}"),
        ("commit of a cohort, median", f"{1000 * statistics.median(commit_s):.0f} ms"),
        ("commit of a cohort, slowest", f"{1000 * max(commit_s):.0f} ms"),
        ("survival by width, store just opened", f"{1000 * first_s:.0f} ms"),
        ("survival by width", f"{1000 * best(lambda: store.sql(SURVIVAL_BY_WIDTH)):.0f} ms"),
        ("filtered aggregate", f"{1000 * best(lambda: store.sql(FILTERED)):.0f} ms"),
        ("one column of units to pandas", f"{1000 * best(lambda: store.units(['grid_score_60'])):.0f} ms"),
        ("which runs are committed, store just opened", f"{1000 * resume_s:.0f} ms"),
        ("which runs are committed", f"{1000 * best(store.committed_run_ids):.0f} ms"),
        ("verify, every byte", f"{timed(lambda: verify(store))[0]:.2f} s"),
    ]
    compact_s, done = timed(lambda: compact(store))
    opened = Store.open(store.path)
    first_s, _ = timed(lambda: opened.sql(SURVIVAL_BY_WIDTH))
    return [
        *lines,
        ("compact", f"{compact_s:.1f} s"),
        ("compacted files, bytes", f"{done.files}, {done.bytes / 1e6:,.0f} MB"),
        ("survival by width, compacted, just opened", f"{1000 * first_s:.0f} ms"),
        ("survival by width, compacted", f"{1000 * best(lambda: opened.sql(SURVIVAL_BY_WIDTH)):.0f} ms"),
        ("filtered aggregate, compacted", f"{1000 * best(lambda: opened.sql(FILTERED)):.0f} ms"),
        (
            "filtered table, compacted",
            f"{1000 * best(lambda: opened.table('units', *FILTERED_TABLE)):.0f} ms",
        ),
    ]


def plan_document(cohorts: int) -> dict[str, Any]:
    return {
        "sweep": "benchmark",
        "spec": {},
        "cohorts": [
            {"cohort_id": hex_id("cohort", cohort), "runs": [hex_id(cohort, lane) for lane in range(LANES)]}
            for cohort in range(cohorts)
        ],
    }


def commit_one(store: Store, plan: int, cohort: int) -> Callable[[], object]:
    """Returns the commit of one cohort, with its tables made beforehand."""
    cohort_id, run_ids = list(store.plan(plan).cohorts.items())[cohort]
    tables = cohort_tables(list(run_ids), cohort)
    return lambda: commit(
        store, cohort_id=cohort_id, sweep="benchmark", plan=plan, tables=tables, provenance={}
    )


def cohort_tables(run_ids: list[str], cohort: int) -> dict[str, dict[str, Any]]:
    rng = np.random.default_rng(cohort)
    rows = LANES * UNITS
    silent = rng.random(rows) < 0.05
    mean_rate = rng.gamma(2.0, 0.3, rows)
    width_m = [WIDTHS_M[(cohort + lane) % len(WIDTHS_M)] for lane in range(LANES)]
    constants = {
        "status": "completed",
        "micro_batch": 1,
        "attempts": 1,
        "evaluation": "corrected",
        "science_version": 1,
        "gridsweep_version": "0.1.0",
        "system.kind": "path_integrator",
        "target.kind": KINDS[cohort % len(KINDS)],
        "target.surround_ratio": 2.0,
        "network.kind": "rnn",
        "network.activation": "relu",
        "network.units": UNITS,
    }
    return {
        "runs": {
            **{column: [value] * LANES for column, value in constants.items()},
            "run_id": run_ids,
            "lane": np.arange(LANES),
            "seed": np.arange(LANES),
            "position_error_cm": rng.uniform(2, 40, LANES),
            "target.field_width_m": width_m,
        },
        "units": {
            "run_id": np.repeat(run_ids, UNITS),
            "unit": np.tile(np.arange(UNITS), LANES),
            "evaluation": ["corrected"] * rows,
            "bins": np.full(rows, 44),
            "in_published_sample": np.ones(rows, bool),
            "grid_score_60": np.where(silent, 0.0, rng.normal(0.1, 0.4, rows)),
            "grid_score_90": np.where(silent, 0.0, rng.normal(0.0, 0.4, rows)),
            "ring_60_inner": np.full(rows, 0.2),
            "ring_60_outer": rng.choice(OUTER_RADII, rows),
            "ring_90_inner": np.full(rows, 0.2),
            "ring_90_outer": rng.choice(OUTER_RADII, rows),
            "guarded_lags": rng.poisson(3.0, rows),
            "mean_rate": mean_rate,
            "peak_rate": mean_rate * rng.uniform(2, 20, rows),
            "silent": silent,
        },
    }


def hex_id(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = action()
    return time.perf_counter() - begun, result


def best(action: Callable[[], Any], times: int = 5) -> float:
    return min(timed(action)[0] for _ in range(times))


if __name__ == "__main__":
    main()
