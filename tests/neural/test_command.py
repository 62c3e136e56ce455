"""``gridsweep neural``, end to end: ground truth, published numbers, a store's networks, recordings."""

import json

import numpy as np
import pytest
from scipy.io import savemat

from gridsweep.drive.inline import run_inline
from gridsweep.drive.left import write_plan
from gridsweep.neural.kept_models import kept_models
from gridsweep.spec import Sweep
from gridsweep.store import Store, StoreError
from tests.commands import gridsweep
from tests.neural.test_recording import walk


def command(*words):
    return gridsweep("neural", *words)


def sweep(name, keep, bins=(12,)):
    base = {
        "system": {"kind": "filtered_noise", "units": 12},
        "evaluation": {"kind": "corrected", "bins": [*bins]},
    }
    blur = {"system.smoothing_bins": {"values": [1.0, 2.0, 4.0]}}
    return Sweep({"name": name, "base": base, "parameters": blur, "keep": {"rate_maps": keep}})


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = Store.create(tmp_path_factory.mktemp("neural") / "store")
    plan = write_plan(opened, sweep("noise", "all"), lanes=None, slots=1)
    run_inline(opened, plan.expansion.run_ids)
    return opened


def test_the_ground_truth_needs_no_data(tmp_path):
    done = command("--bins", 20, "--out", tmp_path)
    assert done.exit_code == 0
    rows = [line.split() for line in done.stdout.splitlines() if " maps " in line]
    predicted = [float(row[-1]) for row in rows]
    assert len(predicted) == 6
    assert predicted == sorted(predicted)
    assert "r rises by" in done.stdout
    assert {path.suffix for path in tmp_path.iterdir()} == {".pdf", ".png", ".csv"}


def test_the_published_numbers_are_printed_with_both_fits():
    done = command("published")
    assert "correlation 0.796" in done.stdout
    assert "correlation 0.965" in done.stdout
    found = json.loads(command("published", "--format", "json").stdout)
    assert len(found["nayebi_2021"]) == 20


def test_a_store_s_networks_are_compared_with_their_controls(store):
    done = command("synthetic", "--store", store.path, "--controls", "--format", "json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    models = [line for line in found["models"] if not line["control"]]
    assert [line["units"] for line in models] == [12, 12, 12]
    assert {line["control"] for line in found["models"]} >= {"", "truncated"}
    assert len({round(line["ratio_bins_as_samples"], 3) for line in models}) == 3
    assert found["fit"]["slope"] != 0


def test_recordings_are_fitted_and_predict_each_other(store, tmp_path):
    for rat in (1, 2):
        time_s, position_m, spikes = walk(frames=12_000, seed=rat)
        path = {"post": time_s, "posx": position_m[:, 0] * 100, "posy": position_m[:, 1] * 100}
        savemat(tmp_path / f"r{rat}-1_POS.mat", path)
        for cell, spike_s in enumerate(spikes):
            savemat(tmp_path / f"r{rat}-1_T1C{cell}.mat", {"cellTS": spike_s})
    done = command(
        tmp_path / "r1-1_POS.mat", tmp_path / "r2-1_POS.mat", "-s", store.path, "--splits", "left_right"
    )
    assert done.exit_code == 0, done.stderr
    assert "cells: r1-1, 2 cells; r2-1, 2 cells" in done.stdout
    assert "what the other animals predict" in done.stdout


def test_maps_come_back_as_they_were_kept(store):
    models = kept_models(store, bins=12)
    assert len(models) == 3
    run = store.runs()["run_id"][0]
    kept = store.rate_maps(where=f"run_id = '{run}' AND unit = 7")["map"][0]
    assert models[0].name == f"filtered_noise {run}"
    np.testing.assert_array_equal(models[0].maps[7], np.reshape(kept, (12, 12)))
    assert len(kept_models(store, where='"system.smoothing_bins" > 1.5')) == 2


def test_the_best_maps_of_a_network_are_no_fair_model_of_it(tmp_path):
    opened = Store.create(tmp_path / "store")
    document = {
        "name": "some",
        "base": {
            "system": {"kind": "filtered_noise", "units": 100},
            "evaluation": {"kind": "corrected", "bins": [8]},
        },
        "keep": {"rate_maps": "best"},
    }
    plan = write_plan(opened, Sweep(document), lanes=None, slots=1)
    run_inline(opened, plan.expansion.run_ids)
    with pytest.raises(StoreError, match=r"of its 100 maps, expected all"):
        kept_models(opened)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--mapping", "linear"), "found 'linear', expected one of ridge"),
        (("--splits", "half"), "found 'half', expected one of random"),
        (("a.nwb",), "name a store with --store"),
        (("synthetic", "a.nwb"), "alone"),
    ],
)
def test_what_cannot_be_is_said(words, message):
    done = command(*words)
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_size_that_was_not_kept_is_said(store):
    done = command("synthetic", "-s", store.path, "--bins", 20)
    assert done.exit_code == 2
    assert "kept maps of 12 bins, expected 20 bins" in done.stderr
