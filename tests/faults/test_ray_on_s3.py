"""A sweep driven by Ray into a store on an object store (moto's server): two workers, nothing but the bucket between them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gridsweep.spec import load_sweep
from gridsweep.store import Store
from gridsweep.store.attempts import read_log
from gridsweep.store.verify import verify
from tests.store.moto_server import make_bucket, missing, server

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
SWEEP = """
name: on-s3
method: list
seeds: 4
lanes: 1
base:
  target: {place_cells: 16, field_width_m: 0.3}
  network: {units: 8}
  training: {learning_rate: 1e-3, batch_size: 4, steps: 4, updates: 200}
  evaluation: {kind: corrected, bins: [12], positions: 2000}
runs:
  - {}
  - system: {kind: filtered_noise, units: 8}
"""


@pytest.fixture
def environment(monkeypatch):
    """The environment of a client of a running server, here and for commands."""
    if why := missing():
        pytest.skip(why)
    with server() as found:
        for name, value in found.items():
            monkeypatch.setenv(name, value)
        yield found


def test_two_workers_of_a_ray_commit_a_sweep_to_an_object_store(environment, tmp_path, record_property):
    sweep, here = tmp_path / "on-s3.yaml", tmp_path / "here"
    sweep.write_text(SWEEP)
    here.mkdir()
    address = f"s3://{make_bucket(environment)}/stores/ray"
    words = [sys.executable, "-m", "gridsweep", "run", str(sweep), "--store", address, "--slots", "2"]
    own = {"PYTHONPATH": str(REPOSITORY), "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "programs")}
    done = subprocess.run(
        words, cwd=here, env=os.environ | own, capture_output=True, text=True, timeout=540, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    store = Store.open(address)
    wanted = {run.run_id for run in load_sweep(sweep)}
    assert sorted(store.runs(columns=["run_id"])["run_id"]) == sorted(wanted)
    assert verify(store).findings == ()
    cohorts = store.committed_cohorts()
    begun = [re.findall(r"begun: .* process (\d+)", read_log(store, cohort)) for cohort in cohorts]
    assert [len(workers) for workers in begun] == [1] * len(wanted), "each cohort was begun once"
    workers = {worker for (worker,) in begun}
    assert len(workers) == 2
    assert list(here.iterdir()) == [], "nothing is left on the disk"
    record_property("cohorts", len(wanted))
    record_property("workers", len(workers))
