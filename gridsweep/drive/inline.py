"""Driving without Ray: one process, one cohort after another. The debugger's way in, and a SLURM task's."""

import time
from collections.abc import Callable, Iterable

from gridsweep.drive.work import CohortWork, Report, Tries, pieces_left
from gridsweep.store import Store

WAIT_S = 2.0


class AllClaimed(Exception):
    """Everything that is left is being worked on by other processes."""


def run_inline(
    store: Store,
    run_ids: Iterable[str],
    *,
    report: Report = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    wait: bool = True,
) -> None:
    """Trains and commits what is left of the runs, in this process.

    Other processes may do the same with the same store: each cohort is claimed by one. When all that is
    left is claimed, waits until it is committed or its claim has died; with ``wait=False`` raises
    AllClaimed instead. Cohorts that fail three times here are left, with their attempts on record.
    """
    from gridsweep.train.compile_cache import use_compile_cache

    use_compile_cache()
    run_ids = list(run_ids)
    tries = Tries(store)
    while left := [piece for piece in pieces_left(store, run_ids) if tries.left(piece)]:
        worked = False
        for piece in left:
            if stop():
                return
            work = CohortWork(store, piece)
            if work.claimed_elsewhere:
                continue
            worked = True
            while (progress := work.step()).state == "training":
                report(progress)
                if stop():
                    report(work.interrupt())
                    return
            report(progress)
        if not worked:
            if not wait:
                raise AllClaimed(f"{len(left)} cohorts are left, all claimed by other processes")
            if stop():
                return
            time.sleep(WAIT_S)
