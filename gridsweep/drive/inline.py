"""Driving without Ray: one process, one cohort after another. The debugger's way in, and a SLURM task's."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from gridsweep.drive.failure import DiskFull
from gridsweep.drive.left import claims_of, pieces_left
from gridsweep.drive.settle import settle
from gridsweep.drive.work import UNDER_WAY, CohortWork, Report
from gridsweep.store import Store

WAIT_S = 2.0


class AllClaimed(Exception):
    """Everything that is left is being worked on by other processes."""


def run_inline(
    store: Store,
    run_ids: Iterable[str],
    *,
    report: Report = lambda _: None,
    notice: Callable[[str], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    wait: bool = True,
    spill: Path | None = None,
) -> None:
    """Trains and commits what is left of the runs, in this process.

    Other processes may do the same with the same store: each cohort is claimed by one. When all that is
    left is claimed, waits until it is committed or its claim has died; with ``wait=False`` raises
    AllClaimed instead. A finished cohort for which the disk has no room goes to a store in ``spill``. What
    fails again and again is split, then closed with rows that say why.

    Raises:
        DiskFull: nothing new can be begun; what is committed is whole.
    """
    from gridsweep.train.compile_cache import use_compile_cache

    use_compile_cache()
    run_ids = list(run_ids)
    waiting = False
    while left := pieces_left(store, run_ids):
        worked = False
        for piece in left:
            if stop():
                return
            work = CohortWork(store, piece, spill=spill)
            if work.claimed_elsewhere:
                continue
            worked = True
            while (progress := work.step()).state in UNDER_WAY:
                report(progress)
                if stop():
                    report(work.interrupt())
                    return
            report(progress)
            if progress.state == "disk":
                raise DiskFull(progress.message)
        for line in settle(store, run_ids):
            worked = True
            notice(line)
        if not worked and pieces_left(store, run_ids) == left:
            if not wait:
                raise AllClaimed(claimed_in_words(store, len(left)))
            if stop():
                return
            if not waiting:
                notice(f"waiting: {claimed_in_words(store, len(left))}")
            waiting = True
            time.sleep(WAIT_S)


def claimed_in_words(store: Store, cohorts: int) -> str:
    """Returns who is at work on what is left."""
    holders = claims_of(store).holders()
    who = [
        f"process {holder.owner.pid} on {holder.owner.host}" if holder.owner else "an unknown process"
        for holder in holders
    ]
    silent_s = max((holder.unchanged_s for holder in holders), default=0.0)
    by = ", ".join(dict.fromkeys(who)) or "other processes"
    return (
        f"{cohorts} cohorts are left, all claimed by other processes: {by}; last heard {silent_s:.0f} s ago"
    )
