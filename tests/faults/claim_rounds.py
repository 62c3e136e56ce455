"""Stage I: four processes on four machines begin at once, and whoever is at work freezes for 90 s and wakes.

Time is an injected clock, and each machine's shows another hour. In every round one cohort is claimed by all;
the holder shows that it lives for a while, then is silent, as a stopped process is; somebody takes over; the first
one wakes and either looks whether it still holds the cohort, or commits it without a look.
"""

import random
from dataclasses import dataclass
from pathlib import Path

from gridsweep.store import Claims, Store
from gridsweep.store.claims import DEAD_AFTER_S, HEARTBEAT_S
from gridsweep.store.owner import Owner
from tests.faults.kills import small_tables
from tests.store.checker import check_store
from tests.store.synthetic import commit_cohort, plan_document

DRIVERS = 4
FROZEN_S = 90.0
LONGEST_LOOK_S = 10.0  # others look at least so often, as `gridsweep run` does


@dataclass
class Rounds:
    """What came of it.

    Args:
        rounds: cohorts that changed hands.
        launches: how often a cohort was begun: twice each, once anew after the silence.
        at_once: rounds in which more than one held the cohort after all had begun together.
        early: takeovers of a holder that was silent for less than a minute.
        twice: silences after which more than one, or nobody, took over.
        unaware: holders that woke, looked, and were not told that they had lost the cohort.
        doubled: cohorts of which more than one process was told that it had committed them.
        lost: cohorts that are not in the store.
        longest_s: longest silence until somebody took over.
    """

    rounds: int = 0
    launches: int = 0
    at_once: int = 0
    early: int = 0
    twice: int = 0
    unaware: int = 0
    doubled: int = 0
    lost: int = 0
    longest_s: float = 0.0

    @property
    def bad(self) -> int:
        return self.at_once + self.early + self.twice + self.unaware + self.doubled + self.lost


class _Machine:
    """A process somewhere else, with a clock of its own."""

    def __init__(self, store: Store, number: int, now_s: list[float], rng: random.Random):
        ahead_s = rng.uniform(-1e6, 1e6)
        host = Owner(host=f"host{number}", machine=f"{number:012x}", pid=4711, started=99)
        self.store = Store.open(store.path)
        self.claims = Claims(self.store, clock=lambda: now_s[0] + ahead_s, host=host)


def run_rounds(folder: Path, *, rounds: int, seed: int) -> Rounds:
    """Plays so many rounds on one store."""
    rng, found, now_s = random.Random(seed), Rounds(rounds), [1e7]
    store = Store.create(folder / "store")
    store.add_plan(plan_document(cohorts=rounds))
    cohorts = list(store.plan(1).cohorts.items())
    machines = [_Machine(store, number, now_s, rng) for number in range(DRIVERS)]
    for number, (cohort_id, run_ids) in enumerate(cohorts):
        _round(rng, found, now_s, machines, number, cohort_id, list(run_ids))
    found.lost = rounds - len(check_store(store.path))
    return found


def _round(rng, found, now_s, machines, number, cohort_id, run_ids) -> None:
    tables = small_tables(run_ids, number)
    told = []
    claims = {machine: machine.claims.try_claim(cohort_id) for machine in rng.sample(machines, len(machines))}
    holders = [machine for machine, claim in claims.items() if claim is not None]
    found.launches += len(holders)
    found.at_once += len(holders) != 1
    holder = holders[0]
    others = [machine for machine in machines if machine is not holder]
    looks = {machine: now_s[0] + rng.uniform(0, LONGEST_LOOK_S) for machine in others}
    silent_from = now_s[0] + rng.uniform(0, DEAD_AFTER_S)
    wakes = silent_from + FROZEN_S
    last_beat = now_s[0]
    taken = []
    while now_s[0] < wakes:
        now_s[0] += rng.uniform(0.1, 1.0)
        if now_s[0] < silent_from and now_s[0] - last_beat >= HEARTBEAT_S:
            claims[holder].heartbeat()
            last_beat = now_s[0]
        for machine in others:
            if now_s[0] >= looks[machine] and all(machine is not taker for taker, _ in taken):
                looks[machine] = now_s[0] + rng.uniform(1, LONGEST_LOOK_S)
                if (claim := machine.claims.try_claim(cohort_id)) is not None:
                    silence_s = now_s[0] - last_beat
                    found.early += silence_s < DEAD_AFTER_S
                    found.longest_s = max(found.longest_s, silence_s)
                    taken.append((machine, claim))
        for _, claim in taken:
            claim.heartbeat()
    found.launches += len(taken)
    found.twice += len(taken) != 1
    # The first one wakes while its successor is at work, or after that has committed.
    in_time = rng.random() < 0.5
    if in_time:
        told += [commit_cohort(machine.store, number, tables=tables).name for machine, _ in taken]
    if rng.random() < 0.5:
        found.unaware += not claims[holder].lost()
    else:
        told.append(commit_cohort(holder.store, number, tables=tables).name)
    if not in_time:
        told += [commit_cohort(machine.store, number, tables=tables).name for machine, _ in taken]
    claims[holder].release()  # takes nothing away from its successor
    for _, claim in taken:
        found.unaware += claim.lost()
        claim.release()
    found.doubled += told.count("committed") - 1
