"""Driving inline: what fails, what is claimed, what another plan holds."""

import pytest

from gridsweep.drive.inline import AllClaimed, run_inline
from gridsweep.drive.left import pieces_left, runs_of, unclaimed, write_plan
from gridsweep.drive.work import CohortWork
from gridsweep.spec import Sweep
from gridsweep.store import Claims, Store
from gridsweep.store.attempts import failed_attempts, read_log
from gridsweep.store.claims import DEAD_AFTER_S
from gridsweep.store.owner import Owner
from gridsweep.train import CohortTraining
from tests.tiny import small_document


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "store")


def planned(store, **changes):
    return write_plan(store, Sweep(small_document(**changes)), lanes=1, slots=1)


def test_a_network_that_two_sweeps_ask_for_is_trained_once(store):
    first = planned(store, name="first", seeds=2)
    run_inline(store, first.expansion.run_ids)
    second = planned(store, name="second", seeds=3)
    assert (second.committed, len(second.cohorts)) == (2, 1)
    run_inline(store, second.expansion.run_ids)
    counts = store.status_counts()
    assert counts["first"]["completed"] == 2
    assert counts["second"]["completed"] == 3
    assert len(store.runs()) == 3


def test_the_same_sweep_planned_again_writes_no_plan(store):
    planned(store, seeds=2)
    planned(store, seeds=2)
    assert len(store.plans()) == 1


def test_a_worker_makes_the_runs_of_the_plan_whatever_the_order_of_the_axes(store):
    axes = {"target.field_width_m": {"values": [0.1, 0.2, 0.3]}, "network.units": {"values": [4, 8]}}
    plan = planned(store, parameters=axes, seeds=3)
    pieces = pieces_left(store, plan.expansion.run_ids)
    made = [run.run_id for piece in pieces for run in runs_of(store, piece)[1]]
    assert sorted(made) == sorted(plan.expansion.run_ids)
    assert len(made) == 18


def test_a_cohort_that_fails_is_tried_three_times_and_its_reason_kept(store, monkeypatch):
    plan = planned(store, seeds=1)

    def fail(self, patience_s=0.0):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(CohortTraining, "advance", fail)
    states = []
    run_inline(store, plan.expansion.run_ids, report=lambda progress: states.append(progress.state))
    assert states == ["failed"] * 3
    attempts = failed_attempts(store, plan.cohorts[0].cohort_id)
    assert [attempt["message"] for attempt in attempts] == ["RuntimeError: out of luck"] * 3
    assert store.status_counts()["sweep"]["failed"] == 1
    assert store.runs()["attempts"].tolist() == [3]


def test_what_another_process_has_claimed_is_left_to_it(store):
    plan = planned(store, seeds=2)
    piece = pieces_left(store, plan.expansion.run_ids)[0]
    claim = Claims(store).try_claim(piece.cohort_id)
    assert claim is not None
    with pytest.raises(AllClaimed, match="1 cohorts are left"):
        run_inline(store, plan.expansion.run_ids, wait=False)
    assert len(store.runs()) == 1
    claim.release()
    run_inline(store, plan.expansion.run_ids, wait=False)
    assert len(store.runs()) == 2


def test_a_worker_takes_over_at_once_what_its_sender_has_watched(store):
    """Workers of a Ray live too short to see a minute of silence on another machine; the driver does."""
    piece = pieces_left(store, planned(store, seeds=1).expansion.run_ids)[0]
    elsewhere = Owner(host="lost", machine="a" * 12, pid=4711, started=99)
    now_s = 0.0
    Claims(store, host=elsewhere).try_claim(piece.cohort_id, sender="driver")
    driver = Claims(store, clock=lambda: now_s)
    assert unclaimed(driver, [piece]) == []
    now_s = DEAD_AFTER_S
    ((found, over),) = unclaimed(driver, [piece])
    assert found == piece
    assert CohortWork(store, piece).claimed_elsewhere
    worker = CohortWork(store, piece, over=over)
    assert not worker.claimed_elsewhere
    worker.release()
    assert unclaimed(driver, [piece]) == [(piece, "")]


def test_a_cohort_that_was_committed_since_the_list_was_made_is_not_trained_again(store, monkeypatch):
    plan = planned(store, seeds=1)
    (piece,) = pieces_left(store, plan.expansion.run_ids)
    run_inline(store, plan.expansion.run_ids)
    monkeypatch.setattr(CohortTraining, "__init__", None)  # nothing is begun
    late = CohortWork(store, piece)
    assert late.claimed_elsewhere
    assert not Claims(store).holders()


def test_stopping_lets_go_of_the_claim_and_keeps_what_is_trained(store):
    plan = planned(store, seeds=1)
    asked = iter([False, True, True])
    run_inline(store, plan.expansion.run_ids, stop=lambda: next(asked))
    assert not Claims(store).holders()
    assert not store.committed_cohorts()
    assert list((store.path / "checkpoints").glob("*/*/manifest.json"))


def test_a_worker_that_is_killed_loses_what_came_after_its_last_checkpoint_and_no_more(store, tmp_path):
    plan = planned(store, seeds=1)
    (piece,) = pieces_left(store, plan.expansion.run_ids)
    killed = CohortWork(store, piece, checkpoint_every_s=0.0)
    for _ in range(2):
        assert killed.step().state == "training"
    killed._heart.stop()
    nonce = Claims(store).newest()[piece.cohort_id].nonce
    again = CohortWork(store, piece, over=nonce)
    assert again.training.done_updates == 2
    while (progress := again.step()).state == "training":
        pass
    assert progress.state == "committed"
    assert "from update 2: 1 runs" in read_log(store, piece.cohort_id)
    assert not list((store.path / "checkpoints").glob("*/*"))
    whole = Store.create(tmp_path / "whole")
    run_inline(whole, planned(whole, seeds=1).expansion.run_ids)
    assert store.table("units").equals(whole.table("units")), "to the last bit as in one piece"


def test_a_plan_whose_settings_now_make_other_networks_is_refused(store, monkeypatch):
    plan = planned(store, seeds=1)
    from gridsweep.drive import left

    monkeypatch.setattr(
        left,
        "_planned_sweep",
        lambda root, number: (
            Sweep(small_document(seeds=[7])),
            {
                cohort.cohort_id: {"rows": [0], "runs": [member.run_id for member in cohort.members]}
                for cohort in plan.cohorts
            },
        ),
    )
    with pytest.raises(ValueError, match="its settings make other networks in this version"):
        CohortWork(store, pieces_left(store, plan.expansion.run_ids)[0])
    assert not Claims(store).holders()
