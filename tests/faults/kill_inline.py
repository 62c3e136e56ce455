"""Kills inline workers at random moments until a sweep is done, then says how often.

    python -m tests.faults.kill_inline SWEEP STORE SEED KILLS

Workers are forked from a process that has imported everything and started nothing, so that a life costs a
fraction of a second. At times two are alive at once. Prints one line of JSON.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from gridsweep.drive.inline import run_inline
from gridsweep.drive.left import write_plan
from gridsweep.spec import load_sweep
from gridsweep.store import Store
from gridsweep.train import CohortTraining, provenance  # noqa: F401  imported before the first fork

LONGEST_LIFE_S = 1.6
SHARE_OF_PAIRS = 0.2


def start_worker(sweep_file: Path, folder: Path) -> int:
    """Forks a worker that trains what is left of the sweep, and returns its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        sweep, store = load_sweep(sweep_file), Store.open_or_create(folder)
        plan = write_plan(store, sweep, lanes=None, slots=1)
        run_inline(store, plan.expansion.run_ids)
        code = 0
    finally:
        os._exit(code)


def main(sweep_file: Path, folder: Path, seed: int, kills_wanted: int) -> None:
    """Runs the campaign."""
    rng = random.Random(seed)
    kills = lives = 0
    while True:
        workers = [start_worker(sweep_file, folder) for _ in range(1 + (rng.random() < SHARE_OF_PAIRS))]
        lives += len(workers)
        ends_s = time.monotonic() + (rng.uniform(0.0, LONGEST_LIFE_S) if kills < kills_wanted else 300.0)
        codes = {}
        while len(codes) < len(workers) and time.monotonic() < ends_s:
            for worker in workers:
                ended, status = os.waitpid(worker, os.WNOHANG) if worker not in codes else (0, 0)
                if ended:
                    codes[worker] = os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        for worker in workers:
            if worker not in codes:
                os.kill(worker, signal.SIGKILL)
                os.waitpid(worker, 0)
                kills += 1
        if 0 in codes.values():
            break
        if any(code > 0 for code in codes.values()):
            sys.exit("a worker failed")
    print(json.dumps({"seed": seed, "kills": kills, "lives": lives}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
