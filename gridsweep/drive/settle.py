"""Cohorts that are given up: taken apart once, then rows that say why.

A cohort that failed three times may hold one run that spoils it for the others. So it is split, in a plan
that retires it, into cohorts of one run each. A run that fails three times on its own gets a row with
status ``failed``, its reason and its message, through the same commit as any other. What cannot go
otherwise a second time, settings that fit no network, or memory that does not suffice even for half as
many lanes, gets its rows at once.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from gridsweep.drive.failure import MOST_ATTEMPTS, NOT_RETRIED
from gridsweep.drive.left import Piece, claims_of, pieces_left, runs_of
from gridsweep.spec import SCIENCE_VERSION, flatten
from gridsweep.store import Store
from gridsweep.store.attempts import failed_attempts
from gridsweep.store.commit import commit

ID_DIGITS = 16


def given_up(attempts: Sequence[dict[str, Any]]) -> bool:
    """Whether a cohort with these failed attempts is not tried any more."""
    reasons = [attempt.get("reason", "internal") for attempt in attempts]
    if any(reason in NOT_RETRIED for reason in reasons) or len(reasons) >= MOST_ATTEMPTS:
        return True
    out_of_memory = [attempt for attempt in attempts if attempt.get("reason") == "oom"]
    return len(out_of_memory) > 1 or any(attempt.get("micro_batch") == 1 for attempt in out_of_memory)


def settle(store: Store, run_ids: Iterable[str]) -> list[str]:
    """Splits or closes the cohorts of these runs that are given up; returns a line for each.

    A cohort that another process is at work on is left to it.
    """
    said = []
    for piece in pieces_left(store, run_ids):
        attempts = failed_attempts(store, piece.cohort_id)
        if not given_up(attempts):
            continue
        claim = claims_of(store).try_claim(piece.cohort_id)
        if claim is None:
            continue
        try:
            if store.ledger.get(piece.cohort_id) is not None:
                continue
            reason = attempts[-1].get("reason", "internal")
            if piece.runs > 1 and reason not in ("oom", "config_error"):
                number = split(store, piece)
                said.append(
                    f"cohort {piece.cohort_id} failed {len(attempts)} times ({reason}): "
                    f"its {piece.runs} runs are tried one by one, plan {number}"
                )
            else:
                commit_failed(store, piece, attempts)
                said.append(
                    f"cohort {piece.cohort_id} is given up, {piece.runs} runs ({reason}): "
                    f"{attempts[-1]['message']}"
                )
        finally:
            claim.release()
    return said


def split(store: Store, piece: Piece) -> int:
    """Plans a cohort's runs as cohorts of one, and retires it. Returns the plan's number.

    Two processes that do this at a time write the same plan.
    """
    document, cohort = _planned(store, piece)
    return store.add_plan(
        {
            **document,
            "retires": [piece.cohort_id],
            "cohorts": [
                {"cohort_id": _hash("alone", run_id), "runs": [run_id], "rows": [row]}
                for run_id, row in zip(cohort["runs"], cohort["rows"], strict=True)
            ],
        }
    )


def commit_failed(store: Store, piece: Piece, attempts: Sequence[dict[str, Any]]) -> None:
    """Commits a row with status ``failed`` for each run of a cohort, with what its last attempt said."""
    from gridsweep.train.provenance import release

    sweep, runs = runs_of(store, piece)
    settings = [flatten(run.system) for run in runs]
    columns: dict[str, list[Any]] = {
        name: [line.get(name) for line in settings]
        for name in sorted({name for line in settings for name in line})
    }
    out_of_memory = sum(attempt.get("reason") == "oom" for attempt in attempts)
    columns |= {
        "run_id": [run.run_id for run in runs],
        "lane": list(range(len(runs))),
        "seed": [line["system.seed"] for line in settings],
    }
    constants = {
        "status": "failed",
        "reason": attempts[-1].get("reason", "internal"),
        "message": attempts[-1]["message"],
        "attempts": len(attempts),
        "memory_halvings": max(0, out_of_memory - 1),
        "science_version": SCIENCE_VERSION,
        "gridsweep_version": release(),
    }
    columns |= {name: [value] * len(runs) for name, value in constants.items()}
    commit(
        store,
        cohort_id=piece.cohort_id,
        sweep=sweep.name,
        plan=piece.plan,
        tables={"runs": columns},
        provenance={"gridsweep_version": release(), "science_version": SCIENCE_VERSION},
    )


def plan_retry(store: Store, *, sweep: str | None = None, reason: str | None = None) -> dict[int, int]:
    """Plans failed runs once more, each in a cohort of its own.

    Returns the number of runs in each new plan. A failed row stays until another row of its run replaces it.

    Args:
        store: the store.
        sweep: only runs of this sweep.
        reason: only runs that failed for this reason.
    """
    failed = store.table("runs", ["run_id", "cohort_id", "reason"], "status = 'failed'").to_pylist()
    wanted = {row["run_id"]: row["cohort_id"] for row in failed if reason in (None, row["reason"])}
    by_plan: dict[int, list[tuple[str, int, str]]] = {}
    for plan in store.plans():
        for cohort in plan.document["cohorts"]:
            if sweep not in (None, plan.sweep) or "rows" not in cohort:
                continue
            for run_id, row in zip(cohort["runs"], cohort["rows"], strict=True):
                if wanted.get(run_id) == cohort["cohort_id"]:
                    by_plan.setdefault(plan.number, []).append((run_id, row, cohort["cohort_id"]))
    planned = {}
    for number, members in by_plan.items():
        document = {key: value for key, value in store.plan(number).document.items() if key != "retires"}
        cohorts = [
            # The cohort that failed is in the name: a second retry is another cohort than the first.
            {"cohort_id": _hash("retry", failed_in, run_id), "runs": [run_id], "rows": [row]}
            for run_id, row, failed_in in members
        ]
        planned[store.add_plan({**document, "cohorts": cohorts})] = len(members)
    return planned


def _planned(store: Store, piece: Piece) -> tuple[dict[str, Any], dict[str, Any]]:
    document = {key: value for key, value in store.plan(piece.plan).document.items() if key != "retires"}
    cohort = next(cohort for cohort in document["cohorts"] if cohort["cohort_id"] == piece.cohort_id)
    return document, cohort


def _hash(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:ID_DIGITS]
