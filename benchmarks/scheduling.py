"""What everything around training costs: planning, Ray Tune, rows, commits; and the way to the first update.

    python -m benchmarks.scheduling plan --runs 1000000
    python -m benchmarks.scheduling fan-out --runs 11608
    python -m benchmarks.scheduling first-update

``plan`` reads and plans a sweep of a million runs. ``fan-out`` plans a sweep of the published size, hands
its cohorts to Ray Tune and commits them; training and scores are random numbers (``benchmarks.synthetic``).
``first-update`` starts ``gridsweep run`` on a small sweep and waits until a cohort has begun: its programs
are compiled then and the next thing is an update. Once with an empty compilation cache, once with a warm one.
Memory is the driver's largest resident set.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import table
from benchmarks.sizes import synthetic_sweep

HEADS = {"what": 34, "runs": 9, "units_rows": 11, "wall_s": 8, "cpu_s": 8, "driver_peak_mb": 14}


def main() -> None:
    """Runs what is asked for."""
    parser = argparse.ArgumentParser(description="The cost of everything around training.")
    parser.add_argument("what", choices=["plan", "fan-out", "first-update", "all"])
    parser.add_argument("--runs", type=int, help="default: 1,000,000 for plan, 11,608 for fan-out")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/scheduling_*.csv")
    asked = parser.parse_args()
    for what, measure in {"plan": plan, "fan-out": fan_out, "first-update": first_update}.items():
        if asked.what in (what, "all"):
            table.show(HEADS)
            rows = measure(asked.runs)
            for row in rows:
                table.show(HEADS, row)
            if asked.keep:
                table.keep(f"scheduling_{what.replace('-', '_')}", rows)


def plan(runs: int | None) -> list[dict[str, Any]]:
    """Times reading and planning a sweep, as ``gridsweep plan`` does both."""
    code = (
        "import resource, time; began = time.perf_counter(); from benchmarks.sizes import synthetic_sweep;"
        "from gridsweep.spec import make_sweep; from gridsweep.plan import make_plan;"
        f"sweep = make_sweep(synthetic_sweep({runs or 1_000_000}), where='synthetic', name='synthetic');"
        "planned = make_plan(sweep, slots=2); print(len(planned.expansion.runs), "
        "time.perf_counter() - began, time.process_time(), "
        "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    number, wall_s, cpu_s, peak_mb = answer.stdout.split()
    row = {"what": "plan", "runs": int(number), "wall_s": float(wall_s), "cpu_s": float(cpu_s)}
    return [{**row, "driver_peak_mb": float(peak_mb)}]


def fan_out(runs: int | None) -> list[dict[str, Any]]:
    """Times a sweep from its document to the last commit, through Ray Tune."""
    from gridsweep.drive.cores import available_cores
    from gridsweep.drive.left import write_plan
    from gridsweep.drive.ray_environment import prepared
    from gridsweep.spec import make_sweep
    from gridsweep.store import Store

    folder = Path(tempfile.mkdtemp())
    try:
        began = time.perf_counter()
        store = Store.open_or_create(folder / "store")
        sweep = make_sweep(synthetic_sweep(runs or 11_608), where="synthetic", name="synthetic")
        planned = write_plan(store, sweep, lanes=64, slots=len(available_cores()))
        planned_s = time.perf_counter() - began
        with prepared(local=True) as scratch:
            from benchmarks.synthetic import SyntheticTrainable
            from gridsweep.drive import ray_tune

            ray_tune.CohortTrainable = SyntheticTrainable
            ray_tune.run_with_ray(store, planned.expansion.run_ids, scratch=scratch)
        wall_s = time.perf_counter() - began
        committed = len(store.committed_run_ids())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if committed != len(planned.expansion.runs):
        raise RuntimeError(f"{committed} of {len(planned.expansion.runs)} runs were committed")
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    common = {"runs": committed, "units_rows": committed * 1024, "driver_peak_mb": peak_mb}
    return [
        {"what": "planned and written", **common, "wall_s": planned_s, "cpu_s": ""},
        {
            "what": "planned, fanned out, committed",
            **common,
            "wall_s": wall_s,
            "cpu_s": time.process_time() + children.ru_utime + children.ru_stime,
        },
    ]


FIRST = """
name: first-update
seeds: 2
base:
  target: {kind: gaussian, place_cells: 256}
  network: {kind: rnn, units: 256}
  training: {batch_size: 64, steps: 10, updates: 100000}
lanes: 1
"""


def first_update(runs: int | None) -> list[dict[str, Any]]:
    """Times ``gridsweep run`` until a chunk is trained: cold, then with the programs compiled before."""
    del runs
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        sweep = Path(folder) / "first.yaml"
        sweep.write_text(FIRST)
        for how in ([], ["--inline"]):
            cache = Path(folder) / f"programs{len(how)}"
            for state in ("cold", "warm"):
                wall_s = _until_trained(sweep, Path(folder) / f"{state}{len(how)}", cache, how)
                name = f"first update, {'inline' if how else 'Ray'}, {state}"
                rows.append({"what": name, "runs": 2, "wall_s": wall_s})
    return rows


def _until_trained(sweep: Path, store: Path, cache: Path, how: list[str]) -> float:
    """Returns the seconds from the command to the first cohort that is compiled and begins to train."""
    command = [sys.executable, "-u", "-m", "gridsweep", "run", str(sweep), "--store", str(store), *how]
    began = time.perf_counter()
    running = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"JAX_COMPILATION_CACHE_DIR": str(cache)},
    )
    try:
        while running.poll() is None:
            if any("begun:" in path.read_text() for path in store.glob("attempts/*/log.txt")):
                return time.perf_counter() - began
            time.sleep(0.02)
        raise RuntimeError(f"the command ended with {running.returncode} before it trained anything")
    finally:
        running.terminate()
        running.wait(timeout=120)


if __name__ == "__main__":
    main()
