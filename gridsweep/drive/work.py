"""Doing one piece of what is left, from claim to commit: the part that every way of driving shares."""

import contextlib
import datetime
import errno
import os
import shutil
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gridsweep.drive.failure import DiskFull, device_bytes, is_disk_full, memory_in_words, reason_of
from gridsweep.drive.left import Piece, PlanOfAnotherVersion, claims_of, runs_of
from gridsweep.drive.room import check_room, give_up_reserves
from gridsweep.drive.spill import how_to_bring_home, spill_store
from gridsweep.store import Claim, Outcome, Store, StoreError
from gridsweep.store.attempts import count_attempts, failed_attempts, record_attempt, write_log
from gridsweep.store.commit import commit
from gridsweep.store.quarantine import recorded_micro_batch

if TYPE_CHECKING:
    from gridsweep.train import CohortTraining
    from gridsweep.train.rows import Rows

HEARTBEAT_S = 10.0
CHECKPOINT_EVERY_S = 600.0
# How long a finished cohort waits for room on the disk, asking ever less often.
DISK_PATIENCE_S = 600.0
DISK_WAIT_S = (0.5, 1.0, 2.0, 5.0, 10.0)


class Progress(NamedTuple):
    """How far a cohort is."""

    cohort_id: str
    runs: int
    done_updates: int
    total_updates: int
    updates_per_s: float  # network-updates a second, over all lanes
    loss: float | None
    diverged: int
    # training, waiting (for room on the disk), committed, claimed, interrupted, failed, disk, libraries
    state: str
    message: str = ""


Report = Callable[[Progress], None]
UNDER_WAY = ("training", "waiting")


class CohortWork:
    """One cohort, claimed and on its way to a commit; advanced step by step by whoever drives.

    Args:
        store: the store.
        piece: which cohort.
        checkpoint_every_s: training time between two checkpoints.
        sender: who sent this process, see ``Claims.try_claim``.
        over: nonce of a claim that the sender knows to be over, see ``unclaimed``.
        spill: a folder on another disk, for a finished cohort when this one stays full.
    """

    def __init__(
        self,
        store: Store,
        piece: Piece,
        *,
        checkpoint_every_s: float = CHECKPOINT_EVERY_S,
        sender: str = "",
        over: str = "",
        spill: Path | None = None,
    ):
        self.store, self.piece = store, piece
        self._checkpoint_every_s = checkpoint_every_s
        self._spill_folder = spill
        self._saved_at_s = 0.0
        self.training: CohortTraining | None = None
        self._micro_batch: int | None = None
        self._rows: Rows | None = None
        self._disk_since_s: float | None = None
        self._disk_tries = 0
        self._stopped: Exception | None = None
        self._let_go = False
        self._claim: Claim | None = None
        self._heart: _Heart | None = None
        try:
            check_room(store)
        except DiskFull as error:
            self._stopped = error
            return
        claims = claims_of(store)
        if over:
            claims.take_as_over(over)
        self._claim = claims.try_claim(piece.cohort_id, sender=sender)
        if self._claim is None:
            return
        # Whoever had it may have committed it, or split it, after we made our list and before it let go.
        if store.ledger.get(piece.cohort_id) or piece.cohort_id in store.plan_files.retired():
            self._claim.release()
            self._claim = None
            return
        self._heart = _Heart(self._claim)
        try:
            self._begin()
        except PlanOfAnotherVersion:
            self.release()
            raise
        except Exception as error:  # told by step(), like everything that goes wrong later
            self._stopped = error
        except BaseException:
            self.release()
            raise

    def _begin(self) -> None:
        from gridsweep.train import CohortTraining, programs_made, provenance, restore_checkpoint

        self._programs_before = programs_made()
        self.started_at = datetime.datetime.now(datetime.UTC)
        self.sweep, runs = runs_of(self.store, self.piece)
        self._origin = provenance()
        self._micro_batch = self._lanes_together()
        self.training = CohortTraining(runs, micro_batch=self._micro_batch)
        self._micro_batch = self.training.micro_batch
        restore_checkpoint(self.training, self._checkpoints)
        self._saved_at_s = self.training.train_s
        begun = f"from update {self.training.done_updates}" if self.training.done_updates else "begun"
        self._log(f"{begun}: {len(runs)} runs of {self.sweep.name}, process {os.getpid()}")

    def _lanes_together(self) -> int | None:
        """Returns the micro-batch that this cohort must have, or None for what suits the device.

        Redone after a revocation: the one it had. After memory ran out: half of what was too much.
        """
        if (recorded := recorded_micro_batch(self.store, self.piece.cohort_id)) is not None:
            return recorded
        tried = [attempt.get("micro_batch") or 2 for attempt in self._out_of_memory()]
        return max(1, min(tried) // 2) if tried else None

    def _out_of_memory(self) -> list[dict[str, Any]]:
        attempts = failed_attempts(self.store, self.piece.cohort_id)
        return [attempt for attempt in attempts if attempt.get("reason") == "oom"]

    @property
    def claimed_elsewhere(self) -> bool:
        """Whether another process has this cohort."""
        return self._claim is None and self._stopped is None and not self._let_go

    @property
    def _checkpoints(self) -> Path:
        """Where checkpoints are: in the store, or on this machine's own disk when that is no folder."""
        if self.store.fs.local:
            return self.store.path / "checkpoints" / self.piece.cohort_id
        ours = Path(tempfile.gettempdir()) / f"gridsweep-checkpoints-{os.getuid()}"
        ours.mkdir(mode=0o700, exist_ok=True)
        if ours.is_symlink() or ours.stat().st_uid != os.getuid():
            raise PermissionError(errno.EACCES, "is not a folder of this user", str(ours))
        return ours / self.store.store_id / self.piece.cohort_id

    def step(self) -> Progress:
        """Trains one chunk; when that was the last one, scores and commits. Returns how far it is."""
        if isinstance(self._stopped, DiskFull):
            return self._progress("disk", str(self._stopped))
        if self.claimed_elsewhere:
            return self._progress("claimed", "another process has it")
        try:
            if self._stopped is not None:
                raise self._stopped
            return self._train_or_commit()
        except Exception as error:
            return self._failed(error)

    def _train_or_commit(self) -> Progress:
        from gridsweep.train import programs_made

        training = self.training
        assert training is not None
        if self._disk_since_s is None:
            lines = len(training.history)
            training.advance()
            if len(training.history) > lines:
                self._log_training(training)
            if not training.finished:
                if training.train_s - self._saved_at_s >= self._checkpoint_every_s:
                    self._save_if_possible()
                return self._progress("training")
        try:
            outcome = self._commit(self.store, self.piece.plan)
        except (OSError, StoreError) as error:
            if is_disk_full(error):
                return self._wait_for_room(error)
            raise
        self._forget_checkpoints()
        self.release()
        late = "another process committed it first" if outcome == Outcome.ALREADY else ""
        if outcome.difference and outcome.difference.same_conditions:
            late += f", with other scores: {outcome.difference}; results are not reproducible here"
        made = programs_made() - self._programs_before
        self._log(f"committed {late}".rstrip() + f"; {made} programs made for it, process {os.getpid()}")
        return self._progress("committed", late)

    def _wait_for_room(self, error: Exception) -> Progress:
        """Keeps the finished rows and tries to commit them again a little later, for ten minutes."""
        now_s = time.monotonic()
        if self._disk_since_s is None:
            self._disk_since_s = now_s
            if give_up_reserves(self.store):
                return self._progress("waiting", f"the disk is full, what was held back is given up: {error}")
        if now_s - self._disk_since_s >= DISK_PATIENCE_S:
            spilled = self._spill()
            self.release()
            self._stopped = DiskFull(f"{error}; no room for {DISK_PATIENCE_S:.0f} s{spilled}")
            return self._progress("disk", str(self._stopped))
        time.sleep(DISK_WAIT_S[min(self._disk_tries, len(DISK_WAIT_S) - 1)])
        self._disk_tries += 1
        return self._progress("waiting", f"the disk is full, the rows are kept and tried again: {error}")

    def _spill(self) -> str:
        """Commits a finished cohort to a store on another disk; returns where, in words, or nothing."""
        if self._spill_folder is None:
            return ""
        try:
            spilled, plan = spill_store(self.store, self._spill_folder, self.piece.plan)
            self._commit(spilled, plan)
        except (OSError, StoreError) as error:
            return f"; nor could it be kept in {self._spill_folder}: {error}"
        self._log(f"kept in {self._spill_folder}, for want of room here")
        home = how_to_bring_home(self.store, self._spill_folder)
        return f"; cohort {self.piece.cohort_id} is kept in {self._spill_folder}, once there is room: {home}"

    def _failed(self, error: Exception) -> Progress:
        """Records why an attempt failed, and lets go of the cohort."""
        if is_disk_full(error):
            self.release()
            self._stopped = DiskFull(str(error))
            return self._progress("disk", str(error))
        began = self.training is not None
        reason = reason_of(error, training=began)
        message = "".join(traceback.format_exception_only(error)).strip()
        if reason == "oom":
            message = memory_in_words(error, micro_batch=self._micro_batch, have_bytes=device_bytes())
        with contextlib.suppress(OSError):
            record_attempt(
                self.store,
                self.piece.cohort_id,
                message,
                reason=reason,
                micro_batch=self._micro_batch,
            )
        self.release()
        self._log(f"failed ({reason}): {message}")
        return self._progress("failed", message)

    def interrupt(self) -> Progress:
        """Gives the cohort up for now: what is trained is kept, the claim is released."""
        spilled = ""
        if self._disk_since_s is not None and self._claim is not None:
            spilled = self._spill()  # finished, and waiting for room
        elif self.training is not None and self.training.done_updates and self._claim is not None:
            self._save_if_possible()
        self.release()
        return self._progress("interrupted", spilled.removeprefix("; "))

    def save(self) -> None:
        """Writes a checkpoint."""
        from gridsweep.train import save_checkpoint

        if self.training is not None:
            save_checkpoint(self.training, self._checkpoints)
            self._saved_at_s = self.training.train_s

    def _save_if_possible(self) -> None:
        """Writes a checkpoint; a full disk costs the cohort its checkpoint and nothing else."""
        try:
            self.save()
        except OSError as error:
            self._saved_at_s = self.training.train_s if self.training else 0.0
            self._log(f"no checkpoint: {error}")

    def release(self) -> None:
        """Lets go of the claim, so that another process may take the cohort at once."""
        if self._heart:
            self._heart.stop()
            self._heart = None
        if self._claim:
            with contextlib.suppress(OSError, StoreError):  # the claim then dies with its heart
                self._claim.release()
            self._claim = None
            self._let_go = True

    def _commit(self, store: Store, plan: int) -> Outcome:
        training, origin = self.training, self._origin
        assert training is not None
        if self._rows is None:
            self._rows = training.rows(self.sweep.keep)
        describe(
            self._rows,
            self.piece,
            training,
            origin,
            started_at=self.started_at,
            attempts=count_attempts(self.store, self.piece.cohort_id) + 1,
            memory_halvings=len(self._out_of_memory()),
        )
        return commit(
            store,
            cohort_id=self.piece.cohort_id,
            sweep=self.sweep.name,
            plan=plan,
            tables=self._rows.tables,
            provenance={**origin, "micro_batch": training.micro_batch},
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


def describe(
    rows: "Rows",
    piece: Piece,
    training: "CohortTraining",
    origin: dict[str, Any],
    *,
    started_at: datetime.datetime,
    attempts: int = 1,
    memory_halvings: int = 0,
) -> None:
    """Adds to a cohort's rows of ``runs`` where and how they came about."""
    rows.set(
        "runs",
        cohort_id=piece.cohort_id,
        micro_batch=training.micro_batch,
        attempts=attempts,
        memory_halvings=memory_halvings,
        started_at=started_at,
        ended_at=datetime.datetime.now(datetime.UTC),
        train_s=training.train_s,
        updates_per_s=training.updates_per_s,
        **{name: origin[name] for name in ("science_version", "gridsweep_version", "env_id", "device_kind")},
    )
    rows.tables["runs"]["lane"] = list(range(piece.runs))


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
