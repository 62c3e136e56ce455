"""What is left to do, and doing one piece of it: the part that every way of driving shares.

Work to do is the sweep's runs minus the ledger, always. Nothing else is remembered between two commands,
so the same command starts, resumes, extends and re-checks.
"""

import contextlib
import datetime
import functools
import os
import shutil
import threading
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gridsweep.plan import Plan, make_plan
from gridsweep.spec import Run, Sweep, WandbSweep, make_sweep
from gridsweep.store import Claim, Claims, Outcome, PlanRaced, Store
from gridsweep.store.attempts import count_attempts, record_attempt, write_log
from gridsweep.store.commit import commit

if TYPE_CHECKING:
    from gridsweep.train import CohortTraining

HEARTBEAT_S = 10.0
CHECKPOINT_EVERY_S = 600.0
MOST_ATTEMPTS = 3


class Piece(NamedTuple):
    """One cohort of a plan: what a worker is handed."""

    cohort_id: str
    plan: int
    runs: int


class Progress(NamedTuple):
    """How far a cohort is."""

    cohort_id: str
    runs: int
    done_updates: int
    total_updates: int
    updates_per_s: float  # network-updates a second, over all lanes
    loss: float | None
    diverged: int
    state: str  # training, committed, claimed, interrupted, failed
    message: str = ""


Report = Callable[[Progress], None]


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


def plan_against(store: Store | None, sweep: Sweep | WandbSweep, *, lanes: int | None, slots: int) -> Plan:
    """Returns what is left of a sweep, given a store or none. Writes nothing."""
    committed = store.committed_run_ids() if store else set()
    cohorts = [runs for known in store.plans() for runs in known.cohorts.values()] if store else []
    planned = {run for runs in cohorts for run in runs}
    return make_plan(sweep, committed=committed, planned=planned, lanes=lanes, slots=slots)


def pieces_left(store: Store, run_ids: Iterable[str]) -> list[Piece]:
    """Returns the cohorts of any plan that hold one of the runs and are not committed, in plan order."""
    wanted, committed = set(run_ids), store.committed_cohorts()
    return [
        Piece(cohort_id, plan.number, len(runs))
        for plan in store.plans()
        for cohort_id, runs in plan.cohorts.items()
        if cohort_id not in committed and not wanted.isdisjoint(runs)
    ]


class Tries:
    """How often a cohort may fail within one command before it is left for a person to look at."""

    def __init__(self, store: Store):
        self._store = store
        self._before: dict[str, int] = {}

    def left(self, piece: Piece) -> bool:
        """Whether the cohort may be tried again."""
        failed = count_attempts(self._store, piece.cohort_id)
        return failed - self._before.setdefault(piece.cohort_id, failed) < MOST_ATTEMPTS


@functools.lru_cache(maxsize=64)
def _planned_sweep(root: Path, number: int) -> tuple[Sweep | WandbSweep, dict[str, dict[str, Any]]]:
    """Returns the sweep of a stored plan and its cohorts by id; plans never change, so it is kept."""
    document = next(plan.document for plan in Store.open(root).plans() if plan.number == number)
    sweep = make_sweep(document["spec"], where=f"plan {number}", name=document["sweep"])
    return sweep, {cohort["cohort_id"]: cohort for cohort in document["cohorts"]}


def runs_of(store: Store, piece: Piece) -> tuple[Sweep | WandbSweep, list[Run]]:
    """Returns a cohort's sweep and runs, in order of lanes.

    Raises:
        ValueError: the plan's settings no longer make the networks it names.
    """
    sweep, cohorts = _planned_sweep(store.path, piece.plan)
    cohort = cohorts[piece.cohort_id]
    runs = [sweep[row] for row in cohort["rows"]]
    if [run.run_id for run in runs] != cohort["runs"]:
        raise ValueError(
            f"plan {piece.plan}, cohort {piece.cohort_id}: its settings make other networks in this version "
            "of gridsweep than in the one that planned it; use that version, or a new store"
        )
    return sweep, runs


@functools.lru_cache(maxsize=8)
def _claims(root: Path) -> Claims:
    """Returns this process's view of a store's claims: it must last, to see that a heart has stopped."""
    return Claims(Store.open(root))


class CohortWork:
    """One cohort, claimed and on its way to a commit; advanced step by step by whoever drives."""

    def __init__(self, store: Store, piece: Piece, *, checkpoint_every_s: float = CHECKPOINT_EVERY_S):
        from gridsweep.train import CohortTraining, provenance, restore_checkpoint

        self.store, self.piece = store, piece
        self._claim: Claim | None = _claims(store.path).try_claim(piece.cohort_id)
        self._heart = _Heart(self._claim) if self._claim else None
        self._checkpoint_every_s = checkpoint_every_s
        self._saved_at_s = 0.0
        self.training: CohortTraining | None = None
        if self._claim is None:
            return
        try:
            self.started_at = datetime.datetime.now(datetime.UTC)
            sweep, runs = runs_of(store, piece)
            self.sweep = sweep
            self._origin = provenance()
            self.training = CohortTraining(runs)
            restore_checkpoint(self.training, self._checkpoints)
            self._saved_at_s = self.training.train_s
            begun = f"from update {self.training.done_updates}" if self.training.done_updates else "begun"
            self._log(f"{begun}: {len(runs)} runs of {sweep.name}, process {os.getpid()}")
        except BaseException:
            self.release()
            raise

    @property
    def claimed_elsewhere(self) -> bool:
        """Whether another process has this cohort."""
        return self._claim is None

    @property
    def _checkpoints(self) -> Path:
        return self.store.path / "checkpoints" / self.piece.cohort_id

    def step(self) -> Progress:
        """Trains one chunk; when that was the last one, scores and commits. Returns how far it is."""
        training = self.training
        if training is None:
            return self._progress("claimed", "another process has it")
        try:
            lines = len(training.history)
            training.advance()
            if len(training.history) > lines:
                self._log_training(training)
            if not training.finished:
                if training.train_s - self._saved_at_s >= self._checkpoint_every_s:
                    self.save()
                return self._progress("training")
            outcome = self._commit()
            self._forget_checkpoints()
            self.release()
            late = "another process committed it first" if outcome == Outcome.ALREADY else ""
            if outcome.difference and outcome.difference.same_conditions:
                late += f", with other scores: {outcome.difference}; results are not reproducible here"
            self._log(f"committed {late}")
            return self._progress("committed", late)
        except Exception as error:
            self.release()
            message = "".join(traceback.format_exception_only(error)).strip()
            record_attempt(self.store, self.piece.cohort_id, message)
            self._log(f"failed: {message}")
            return self._progress("failed", message)

    def interrupt(self) -> Progress:
        """Gives the cohort up for now: what is trained is kept, the claim is released."""
        if self.training is not None and self.training.done_updates and not self.training.finished:
            self.save()
        self.release()
        return self._progress("interrupted")

    def save(self) -> None:
        """Writes a checkpoint."""
        from gridsweep.train import save_checkpoint

        if self.training is not None:
            save_checkpoint(self.training, self._checkpoints)
            self._saved_at_s = self.training.train_s

    def release(self) -> None:
        """Lets go of the claim, so that another process may take the cohort at once."""
        if self._heart:
            self._heart.stop()
            self._heart = None
        if self._claim:
            self._claim.release()

    def _commit(self) -> Outcome:
        training, origin = self.training, self._origin
        assert training is not None
        rows = training.rows(self.sweep.keep)
        width = training.micro_batch
        rows.set(
            "runs",
            cohort_id=self.piece.cohort_id,
            micro_batch=width,
            attempts=count_attempts(self.store, self.piece.cohort_id) + 1,
            started_at=self.started_at,
            ended_at=datetime.datetime.now(datetime.UTC),
            train_s=training.train_s,
            updates_per_s=training.updates_per_s,
            **{
                name: origin[name]
                for name in ("science_version", "gridsweep_version", "env_id", "device_kind")
            },
        )
        rows.tables["runs"]["lane"] = list(range(self.piece.runs))
        return commit(
            self.store,
            cohort_id=self.piece.cohort_id,
            sweep=self.sweep.name,
            plan=self.piece.plan,
            tables=rows.tables,
            provenance=origin,
        )

    def _log_training(self, training: "CohortTraining") -> None:
        losses = [
            line["loss"] for line in training.history[-self.piece.runs :] if line.get("loss") is not None
        ]
        mean = f"mean loss {sum(losses) / len(losses):.5f}" if losses else "no finite loss"
        self._log(
            f"update {training.done_updates} of {training.total_updates}, {mean}, "
            f"{training.diverged} diverged"
        )

    def _log(self, line: str) -> None:
        with contextlib.suppress(OSError):  # the log is for people: a full disk must not end the work
            write_log(self.store, self.piece.cohort_id, line)

    def _forget_checkpoints(self) -> None:
        shutil.rmtree(self._checkpoints, ignore_errors=True)

    def _progress(self, state: str, message: str = "") -> Progress:
        training = self.training
        latest = next((line for line in reversed(training.history)), {}) if training else {}
        return Progress(
            cohort_id=self.piece.cohort_id,
            runs=self.piece.runs,
            done_updates=training.done_updates if training else 0,
            total_updates=training.total_updates if training else 0,
            updates_per_s=training.updates_per_s if training else 0.0,
            loss=latest.get("loss"),
            diverged=training.diverged if training else 0,
            state=state,
            message=message,
        )


class _Heart(threading.Thread):
    """Shows every ten seconds that the holder of a claim is alive."""

    def __init__(self, claim: Claim):
        super().__init__(daemon=True, name=f"heart-{claim.cohort_id}")
        self._claim = claim
        self._end = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._end.wait(HEARTBEAT_S):
            try:
                self._claim.heartbeat()
            except OSError:
                continue  # a full disk: the claim may be taken over, which costs work and nothing else

    def stop(self) -> None:
        self._end.set()
