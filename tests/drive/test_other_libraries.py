"""A worker whose libraries are not its driver's trains nothing, says so, and ends the command with 8."""

import os

import pytest

from gridsweep.drive import ray_environment
from gridsweep.drive.environment import other_packages
from gridsweep.drive.left import Piece
from gridsweep.store import Store
from gridsweep.train.provenance import libraries


def test_libraries_that_differ_are_named_with_both_versions():
    here = libraries()["packages"]
    assert other_packages(here) == []
    assert other_packages({**here, "jax": "0.1"}) == [f"jax: 0.1 at the driver, {here['jax']} here"]
    assert other_packages({}) != []


@pytest.fixture
def ray_tune():
    """The module as the command imports it; nothing of Ray is started."""
    before = dict(os.environ)
    with ray_environment.prepared(local=True):
        from gridsweep.drive import ray_tune

        yield ray_tune
    os.environ.clear()
    os.environ.update(before)


def test_a_worker_of_other_libraries_opens_no_cohort_and_its_driver_stops(ray_tune, tmp_path, monkeypatch):
    store = Store.create(tmp_path / "store")
    piece = Piece("0123456789abcdef", 1, 2)
    monkeypatch.setattr(ray_tune, "pin_to_free_core", lambda: None)
    monkeypatch.setattr(ray_tune, "CohortWork", None)  # none is opened
    worker = ray_tune.CohortTrainable.__new__(ray_tune.CohortTrainable)
    config = {
        "store": store.address,
        "sender": "driver",
        "spill": "",
        "cohort": {"piece": piece._asdict(), "over": ""},
    }
    worker.setup(config | {"packages": {**libraries()["packages"], "numpy": "1.0"}})
    result = worker.step()
    worker.cleanup()
    assert result["done"]
    assert result["state"] == "libraries"
    assert "numpy: 1.0 at the driver" in result["message"]

    driver = ray_tune.Driver("driver", store, lambda _: None, lambda: False)
    monkeypatch.setattr(ray_tune, "_driver", driver)
    assert not ray_tune.StopWhenAsked().stop_all()
    ray_tune.Reporter().on_trial_result(0, [], None, result)
    assert ray_tune.StopWhenAsked().stop_all()
    assert driver.strange == [result["message"]]
