"""A sweep whose inline workers are killed at random moments commits every run exactly once."""

import json
import os
import subprocess
import sys
from pathlib import Path

from gridsweep.spec import load_sweep
from gridsweep.store import Store
from gridsweep.store.verify import verify
from tests.store.checker import check_store

REPOSITORY = Path(__file__).parents[2]
KILLS = 50
SEED = 20261123
# Cohorts of trained networks and of noise; each takes a few tenths of a second, less than a life.
SWEEP = """
name: kills
method: list
seeds: 36
lanes: 1
base:
  target: {place_cells: 16, field_width_m: 0.3}
  network: {units: 8}
  training: {learning_rate: 1e-3, batch_size: 4, steps: 4, updates: 60}
  evaluation: {kind: corrected, bins: [12], positions: 2000}
runs:
  - {}
  - system: {kind: filtered_noise, units: 8}
"""


def test_fifty_kills_lose_nothing_double_nothing_and_tear_nothing(tmp_path, record_property):
    sweep_file, folder = tmp_path / "kills.yaml", tmp_path / "store"
    sweep_file.write_text(SWEEP)
    campaign = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.faults.kill_inline",
            str(sweep_file),
            str(folder),
            str(SEED),
            str(KILLS),
        ],
        cwd=REPOSITORY,
        env=os.environ
        | {"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "programs"), "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert campaign.returncode == 0, campaign.stderr[-2000:]
    said = json.loads(campaign.stdout.splitlines()[-1])
    record_property("cases", said["kills"])
    record_property("seed", SEED)
    record_property("workers that train, started", said["lives"])
    assert said["kills"] >= KILLS, "the sweep was done before it was killed often enough: make it longer"
    committed = [run for runs in check_store(folder).values() for run in runs]
    wanted = {run.run_id for run in load_sweep(sweep_file)}
    assert sorted(committed) == sorted(wanted)
    store = Store.open(folder)
    assert verify(store).ok
    assert sorted(store.runs(columns=["run_id"])["run_id"]) == sorted(wanted)
