"""What is left to do: the sweep's runs minus the ledger, always, as the cohorts of its plans.

Nothing else is remembered between two commands, so the same command starts, resumes, extends and re-checks.
"""

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gridsweep.plan import Plan, make_plan
from gridsweep.spec import Run, Sweep, WandbSweep, make_sweep
from gridsweep.store import Claims, PlanRaced, Store, StoreError


class Piece(NamedTuple):
    """One cohort of a plan: what a worker is handed."""

    cohort_id: str
    plan: int
    runs: int


class PlanOfAnotherVersion(StoreError, ValueError):
    """A plan's settings make other networks here than where it was written."""


def write_plan(store: Store, sweep: Sweep | WandbSweep, *, lanes: int | None, slots: int) -> Plan:
    """Plans what is left of a sweep, and writes it down if it asks for anything no plan holds."""
    while True:
        plans = store.plans()
        plan = plan_against(store, sweep, lanes=lanes, slots=slots)
        latest = next((known for known in reversed(plans) if known.sweep == sweep.name), None)
        if not plan.cohorts and latest is not None and latest.document["spec"] == sweep.document:
            return plan
        try:
            store.add_plan(plan.document(), after=plans[-1].number if plans else 0)
        except PlanRaced:
            continue  # somebody planned meanwhile: perhaps the very same runs
        return plan


def latest_document(store: Store, name: str) -> dict[str, Any] | None:
    """Returns the file that was planned last under a sweep's name, or None."""
    latest = next((plan for plan in reversed(store.plans()) if plan.sweep == name), None)
    return latest.document["spec"] if latest else None


def changed_settings(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Returns what differs between two sweep files, a line a key: ``key: before -> after``."""
    first, second = dict(_leaves(before)), dict(_leaves(after))
    return [
        f"{key}: {first.get(key, 'nothing')} -> {second.get(key, 'nothing')}"
        for key in dict.fromkeys([*first, *second])
        if first.get(key) != second.get(key)
    ]


def _leaves(document: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in document.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", str(value)


def plan_against(store: Store | None, sweep: Sweep | WandbSweep, *, lanes: int | None, slots: int) -> Plan:
    """Returns what is left of a sweep, given a store or none. Writes nothing."""
    committed = store.committed_run_ids() if store else set()
    cohorts = [runs for known in store.plans() for runs in known.cohorts.values()] if store else []
    planned = {run for runs in cohorts for run in runs}
    return make_plan(sweep, committed=committed, planned=planned, lanes=lanes, slots=slots)


def pieces_left(store: Store, run_ids: Iterable[str]) -> list[Piece]:
    """Returns the cohorts of any plan that hold one of the runs and are not committed, in plan order."""
    committed, retired = store.committed_cohorts(), store.plan_files.retired()
    # A failed row does not settle a run that a later plan names once more.
    wanted = set(run_ids) - store.committed_run_ids({"completed", "diverged"})
    left: dict[str, Piece] = {}
    for plan in store.plans():
        for cohort_id, runs in plan.cohorts.items():
            if cohort_id in committed or cohort_id in retired or wanted.isdisjoint(runs):
                continue
            left.setdefault(cohort_id, Piece(cohort_id, plan.number, len(runs)))
    return list(left.values())


@functools.lru_cache(maxsize=64)
def _planned_sweep(root: Path, number: int) -> tuple[Sweep | WandbSweep, dict[str, dict[str, Any]]]:
    """Returns the sweep of a stored plan and its cohorts by id; plans never change, so it is kept."""
    document = next(plan.document for plan in Store.open(root).plans() if plan.number == number)
    sweep = make_sweep(document["spec"], where=f"plan {number}", name=document["sweep"])
    return sweep, {cohort["cohort_id"]: cohort for cohort in document["cohorts"]}


def runs_of(store: Store, piece: Piece) -> tuple[Sweep | WandbSweep, list[Run]]:
    """Returns a cohort's sweep and runs, in order of lanes.

    Raises:
        PlanOfAnotherVersion: the plan's settings no longer make the networks it names.
    """
    sweep, cohorts = _planned_sweep(store.path, piece.plan)
    cohort = cohorts[piece.cohort_id]
    runs = [sweep[row] for row in cohort["rows"]]
    if [run.run_id for run in runs] != cohort["runs"]:
        raise PlanOfAnotherVersion(
            f"plan {piece.plan}, cohort {piece.cohort_id}: its settings make other networks in this version "
            "of gridsweep than in the one that planned it; use that version, or a new store"
        )
    return sweep, runs


def claims_of(store: Store) -> Claims:
    """Returns this process's view of a store's claims: it must last, to see that a heart has stopped."""
    return _claims(store.path)


@functools.lru_cache(maxsize=8)
def _claims(root: Path) -> Claims:
    return Claims(Store.open(root))


def unclaimed(claims: Claims, pieces: Iterable[Piece]) -> list[tuple[Piece, str]]:
    """Returns the cohorts that nobody is at work on, each with the nonce of a claim that is over, or "".

    Only a process that lasts can say so: it has to see for a minute that a claim does not change. Those that
    it sends are told the nonce, since they would have to watch for a minute themselves.
    """
    newest, found = claims.newest(), []
    for piece in pieces:
        holder = newest.get(piece.cohort_id)
        if holder is None:
            found.append((piece, ""))
        elif claims.is_over(holder):
            found.append((piece, holder.nonce))
    return found
