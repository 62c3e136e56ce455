"""``gridsweep run`` ends with a code that says what happened, and a line that says what to do."""

import collections
import shutil
import sys

import pytest

from gridsweep.drive import room
from gridsweep.drive.left import pieces_left
from gridsweep.spec import load_sweep
from gridsweep.store import Claims, Store
from gridsweep.store.attempts import record_attempt
from tests.commands import gridsweep, noise_sweep
from tests.spec.test_bad_input import GOOD, MISTAKES


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    return noise_sweep(tmp_path_factory.mktemp("sweeps"), seeds=2)


@pytest.fixture(scope="module")
def done(sweep, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores") / "done"
    assert gridsweep("run", sweep, "--store", folder, "--inline").exit_code == 0
    return folder


@pytest.fixture
def store(done, tmp_path):
    """A copy of a store in which both networks are done."""
    return shutil.copytree(done, tmp_path / "store")


@pytest.fixture
def grown(sweep, tmp_path):
    """The same sweep with a third seed."""
    return noise_sweep(tmp_path, seeds=3)


def test_0_when_everything_ended_and_nothing_failed(sweep, store):
    assert gridsweep("run", sweep, "--store", store, "--inline").exit_code == 0


def test_2_for_a_cluster_that_asks_for_no_token_and_nothing_is_written(sweep, tmp_path, monkeypatch):
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    found = gridsweep("run", sweep, "--store", tmp_path / "new", "--address", "10.0.0.1:6379")
    assert found.exit_code == 2
    assert "RAY_AUTH_MODE=token" in found.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("command", ["plan", "run"])
def test_2_for_every_mistake_of_a_sweep_file_and_nothing_is_written(command, tmp_path):
    sweep = tmp_path / "bad.yaml"
    for before, after, expected in MISTAKES:
        sweep.write_text(GOOD.replace(before, after))
        found = gridsweep(command, sweep, "--store", tmp_path / "new")
        assert found.exit_code == 2, after
        assert expected in found.stderr
        assert sorted(tmp_path.iterdir()) == [sweep], after


def test_3_when_a_run_failed_and_retry_then_says_so(grown, store):
    opened = Store.open(store, writable=True)
    gridsweep("plan", grown, "--store", store)
    from gridsweep.drive.left import write_plan

    write_plan(opened, load_sweep(grown), lanes=1, slots=1)
    (piece,) = pieces_left(opened, {run.run_id for run in load_sweep(grown)})
    for _ in range(3):
        record_attempt(opened, piece.cohort_id, "the worker process died", reason="killed_worker")
    # What failed three times is not tried a fourth time, whoever asks.
    from gridsweep.drive.settle import settle

    settle(opened, piece_runs(opened, piece))
    found = gridsweep("run", grown, "--store", store, "--inline")
    assert found.exit_code == 3
    assert "1 of 3 networks could not be trained" in found.stderr
    planned = gridsweep("retry", "--failed", "--store", store)
    assert "1 runs of noise once more" in planned.stdout
    assert gridsweep("run", grown, "--store", store, "--inline").exit_code == 0
    assert Store.open(store).status_counts()["noise"]["completed"] == 3


def piece_runs(store, piece):
    return store.plan(piece.plan).cohorts[piece.cohort_id]


def test_5_when_all_that_is_left_is_claimed_and_who_claims_it_is_named(grown, store):
    opened = Store.open(store, writable=True)
    from gridsweep.drive.left import write_plan

    write_plan(opened, load_sweep(grown), lanes=1, slots=1)
    (piece,) = pieces_left(opened, {run.run_id for run in load_sweep(grown)})
    claim = Claims(opened).try_claim(piece.cohort_id)
    found = gridsweep("run", grown, "--store", store, "--inline", "--no-wait")
    claim.release()
    assert found.exit_code == 5
    assert "1 cohorts are left, all claimed by other processes: process" in found.stderr


def test_6_when_an_entry_is_torn_and_after_repair_the_same_command_redoes_it(sweep, store):
    entry = sorted((store / "ledger").iterdir())[0]
    entry.write_bytes(entry.read_bytes()[:-9])
    with pytest.warns(UserWarning, match="its cohort is left out"):
        found = gridsweep("run", sweep, "--store", store, "--inline")
    assert found.exit_code == 6
    assert "verify --repair" in found.stderr
    assert gridsweep("verify", "--repair", "--store", store).exit_code == 6
    assert gridsweep("run", sweep, "--store", store, "--inline").exit_code == 0
    assert (store / "ledger" / f"{entry.stem}.r1.json").exists()
    assert len(Store.open(store).runs()) == 2


def test_7_when_the_sweep_does_not_fit_on_the_disk(grown, store, monkeypatch):
    usage = collections.namedtuple("usage", "total used free")(10**9, 10**9, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    found = gridsweep("run", grown, "--store", store, "--inline")
    assert found.exit_code == 7
    assert "needs about" in found.stderr
    assert "1.0 kB are free" in found.stderr


def test_7_when_the_disk_is_below_the_floor(grown, store, monkeypatch):
    monkeypatch.setattr(room, "FLOOR_BYTES", 2**62)
    monkeypatch.setattr(room, "FLOOR_SHARE", 1.0)
    free = room.os.statvfs_result((4096, 4096, 10**6, 10, 10, 0, 0, 0, 0, 255))
    monkeypatch.setattr(room.os, "statvfs", lambda folder: free)
    found = gridsweep("run", grown, "--store", store, "--inline")
    assert found.exit_code == 7
    assert "nothing new is begun" in found.stderr
    assert "resume with" in found.stderr


def test_8_in_another_environment_and_accepted_after_a_comparison(grown, store, monkeypatch):
    module = sys.modules["gridsweep.train.provenance"]
    before = module.libraries()
    other = {**before, "packages": {**before["packages"], "numpy": "9.9"}}
    monkeypatch.setattr(module, "libraries", lambda: other)
    words = ("run", grown, "--store", store, "--inline")
    found = gridsweep(*words)
    assert found.exit_code == 8
    assert f"numpy: {before['packages']['numpy']} in the store, 9.9 here" in found.stderr
    assert len(Store.open(store).runs()) == 2
    found = gridsweep(*words, "--accept-env-change")
    assert found.exit_code == 0
    assert "trained again: equal to the last bit" in found.stdout


def test_a_file_that_changed_is_shown_as_a_difference_and_extends_the_sweep(grown, store):
    found = gridsweep("plan", grown, "--store", store)
    assert "noise was planned before with other settings" in found.stdout
    assert "seeds: 2 -> 3" in found.stdout
    found = gridsweep("run", grown, "--store", store, "--inline")
    assert found.exit_code == 0
    assert "seeds: 2 -> 3" in found.stdout
    assert Store.open(store).status_counts()["noise"]["completed"] == 3
