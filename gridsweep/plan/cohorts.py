"""Packing runs into cohorts: runs that share one compiled program, one Ray Tune trial, one commit."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gridsweep.spec import Run

COHORT_ID_DIGITS = 16
MOST_LANES = 64


class PlannedRun(NamedTuple):
    """A run by its place in its sweep, from which a worker makes it again.

    A plan of a million runs does not hold a million trees: runs of one program share one of them.
    """

    row: int
    run_id: str
    program: Run  # the first run of the same program in its sweep, one object for all of them


class Cohort(NamedTuple):
    """Runs that train together, in order of their lanes."""

    cohort_id: str
    members: tuple[PlannedRun, ...]


def group_into_cohorts(
    runs: Iterable[PlannedRun], *, lanes: int | None, slots: int, lane_s: float
) -> list[Cohort]:
    """Packs runs into cohorts that compile once, in order of program so that an actor compiles rarely.

    Args:
        runs: what is to be packed, of one sweep.
        lanes: runs in a cohort; None chooses for each program (see ``lanes_for``).
        slots: how many cohorts run at a time.
        lane_s: estimated seconds of one run.
    """
    cohorts = []
    for group in by_program(runs):
        width = lanes or lanes_for(len(group), slots=slots, lane_s=lane_s)
        cohorts += [
            Cohort(cohort_id(group[start : start + width]), tuple(group[start : start + width]))
            for start in range(0, len(group), width)
        ]
    return cohorts


def by_program(runs: Iterable[PlannedRun]) -> list[list[PlannedRun]]:
    """Returns the runs that share a compiled program together, in order of their first."""
    groups: dict[str, list[PlannedRun]] = {}
    for planned in runs:
        groups.setdefault(planned.program.run_id, []).append(planned)
    return list(groups.values())


def lanes_for(runs: int, *, slots: int, lane_s: float) -> int:
    """Returns how many runs of one program make a cohort.

    About ten minutes of work, so that a lost worker loses little and Tune's overhead is small; and at
    least four cohorts for each slot, so that the slots end together.
    """
    ten_minutes = int(600 / max(lane_s, 1e-3))
    fair = -(-runs // (4 * slots))
    return max(1, min(ten_minutes, fair, MOST_LANES))


def cohort_id(members: Sequence[PlannedRun]) -> str:
    """Returns the identity of a cohort: the hash of its sorted run ids."""
    text = "\n".join(sorted(member.run_id for member in members))
    return hashlib.sha256(text.encode()).hexdigest()[:COHORT_ID_DIGITS]
