"""Independent processes on one store, without Ray, share the work: a SLURM array is no more than this."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from gridsweep.spec import load_sweep
from gridsweep.store import Store
from gridsweep.store.verify import verify
from tests.store.checker import check_store

REPOSITORY = Path(__file__).parents[2]
PROCESSES = 3
SWEEP = """
name: shared
method: list
seeds: 18
lanes: 1
base:
  system: {kind: filtered_noise, units: 8}
  evaluation: {kind: corrected, bins: [12], positions: 2000}
runs:
  - {}
"""


def test_three_commands_on_one_store_train_every_network_once_between_them(tmp_path):
    sweep_file, folder = tmp_path / "shared.yaml", tmp_path / "store"
    sweep_file.write_text(SWEEP)
    words = [sys.executable, "-m", "gridsweep", "run", str(sweep_file), "--store", str(folder), "--inline"]
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "programs")}
    commands = [
        subprocess.Popen(
            words, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(PROCESSES)
    ]
    ended = [(command, *command.communicate(timeout=300)) for command in commands]
    for command, _, complaints in ended:
        assert command.returncode == 0, complaints
    wanted = {run.run_id for run in load_sweep(sweep_file)}
    assert sorted(run for runs in check_store(folder).values() for run in runs) == sorted(wanted)
    store = Store.open(folder)
    assert len(store.plans()) == 1, "all three planned the same"
    assert verify(store).findings == ()
    # Each cohort was begun by one process, and more than one process had a part of the work.
    begun = [path.read_text() for path in store.path.glob("attempts/*/log.txt")]
    workers = Counter(found for text in begun for found in re.findall(r"begun: .* process (\d+)", text))
    assert sum(workers.values()) == len(wanted)
    assert len(workers) > 1
    assert store.status_counts()["shared"]["completed"] == len(wanted)
