"""Workers as processes that race for the same cohorts.

    python -m tests.store.forked race STORE SEED PROCESSES

Each acknowledged commit is written to a witness file beside the store, so that a checker can ask
whether what was acknowledged is there.
"""

import os
import random
import sys
from pathlib import Path

from gridsweep.store import Store
from gridsweep.store.rows import build_tables
from tests.store.synthetic import cohort_tables, commit_cohort


def work(root: Path, seed: int) -> None:
    """Commits every cohort that is not committed yet, in an order of its own."""
    store = Store.open(root)
    cohorts = list(store.plan(1).cohorts.items())
    left = [
        number for number, (cohort_id, _) in enumerate(cohorts) if cohort_id not in store.committed_cohorts()
    ]
    random.Random(seed).shuffle(left)
    for number in left:
        cohort_id, run_ids = cohorts[number]
        outcome = commit_cohort(store, number, tables=small_tables(list(run_ids), number))
        acknowledge(root, f"{outcome.name} {cohort_id} {outcome.scores_differ}\n")


def small_tables(run_ids: list[str], number: int) -> dict:
    tables = cohort_tables(run_ids, seed=number, units=2, bins=(2,))
    return {name: tables[name] for name in ("runs", "units")}


def acknowledge(root: Path, line: str) -> None:
    witness = os.open(root.with_name("witness"), os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(witness, line.encode())
    os.close(witness)


def fork_worker(root: Path, seed: int) -> int:
    """Returns the id of a new process that works and ends."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work(root, seed)
            status = 0
        finally:
            os._exit(status)
    return pid


def race(root: Path, seed: int, processes: int) -> None:
    pids = [fork_worker(root, seed + place) for place in range(processes)]
    if any(os.waitpid(pid, 0)[1] for pid in pids):
        sys.exit("a worker failed")


if __name__ == "__main__":
    mode, folder, first_seed, count = sys.argv[1:]
    # Arrow imports pandas with its first array, which takes longer than a worker lives.
    build_tables("0" * 16, ["0" * 16], small_tables(["0" * 16], 0))
    {"race": race}[mode](Path(folder), int(first_seed), int(count))
