"""Workers as processes that race for cohorts, or are killed at random until all is committed.

    python -m tests.store.forked race STORE SEED PROCESSES
    python -m tests.store.forked kill STORE SEED KILLS

Each acknowledged commit is written to a witness file beside the store, so that a checker can ask
whether what was acknowledged is there. Prints how often a process was killed, and how many
cohorts were committed by then.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from gridsweep.store import Claims, Store
from gridsweep.store.rows import build_tables
from tests.store.synthetic import cohort_tables, commit_cohort

# Part of the cohorts that is committed when the kills are over.
COMMITTED_BY_THEN = 0.8


def work(root: Path, seed: int, *, claiming: bool) -> None:
    """Commits every cohort that is not committed yet, in an order of its own."""
    store = Store.open(root)
    claims = Claims(store)
    cohorts = list(store.plan(1).cohorts.items())
    left = [
        number for number, (cohort_id, _) in enumerate(cohorts) if cohort_id not in store.committed_cohorts()
    ]
    random.Random(seed).shuffle(left)
    for number in left:
        cohort_id, run_ids = cohorts[number]
        claim = claims.try_claim(cohort_id) if claiming else None
        if claiming and claim is None:
            continue
        outcome = commit_cohort(store, number, tables=small_tables(list(run_ids), number))
        acknowledge(root, f"{outcome.name} {cohort_id} {outcome.scores_differ}\n")
        if claim is not None:
            claim.release()


def small_tables(run_ids: list[str], number: int) -> dict:
    tables = cohort_tables(run_ids, seed=number, units=2, bins=(2,))
    return {name: tables[name] for name in ("runs", "units")}


def acknowledge(root: Path, line: str) -> None:
    witness = os.open(root.with_name("witness"), os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(witness, line.encode())
    os.close(witness)


def fork_worker(root: Path, seed: int, *, claiming: bool) -> int:
    """Returns the id of a new process that works and ends."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work(root, seed, claiming=claiming)
            status = 0
        finally:
            os._exit(status)
    return pid


def race(root: Path, seed: int, processes: int) -> None:
    pids = [fork_worker(root, seed + place, claiming=False) for place in range(processes)]
    if any(os.waitpid(pid, 0)[1] for pid in pids):
        sys.exit("a worker failed")


def kill(root: Path, seed: int, kills: int) -> None:
    """Starts one or two workers, kills them after a random time, and again; then lets one finish.

    How long they may live is adjusted to how fast they are, so that on any machine most kills
    hit a commit under way and some work is left until the last.
    """
    rng = random.Random(seed)
    cohorts = len(Store.open(root).plan(1).cohorts)
    longest_life_s, killed = 0.02, 0
    while killed < kills:
        pids = [fork_worker(root, rng.randrange(2**31), claiming=True) for _ in range(rng.choice([1, 1, 2]))]
        time.sleep(rng.uniform(0.0, longest_life_s))
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            killed += os.WIFSIGNALED(status)
        ahead = committed(root) / cohorts > COMMITTED_BY_THEN * killed / kills
        longest_life_s *= 0.9 if ahead else 1.1
    by_then = committed(root)
    survivor = fork_worker(root, rng.randrange(2**31), claiming=True)
    if os.waitpid(survivor, 0)[1]:
        sys.exit("the last worker failed")
    print(killed, by_then)


def committed(root: Path) -> int:
    return len(os.listdir(root / "ledger"))


if __name__ == "__main__":
    mode, folder, first_seed, count = sys.argv[1:]
    # Arrow imports pandas with its first array, which takes longer than a worker lives.
    build_tables("0" * 16, ["0" * 16], small_tables(["0" * 16], 0))
    {"race": race, "kill": kill}[mode](Path(folder), int(first_seed), int(count))
