"""Packing runs into cohorts: runs that share one compiled program, one Ray Tune trial, one commit."""

import hashlib
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import jax

from gridsweep.spec import Run

COHORT_ID_DIGITS = 16
MOST_LANES = 64


class PlannedRun(NamedTuple):
    """A run and its place in its sweep: what a worker needs to make it again."""

    row: int
    run: Run


class Cohort(NamedTuple):
    """Runs that train together, in order of their lanes."""

    cohort_id: str
    members: tuple[PlannedRun, ...]


def group_into_cohorts(
    runs: Iterable[PlannedRun], *, lanes: int | None, slots: int, lane_s: float
) -> list[Cohort]:
    """Packs runs into cohorts that compile once, in order of program so that an actor compiles rarely.

    Two runs can share a program exactly when their trees have the same structure: ``per_cohort`` fields
    are structure, ``per_lane`` fields are leaves. The grouping needs no list of which settings matter; a
    new target gets it right by declaring its fields.

    Args:
        runs: what is to be packed.
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
    groups: dict[Hashable, list[PlannedRun]] = {}
    for planned in runs:
        groups.setdefault(jax.tree.structure(planned.run.system), []).append(planned)
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
    text = "\n".join(sorted(member.run.run_id for member in members))
    return hashlib.sha256(text.encode()).hexdigest()[:COHORT_ID_DIGITS]
