"""A cohort from seeds to rows: what it records, what it leaves behind, and what one bad lane costs."""

import jax
import numpy as np
import pytest

from gridsweep.spec import Sweep
from gridsweep.store.rows import build_tables
from gridsweep.train import CohortTraining
from gridsweep.train.lanes import advance_lanes, init_lanes, micro_batches
from tests.tiny import SMALL, small_document

WIDTH = 4
KEEP = {"rate_maps": "none", "weights": "none"}


@pytest.fixture(scope="module")
def runs():
    return list(Sweep(small_document(seeds=5)))


def trained(runs):
    training = CohortTraining(runs, micro_batch=WIDTH)
    while not training.finished:
        training.advance()
    return training


@pytest.fixture(scope="module")
def finished(runs):
    """Five runs in lanes of four."""
    return trained(runs)


def test_a_cohort_trains_every_lane_to_its_last_update(runs, finished):
    assert finished.finished
    assert finished.done_updates == SMALL["updates"]
    assert finished.updates_per_s > 0
    assert finished.diverged == 0
    before = finished.states()
    finished.advance()
    assert finished.states() is before, "a finished cohort is left as it is"
    systems = micro_batches(runs, WIDTH)
    for number, states in enumerate(finished.states()):
        whole = advance_lanes(systems[number], init_lanes(systems[number]), SMALL["updates"])
        for found, expected in zip(jax.tree.leaves(states), jax.tree.leaves(whole), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_history_has_a_line_for_every_run_from_before_training_to_its_end(runs, finished):
    lines = finished.history
    assert {line["run_id"] for line in lines} == {run.run_id for run in runs}
    for run in runs:
        own = [line for line in lines if line["run_id"] == run.run_id]
        assert [line["update"] for line in own] == list(range(SMALL["updates"] + 1))
        assert all(
            np.isfinite([line["loss"], line["penalty"], line["position_error_cm"]]).all() for line in own
        )
        # Before training the softmax of small outputs is nearly uniform.
        assert own[0]["loss"] == pytest.approx(np.log(SMALL["place_cells"]), abs=0.3)


def test_every_lane_leaves_its_rows(runs, finished):
    rows = finished.rows(KEEP | {"rate_maps": "all", "weights": "final"}).tables
    units = SMALL["units"]
    ids = [run.run_id for run in runs]
    assert rows["runs"]["run_id"] == ids
    assert rows["runs"]["status"] == ["completed"] * len(runs)
    assert rows["evaluations"]["run_id"] == ids
    assert rows["units"]["run_id"] == [run_id for run_id in ids for _ in range(units)]
    assert rows["units"]["unit"] == list(range(units)) * len(runs)
    assert rows["rate_maps"]["unit"] == list(range(units)) * len(runs)
    assert {len(values) for values in rows["rate_maps"]["map"]} == {8 * 8}
    assert min(rows["runs"]["positions"]) >= SMALL["positions"]
    assert rows["weights"]["name"][:4] == ["decoder", "encoder", "input", "recurrent"]
    for shape, values in zip(rows["weights"]["shape"], rows["weights"]["values"], strict=True):
        assert np.prod(shape) == len(values)


@pytest.mark.parametrize(("keep", "kept"), [("none", 0), ("best", SMALL["units"]), ("all", SMALL["units"])])
def test_as_many_rate_maps_are_kept_as_the_sweep_asks_for(finished, keep, kept):
    rows = finished.rows({"rate_maps": keep, "weights": "none"}).tables
    assert len(rows["rate_maps"]["unit"]) == kept * len(finished.runs)
    assert "weights" not in rows


def test_only_finished_columns_of_the_contract_are_left(runs, finished):
    build_tables("0" * 16, [run.run_id for run in runs], completed_by_a_worker(finished.rows(KEEP)))


def test_a_run_that_diverges_is_a_result_and_its_neighbours_go_on(runs, finished):
    training = CohortTraining(runs, micro_batch=WIDTH)
    spoil(training, lane=1, factor=np.nan)
    while not training.finished:
        training.advance()
    assert training.diverged == 1
    rows = training.rows(KEEP)
    healthy = finished.rows(KEEP)
    assert rows.tables["runs"]["status"] == ["completed", "diverged", "completed", "completed", "completed"]
    assert rows.tables["runs"]["reason"][1]
    assert rows.tables["runs"]["diverged_update"] == [None, 0, None, None, None]
    assert rows.tables["runs"]["loss"][1] is None
    assert runs[1].run_id not in rows.tables["units"]["run_id"]
    for name in ("grid_score_60", "grid_score_90", "mean_rate"):
        others = np.array(healthy.tables["units"]["run_id"]) != runs[1].run_id
        np.testing.assert_array_equal(
            rows.tables["units"][name], np.array(healthy.tables["units"][name])[others]
        )
    build_tables("0" * 16, [run.run_id for run in runs], completed_by_a_worker(rows))


def test_a_run_that_blows_up_only_where_it_is_looked_at_has_diverged_too(runs):
    training = trained(runs[:WIDTH])
    spoil(training, lane=2, factor=1e20)
    assert training.diverged == 0, "its weights are finite"
    rows = training.rows(KEEP)
    assert rows.tables["runs"]["status"] == ["completed", "completed", "diverged", "completed"]
    assert rows.tables["runs"]["diverged_update"][2] == SMALL["updates"]
    assert runs[2].run_id not in rows.tables["units"]["run_id"]
    build_tables("0" * 16, [run.run_id for run in runs[:WIDTH]], completed_by_a_worker(rows))


def spoil(training, lane, factor):
    """Multiplies the weights of one lane of the first micro-batch."""
    first, *rest = training.states()
    weights = jax.tree.map(lambda leaf: leaf.at[lane].multiply(factor), first.weights)
    training.restore([first._replace(weights=weights), *rest], training.history, training.train_s)


def completed_by_a_worker(rows):
    rows.set("runs", micro_batch=WIDTH, attempts=1, science_version=1, gridsweep_version="0")
    rows.tables["runs"]["lane"] = list(range(len(rows.tables["runs"]["run_id"])))
    return rows.tables
