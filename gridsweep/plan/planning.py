"""From a sweep to a plan: what it asks for, what is there already, what is left, what that will cost.

A plan is written once and never changes. A sweep that grows gets another plan, for the runs that no plan
holds yet.
"""

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from typing import Any

import jax

from gridsweep.plan.cohorts import Cohort, PlannedRun, by_program, group_into_cohorts
from gridsweep.plan.cost import run_bytes, run_operations, run_seconds
from gridsweep.plan.memory import peak_bytes
from gridsweep.spec import SCIENCE_VERSION, Run, Sweep, SweepError, WandbSweep

PLAN_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Expansion:
    """The distinct runs of a sweep, in order."""

    rows: int  # as the file counts them, the same network perhaps several times
    runs: tuple[PlannedRun, ...]  # each network once
    void: dict[str, int] = dataclasses.field(default_factory=dict)  # rows that cannot run, by reason

    @property
    def run_ids(self) -> set[str]:
        """The identities of the networks asked for."""
        return {planned.run_id for planned in self.runs}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a sweep asks for against what is there."""

    sweep: Sweep | WandbSweep
    expansion: Expansion
    committed: int  # networks already in the store
    waiting: int  # networks that an earlier plan holds and nobody has committed yet
    cohorts: tuple[Cohort, ...]  # for the networks that no plan holds
    programs: int  # compiled programs of the whole sweep
    operations: float  # left to do
    seconds: float  # left to do, estimated, on all slots
    bytes: int  # left to write, estimated
    slots: int
    memory_bytes: float | None = None  # of a worker at its worst, one lane at a time; None: not modelled

    def summary(self) -> dict[str, Any]:
        """Returns the plan in numbers, as ``plan --format json`` prints it."""
        lanes = [len(cohort.members) for cohort in self.cohorts]
        widest = max(lanes, default=0)
        return {
            "sweep": self.sweep.name,
            "runs": self.expansion.rows,
            "distinct": len(self.expansion.runs),
            "void": sum(self.expansion.void.values()),
            "committed": self.committed,
            "waiting": self.waiting,
            "to_plan": sum(lanes),
            "programs": self.programs,
            "cohorts": len(self.cohorts),
            "lanes": widest,
            "fill": round(sum(lanes) / (widest * len(lanes)), 4) if lanes else 1.0,
            "operations": self.operations,
            "estimated_s": round(self.seconds, 1),
            "estimated_bytes": self.bytes,
            "slots": self.slots,
            "memory_bytes": None if self.memory_bytes is None else int(self.memory_bytes),
        }

    def document(self) -> dict[str, Any]:
        """Returns the plan as it is written to a store."""
        return {
            "plan_version": PLAN_VERSION,
            "science_version": SCIENCE_VERSION,
            "sweep": self.sweep.name,
            "spec": self.sweep.document,
            "members": [planned.run_id for planned in self.expansion.runs],
            "cohorts": [
                {
                    "cohort_id": cohort.cohort_id,
                    "runs": [member.run_id for member in cohort.members],
                    "rows": [member.row for member in cohort.members],
                }
                for cohort in self.cohorts
            ],
        }


@functools.lru_cache(maxsize=4)
def expand(sweep: Sweep | WandbSweep) -> Expansion:
    """Returns the distinct networks of a sweep, each at its first row. A sweep is expanded once.

    Two runs can share a program exactly when their trees have the same structure: ``per_cohort`` fields
    are structure, ``per_lane`` fields are leaves. The grouping needs no list of which settings matter; a
    new target gets it right by declaring its fields.

    A row of a published W&B file that cannot run is void; in a file of ours it is a mistake.

    Raises:
        SweepError: some row's settings cannot be combined.
    """
    first: dict[str, PlannedRun] = {}
    programs: dict[Hashable, Run] = {}
    void: Counter[str] = Counter()
    row = 0
    for run, run_ids in _together(sweep, void):
        if run is not None:
            program = programs.setdefault(jax.tree.structure(run.system), run)
            for place, run_id in enumerate(run_ids):
                if run_id not in first:
                    first[run_id] = PlannedRun(row + place, run_id, program)
        row += len(run_ids)
    return Expansion(rows=len(sweep), runs=tuple(first.values()), void=dict(void))


def _together(sweep: Sweep | WandbSweep, void: Counter[str]) -> Iterator[tuple[Run | None, Sequence[str]]]:
    """Returns the rows of a sweep in order, those of one program that follow each other together.

    Counts the rows that cannot run, which have no run and an empty id.
    """
    if isinstance(sweep, Sweep):
        yield from sweep.by_seed()
        return
    for row in range(len(sweep)):
        try:
            run = sweep[row]
            yield run, [run.run_id]
        except SweepError as error:
            void[error.mistakes[0].text] += 1
            yield None, [""]


def make_plan(
    sweep: Sweep | WandbSweep,
    *,
    committed: Collection[str] = (),
    planned: Collection[str] = (),
    lanes: int | None = None,
    slots: int = 1,
) -> Plan:
    """Plans what is left of a sweep.

    Args:
        sweep: what is asked for.
        committed: run ids that a store holds results of.
        planned: run ids that some plan of the store holds.
        lanes: runs in a cohort; None takes the file's, or chooses.
        slots: cohorts that run at a time.
    """
    expansion = expand(sweep)
    left = [member for member in expansion.runs if member.run_id not in committed]
    new = [member for member in left if member.run_id not in planned]
    programs = by_program(left)
    lane_s = _total(by_program(new), run_seconds) / len(new) if new else 0.0
    cohorts = group_into_cohorts(new, lanes=lanes or sweep.lanes, slots=slots, lane_s=lane_s)
    return Plan(
        sweep=sweep,
        expansion=expansion,
        committed=len(expansion.runs) - len(left),
        waiting=len(left) - len(new),
        cohorts=tuple(cohorts),
        programs=len(by_program(expansion.runs)),
        operations=_total(programs, run_operations),
        seconds=_total(programs, run_seconds) / slots,
        bytes=int(_total(programs, lambda run: run_bytes(run, sweep.keep))),
        slots=slots,
        memory_bytes=_memory(cohorts),
    )


def _memory(cohorts: Sequence[Cohort]) -> float | None:
    """Returns the peak of the program that costs most an update, in its widest cohort, on a CPU."""
    if not cohorts:
        return None
    lanes: dict[str, int] = {}
    programs: dict[str, Run] = {}
    for cohort in cohorts:
        program = cohort.members[0].program
        programs[program.run_id] = program
        lanes[program.run_id] = max(lanes.get(program.run_id, 0), len(cohort.members))
    largest = max(programs.values(), key=lambda run: run.system.operations_per_update())
    return peak_bytes(largest, lanes=lanes[largest.run_id], width=1)


def _total(programs: list[list[PlannedRun]], cost: Callable[[Run], float]) -> float:
    """Sums a cost that depends on a run's program only, computing it once for each program."""
    return sum(len(group) * cost(group[0].program) for group in programs)
