"""Pages of a store with two small networks whose maps are lattices that were made up."""

import numpy as np
import pandas as pd
import pytest

from gridsweep.figures.pages import maps_page, network_page, sweep_page, unit_page
from gridsweep.maps.autocorrelogram import autocorrelogram
from gridsweep.store import Store, create_store
from gridsweep.store.commit import commit
from tests.analysis import simulated
from tests.commands import gridsweep

BINS = 16
KEPT = 6


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "store"
    made = create_store(path)
    runs = [simulated.network("gaussian", seed, 12, _evaluations={"corrected": (BINS,)}) for seed in range(2)]
    runs.append(simulated.null(0, 24) | {"_evaluations": {"corrected": (BINS,)}})
    cohorts = [
        {"cohort_id": simulated.make_id("cohort", run["run_id"]), "runs": [run["run_id"]]} for run in runs
    ]
    plan = made.add_plan({"sweep": "small", "spec": {}, "cohorts": cohorts})
    x = np.arange(BINS)
    for run, cohort in zip(runs, cohorts, strict=True):
        tables = simulated._tables(run, 0.0)
        if run["system.kind"] == "path_integrator":
            waves = [
                1 + np.cos(2 * np.pi * (unit + 1) * x / BINS)[:, None] * np.cos(4 * np.pi * x / BINS)
                for unit in range(KEPT)
            ]
            waves[0][0, 0] = np.nan
            tables["rate_maps"] = {
                "run_id": [run["run_id"]] * KEPT,
                "evaluation": ["corrected"] * KEPT,
                "bins": [BINS] * KEPT,
                "unit": list(range(KEPT)),
                "map": np.stack([wave.ravel() for wave in waves]),
            }
            tables["history"] = {"run_id": [run["run_id"]] * 2, "update": [0, 100], "loss": [5.0, 3.0]}
        commit(made, cohort_id=cohort["cohort_id"], sweep="small", plan=plan, tables=tables, provenance={})
    return Store.open(path)


@pytest.fixture(scope="module")
def run_id(store):
    return store.runs(where="\"system.kind\" = 'path_integrator' AND seed = 1")["run_id"].iloc[0]


def test_maps_come_by_falling_score_and_only_kept_ones(store):
    drawn = maps_page(store, number=5)
    units = store.units(columns=["run_id", "unit", "grid_score_60"], where=f"unit < {KEPT}")
    networks = store.rate_maps(columns=["run_id"])["run_id"].unique()
    best = units[units["run_id"].isin(networks)]["grid_score_60"].sort_values(ascending=False).head(5)
    np.testing.assert_array_equal(drawn.data["grid_score_60"], best)
    lowest = maps_page(store, "grid_score_90", number=3, lowest=True).data["grid_score_90"]
    assert lowest.is_monotonic_increasing


def test_a_map_and_its_autocorrelogram_are_the_stored_ones(store):
    drawn = maps_page(store, number=1)
    row = drawn.data.iloc[0]
    stored = store.rate_maps(where=f"run_id = '{row['run_id']}' AND unit = {row['unit']}")["map"].iloc[0]
    square = np.asarray(stored, float).reshape(BINS, BINS)
    (image,) = drawn.axes["maps 0"].images
    np.testing.assert_array_equal(image.get_array(), np.nan_to_num(square).T)
    (lags,) = drawn.axes["maps 8"].images
    np.testing.assert_allclose(lags.get_array(), autocorrelogram(square[None])[0].T, atol=1e-4)


def test_a_unit_s_page_has_its_row(store, run_id):
    drawn = unit_page(store, run_id[:9], 2)
    said = drawn.data.set_index("name")["value"]
    stored = store.units(where=f"run_id = '{run_id}' AND unit = 2").iloc[0]
    assert float(said["grid_score_60"]) == stored["grid_score_60"]
    assert said["run_id"] == run_id
    assert set(drawn.axes) == {"map", "lags", "power", "scores", "numbers"}


def test_a_network_s_page_has_scores_history_and_provenance(store, run_id):
    drawn = network_page(store, run_id)
    settings = drawn.data[drawn.data["what"] == "setting"].set_index("name")["value"]
    assert settings["target.kind"] == "gaussian"
    assert settings["gridsweep_version"] == "0"
    history = drawn.data[drawn.data["what"] == "history"]
    assert history["loss"].tolist() == [5.0, 3.0]
    curves = drawn.data[drawn.data["what"] == "units above"]
    assert set(curves["networks"]) == {1}
    assert any(str(group).startswith("null") for group in curves["group"])


def test_a_sweep_s_page_counts_its_runs(store):
    drawn = sweep_page(store, "small")
    counts = drawn.data[drawn.data["what"] == "runs"].set_index("name")["value"]
    assert (counts["planned"], counts["completed"]) == (3, 3)
    networks = drawn.data[drawn.data["what"] == "network"]
    best = store.units(columns=["run_id", "grid_score_60"]).groupby("run_id")["grid_score_60"].max()
    for row in networks.itertuples():
        assert row.best == pytest.approx(best[row.run_id])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("unit", "RUN", "11"), "no rate maps are kept"),
        (("unit", "zzz", "0"), "found 0 runs that begin with 'zzz' (none), expected one"),
        (("network", ""), "found 3 runs that begin with ''"),
        (("maps", "--score", "evaluation"), "found the score 'evaluation', expected a number of units"),
        (("maps", "--size", "poster"), "--size: found 'poster'"),
        (("sweep", "large"), "found the sweep 'large', the store has small"),
    ],
)
def test_what_is_not_there_is_said(store, run_id, words, message):
    words = [run_id if word == "RUN" else word for word in words]
    done = gridsweep("gallery", *words, "--store", store.path)
    assert done.exit_code == 2
    assert message in done.stderr


def test_the_command_writes_three_files(store, tmp_path):
    done = gridsweep("gallery", "maps", "-n", 2, "--store", store.path, "-o", tmp_path)
    assert done.exit_code == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["maps.csv", "maps.pdf", "maps.png"]
    assert len(pd.read_csv(tmp_path / "maps.csv")) == 2
