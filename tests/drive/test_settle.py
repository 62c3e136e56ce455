"""Every planned run ends in exactly one row: split, given up with a reason, planned once more, replaced."""

import errno
import os
import sys

import pytest

from gridsweep import train
from gridsweep.drive import environment, room, work
from gridsweep.drive.environment import environment_change, fly_canary
from gridsweep.drive.failure import DiskFull, memory_in_words, reason_of
from gridsweep.drive.inline import run_inline
from gridsweep.drive.left import pieces_left, write_plan
from gridsweep.drive.settle import given_up, plan_retry, settle
from gridsweep.drive.work import UNDER_WAY, CohortWork
from gridsweep.spec import Sweep
from gridsweep.store import Store, StoreError
from gridsweep.store.attempts import failed_attempts, record_attempt
from gridsweep.store.merge import merge
from gridsweep.store.verify import verify
from gridsweep.train import CohortTraining
from tests.tiny import small_document


@pytest.fixture
def store(memory_path):
    return Store.create(memory_path / "store")


def planned(store, lanes=1, **changes):
    return write_plan(store, Sweep(small_document(**changes)), lanes=lanes, slots=1)


def complete(cohort):
    """Steps until a cohort is not under way any more."""
    while (progress := cohort.step()).state in UNDER_WAY:
        pass
    return progress


def poisoned(seed, error=RuntimeError):
    """Returns an ``advance`` that fails whenever a run with this seed is in the cohort."""
    whole = CohortTraining.advance

    def advance(self, patience_s=2.0):
        if any(int(run.system.seed) == seed for run in self.runs):
            raise error(f"seed {seed} is poison")
        whole(self, patience_s)

    return advance


def test_one_poisonous_run_takes_no_other_with_it_and_gets_a_row_that_says_why(store, monkeypatch):
    plan = planned(store, lanes=3, seeds=3)
    monkeypatch.setattr(CohortTraining, "advance", poisoned(1))
    said = []
    run_inline(store, plan.expansion.run_ids, notice=said.append)
    assert store.status_counts()["sweep"] == {
        "planned": 3, "completed": 2, "diverged": 0, "failed": 1, "missing": 0,
    }  # fmt: skip
    (failed,) = store.runs(where="status = 'failed'").to_dict("records")
    assert (failed["reason"], failed["attempts"], failed["seed"]) == ("internal", 3, 1)
    assert failed["message"] == "RuntimeError: seed 1 is poison"
    assert failed["target.place_cells"] == 12, "with its settings"
    assert "its 3 runs are tried one by one, plan 2" in said[0]
    assert "is given up, 1 runs (internal): RuntimeError: seed 1 is poison" in said[1]
    assert verify(store).findings == ()
    run_inline(store, plan.expansion.run_ids)  # nothing is left to do
    assert len(store.plans()) == 2


def test_a_late_worker_cannot_commit_a_cohort_that_was_split(store):
    plan = planned(store, lanes=2, seeds=2)
    (piece,) = pieces_left(store, plan.expansion.run_ids)
    late = CohortWork(store, piece)
    late._claim.release()  # as if it had been silent for a minute
    for _ in range(3):
        record_attempt(store, piece.cohort_id, "the worker process died", reason="killed_worker")
    settle(store, plan.expansion.run_ids)
    progress = complete(late)
    assert progress.state == "failed"
    assert "split it, its runs are trained one by one" in progress.message
    run_inline(store, plan.expansion.run_ids)
    assert store.status_counts()["sweep"]["completed"] == 2
    assert verify(store).ok


def test_a_cohort_that_somebody_is_at_work_on_is_not_taken_apart(store):
    plan = planned(store, lanes=2, seeds=2)
    (piece,) = pieces_left(store, plan.expansion.run_ids)
    at_work = CohortWork(store, piece)
    for _ in range(3):
        record_attempt(store, piece.cohort_id, "died", reason="killed_worker")
    assert settle(store, plan.expansion.run_ids) == []
    at_work.release()
    assert len(settle(store, plan.expansion.run_ids)) == 1


def test_retry_plans_failed_runs_and_the_new_row_replaces_the_old_one(store, monkeypatch):
    plan = planned(store, seeds=2)
    monkeypatch.setattr(CohortTraining, "advance", poisoned(0))
    run_inline(store, plan.expansion.run_ids)
    assert store.status_counts()["sweep"]["failed"] == 1
    assert plan_retry(store, reason="oom") == {}
    assert list(plan_retry(store).values()) == [1]
    assert list(plan_retry(store).values()) == [1], "the same plan, not another"
    assert len(store.plans()) == 2
    assert store.status_counts()["sweep"]["failed"] == 1, "its row stays until it is replaced"
    run_inline(store, plan.expansion.run_ids)  # and fails again
    assert store.status_counts()["sweep"]["failed"] == 1
    plan_retry(store)
    monkeypatch.undo()
    run_inline(store, plan.expansion.run_ids)
    assert store.status_counts()["sweep"]["completed"] == 2
    assert set(store.runs()["status"]) == {"completed"}
    assert verify(store).findings == ()


def test_memory_that_runs_out_is_tried_once_more_with_half_the_lanes_and_recorded(store, monkeypatch):
    plan = planned(store, lanes=2, seeds=2)
    train_for, begin, widths = CohortTraining.advance, CohortTraining.__init__, []

    def begin_with_two(self, runs, *, micro_batch=None):
        begin(self, runs, micro_batch=1)  # so that nothing is compiled for this test
        self.micro_batch = micro_batch or 2

    def advance(self, patience_s=2.0):
        widths.append(self.micro_batch)
        if self.micro_batch > 1:
            raise RuntimeError(
                "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 17179869184 bytes."
            )
        train_for(self, patience_s)

    monkeypatch.setattr(CohortTraining, "advance", advance)
    monkeypatch.setattr(CohortTraining, "__init__", begin_with_two)
    run_inline(store, plan.expansion.run_ids)
    assert widths[:2] == [2, 1]
    assert set(store.runs()["micro_batch"]) == {1}
    assert set(store.runs()["memory_halvings"]) == {1}
    (attempt,) = failed_attempts(store, plan.cohorts[0].cohort_id)
    assert attempt["reason"] == "oom"
    said = "out of memory with 2 lanes computed together: it asked for 17179869184 bytes more, the device has"
    assert said in attempt["message"]
    assert "the next try computes 1" in attempt["message"]


def test_memory_that_does_not_suffice_for_one_lane_is_given_up_with_what_to_change(store, monkeypatch):
    plan = planned(store, seeds=1)
    monkeypatch.setattr(CohortTraining, "advance", poisoned(0, MemoryError))
    run_inline(store, plan.expansion.run_ids)
    (failed,) = store.runs().to_dict("records")
    assert (failed["reason"], failed["attempts"]) == ("oom", 1)
    assert "lower training.batch_size, training.steps or network.units" in failed["message"]


@pytest.mark.parametrize(
    ("reasons", "over"),
    [
        (["internal"] * 2, False),
        (["killed_worker", "internal", "timeout"], True),
        (["config_error"], True),
        (["scorer_error"], True),
        (["oom"], False),
        (["oom", "oom"], True),
    ],
)
def test_when_a_cohort_is_given_up(reasons, over):
    assert given_up([{"reason": reason, "micro_batch": 8} for reason in reasons]) is over


@pytest.mark.parametrize(
    ("error", "training", "reason"),
    [
        (RuntimeError("RESOURCE_EXHAUSTED: x"), True, "oom"),
        (StoreError("runs.loss: is NaN"), True, "scorer_error"),
        (StoreError("commit", errno.EIO), True, "io_error"),
        (OSError(errno.EIO, "x"), True, "io_error"),
        (TimeoutError(), True, "timeout"),
        (ValueError("no"), False, "config_error"),
        (ValueError("no"), True, "internal"),
    ],
)
def test_what_an_exception_is_called(error, training, reason):
    assert reason_of(error, training=training) == reason


def test_a_memory_error_names_width_need_have_and_the_setting():
    said = memory_in_words(MemoryError(), micro_batch=8, have_bytes=16 * 2**30)
    assert "8 lanes" in said
    assert "16.0 GiB" in said


def full_until(store, monkeypatch, times, there="/staging/"):
    """Lets the first so many writes of data fail for want of space; returns the list of refusals."""
    whole, refused = os.write, []

    def write(descriptor, data):
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        if len(refused) < times and there in name and len(data) > 1000:
            refused.append(name)
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(work, "DISK_WAIT_S", (0.0,))
    return refused


def test_a_finished_cohort_waits_for_room_and_is_committed_without_being_trained_again(store, monkeypatch):
    plan = planned(store, seeds=1)
    refused = full_until(store, monkeypatch, 5)
    states = []
    run_inline(store, plan.expansion.run_ids, report=lambda progress: states.append(progress.state))
    assert len(refused) == 5
    assert states.count("waiting") == 5
    assert states[-1] == "committed"
    assert store.runs()["attempts"].tolist() == [1], "a full disk is held against nobody"


def test_a_disk_that_stays_full_ends_the_command_and_nothing_is_lost(store, monkeypatch):
    plan = planned(store, seeds=2)
    (first, *_) = pieces_left(store, plan.expansion.run_ids)
    full_until(store, monkeypatch, 10**6)
    monkeypatch.setattr(work, "DISK_PATIENCE_S", 0.0)
    with pytest.raises(DiskFull, match="No space left"):
        run_inline(store, plan.expansion.run_ids)
    assert store.status_counts()["sweep"]["missing"] == 2
    assert failed_attempts(store, first.cohort_id) == []
    monkeypatch.undo()
    run_inline(store, plan.expansion.run_ids)
    assert store.status_counts()["sweep"]["completed"] == 2
    assert verify(store).ok


def test_what_was_held_back_is_given_up_for_a_finished_cohort(store, monkeypatch):
    plan = planned(store, seeds=1)
    whole = os.write

    def write(descriptor, data):
        """The disk has room for a cohort once the file that was held back is gone."""
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        if "/staging/" in name and len(data) > 1000 and list(store.layout.staging.glob(f"*{room.RESERVE}")):
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(descriptor, data)

    states = []
    with room.reserved(store, 3 * 2**20):
        (held,) = store.layout.staging.glob(f"*{room.RESERVE}")
        assert held.stat().st_blocks * 512 >= 3 * 2**20, "blocks, not a length with nothing behind it"
        monkeypatch.setattr(os, "write", write)
        monkeypatch.setattr(work, "DISK_PATIENCE_S", 0.0)
        run_inline(store, plan.expansion.run_ids, report=lambda progress: states.append(progress.state))
    assert states[-2:] == ["waiting", "committed"]
    assert list(store.layout.staging.iterdir()) == []


def raising(error):
    def call(*_):
        raise error

    return call


def test_nothing_is_held_back_where_room_is_short_or_cannot_be_held(store, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", raising(OSError(errno.EOPNOTSUPP, "not supported")))
        with room.reserved(store, 1):
            assert list(store.layout.staging.iterdir()) == []
    monkeypatch.setattr(room, "check_room", raising(DiskFull("short")))
    with room.reserved(store, 1):
        assert list(store.layout.staging.iterdir()) == []


def test_a_finished_cohort_is_kept_on_another_disk_and_comes_home_by_merging(store, tmp_path, monkeypatch):
    plan = planned(store, seeds=2)
    spill = tmp_path / "spill"
    full_until(store, monkeypatch, 10**6, there=f"{store.path}/staging/")
    monkeypatch.setattr(work, "DISK_PATIENCE_S", 0.0)
    with pytest.raises(DiskFull, match=rf"is kept in {spill}.*gridsweep merge {spill} into {store.path}"):
        run_inline(store, plan.expansion.run_ids, spill=spill)
    monkeypatch.undo()
    assert store.status_counts()["sweep"]["missing"] == 2
    assert Store.open(spill).status_counts()["sweep"]["completed"] == 1
    merge(Store.open(spill), store)
    assert store.status_counts()["sweep"]["completed"] == 1
    assert verify(store).ok
    run_inline(store, plan.expansion.run_ids)
    assert store.status_counts()["sweep"]["completed"] == 2
    assert len(store.plans()) == 1


def test_a_store_is_no_place_to_spill_to_for_itself(store, monkeypatch):
    plan = planned(store, seeds=1)
    full_until(store, monkeypatch, 10**6)
    monkeypatch.setattr(work, "DISK_PATIENCE_S", 0.0)
    with pytest.raises(DiskFull, match=r"nor could it be kept in .* is the store itself"):
        run_inline(store, plan.expansion.run_ids, spill=store.path)


def test_a_finished_cohort_that_waits_for_room_is_spilled_when_it_is_told_to_stop(
    store, tmp_path, monkeypatch
):
    (piece,) = pieces_left(store, planned(store, seeds=1).expansion.run_ids)
    full_until(store, monkeypatch, 10**6, there=f"{store.path}/staging/")
    at_work = CohortWork(store, piece, spill=tmp_path / "spill")
    while at_work.step().state != "waiting":
        pass
    assert "gridsweep merge" in at_work.interrupt().message
    assert len(Store.open(tmp_path / "spill").runs()) == 1


def test_below_the_floor_nothing_is_begun(store, monkeypatch):
    plan = planned(store, seeds=1)
    monkeypatch.setattr(room, "FLOOR_BYTES", 2**62)
    monkeypatch.setattr(room, "FLOOR_SHARE", 0.0)
    monkeypatch.setattr(
        os, "statvfs", lambda folder: os.statvfs_result((4096, 4096, 10**6, 10, 10, 0, 0, 0, 0, 255))
    )
    with pytest.raises(
        DiskFull, match=r"0 MiB are free, less than the [\d,]+ MiB below which nothing new is begun"
    ):
        run_inline(store, plan.expansion.run_ids)
    assert store.status_counts()["sweep"]["missing"] == 1


def test_another_environment_is_told_with_what_differs_until_it_was_accepted(store, monkeypatch):
    plan = planned(store, seeds=2)
    wanted = plan.expansion.run_ids
    assert environment_change(store, wanted) == []
    first, second = pieces_left(store, wanted)
    complete(CohortWork(store, first))
    assert environment_change(store, wanted) == []
    module = sys.modules["gridsweep.train.provenance"]
    before = module.libraries()
    other = {**before, "packages": {**before["packages"], "jaxlib": "9.9.9"}, "xla_flags": "--new"}
    monkeypatch.setattr(module, "libraries", lambda: other)
    assert environment_change(store, wanted) == [
        f"jaxlib: {before['packages']['jaxlib']} in the store, 9.9.9 here",
        f"xla_flags: {before['xla_flags']!r} in the store, '--new' here",
    ]
    whole = module.provenance()
    monkeypatch.setattr(train, "provenance", lambda: {**whole, **other, "env_id": "f" * 16})
    complete(CohortWork(store, second))
    assert environment_change(store, wanted) == [], "one cohort was trained under it"


def test_the_canary_is_equal_to_the_last_bit_here_and_refuses_another_computation(store, monkeypatch):
    plan = planned(store, lanes=2, seeds=2)
    assert fly_canary(store, plan.expansion.run_ids) is None
    run_inline(store, plan.expansion.run_ids)
    canary = fly_canary(store, plan.expansion.run_ids)
    assert canary is not None
    assert canary.difference is None
    assert canary.close
    whole = environment.build_tables

    def shifted(cohort_id, run_ids, tables):
        scores = [score + 0.01 for score in tables["units"]["grid_score_60"]]
        return whole(cohort_id, run_ids, {**tables, "units": {**tables["units"], "grid_score_60": scores}})

    monkeypatch.setattr(environment, "build_tables", shifted)
    canary = fly_canary(store, plan.expansion.run_ids)
    assert not canary.close
    assert "units.grid_score_60 in 16 rows" in str(canary.difference)
