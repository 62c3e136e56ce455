"""A run brought back from a store is the network that was trained."""

import shutil

import numpy as np
import pytest

import gridsweep
from gridsweep import measuring, scores
from gridsweep.drive.inline import run_inline
from gridsweep.drive.left import write_plan
from gridsweep.spec import Sweep
from gridsweep.store import Store, StoreError
from gridsweep.store.verify import verify
from tests.tiny import small_document


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = Store.create(tmp_path_factory.mktemp("kept") / "store")
    noise = {"system": {"kind": "filtered_noise", "units": 8}}
    sweep = Sweep(small_document(name="kept", method="list", runs=[{}, noise], keep={"weights": "final"}))
    for document in (sweep, Sweep(small_document(name="bare", seeds=[9]))):
        plan = write_plan(opened, document, lanes=None, slots=1)
        run_inline(opened, plan.expansion.run_ids)
    return opened


def run_ids(store, where):
    return store.runs(columns=["run_id"], where=where)["run_id"].tolist()


def test_its_rate_maps_score_exactly_as_when_it_was_trained(store):
    run = run_ids(store, "\"system.kind\" = 'path_integrator' AND seed = 0")[0]
    kept = gridsweep.load_run(store, run)
    maps = kept.rate_maps(bins=8, positions=1_000)
    stored = store.units(where=f"run_id = '{run}'").sort_values("unit")
    assert np.array_equal(scores.measure(maps)["grid_score_60"], stored["grid_score_60"])
    assert maps.shape == (8, 8, 8)


def test_maps_on_other_bins_need_no_training(store):
    run = run_ids(store, "\"system.kind\" = 'path_integrator' AND seed = 0")[0]
    assert gridsweep.load_run(store.path, run).rate_maps(bins=10, positions=1_000).shape == (8, 10, 10)


def test_noise_has_no_weights_and_comes_back_all_the_same(store):
    kept = gridsweep.load_run(store, run_ids(store, "\"system.kind\" = 'filtered_noise'")[0])
    assert kept.weights == {}
    assert kept.rate_maps(bins=8).shape == (8, 8, 8)


def test_a_run_without_weights_says_how_to_keep_them(store):
    with pytest.raises(StoreError, match=r"keep: \{weights: final\}"):
        gridsweep.load_run(store, run_ids(store, "seed = 9")[0])


@pytest.mark.parametrize("name", ["ffffffffffffffff", "../../etc/passwd", "x' OR 1=1 --", ""])
def test_what_is_no_run_of_the_store_is_refused(store, name):
    with pytest.raises(StoreError, match=r"has no run|expected a run id"):
        gridsweep.load_run(store, name)


def test_runs_are_measured_again_from_their_weights_and_the_rest_is_named(store, tmp_path, monkeypatch):
    copy = Store.open(shutil.copytree(store.path, tmp_path / "store"), writable=True)
    monkeypatch.setattr(measuring, "_kept_maps", lambda store, run, places: None)
    done = measuring.measure_again(copy, again=True)
    bare = run_ids(copy, "seed = 9")
    assert list(done.left) == bare
    assert "keep: {rate_maps: all} or keep: {weights: final}" in done.left[bare[0]]
    assert len(done.measured) == 2
    for run in done.measured:
        before, after = (
            which.units(where=f"run_id = '{run}'").sort_values("unit") for which in (store, copy)
        )
        np.testing.assert_array_equal(before["stripe_score"], after["stripe_score"])
    assert verify(copy).ok
