"""Scores that are added later are taken of what was kept, beside the record, which stays as it is."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from gridsweep import measuring, scores
from gridsweep.store import Store, StoreBusy, StoreDamaged, StoreError, StoreWarning
from gridsweep.store.claims import maintenance
from gridsweep.store.compact import compact
from gridsweep.store.sealed import digest
from gridsweep.store.verify import verify
from tests.commands import gridsweep

# Written by version 1 of the contract, which had none of these columns; all rate maps were kept.
OLD = Path(__file__).parent / "store/written_by/v1"
ADDED = ("autocorrelogram_half_width_m", "stripe_score", "border_score", "period_m")


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """The old store, a snapshot of it saved, and then measured; with what the call returned."""
    store = Store.open(shutil.copytree(OLD, tmp_path_factory.mktemp("measured") / "store"), writable=True)
    before = {file: digest(file.read_bytes()) for file in store.path.rglob("*.parquet")}
    snapshot = store.save_snapshot()
    return store, before, snapshot, measuring.measure_again(store)


@pytest.fixture
def measured(once, tmp_path):
    """A copy of the measured store, to be changed."""
    return Store.open(shutil.copytree(once[0].path, tmp_path / "store"), writable=True)


def by_unit(store):
    """Units in the order of their key; run_id is a category, whose own order is that of appearance."""
    units = store.units().astype({"run_id": str})
    return units.sort_values(["run_id", "unit"])


def completed(store):
    return store.runs(where="status = 'completed'")["run_id"].tolist()


def test_a_store_of_an_older_contract_reads_null_until_it_is_measured(once):
    store, _, snapshot, done = once
    old = store.at_snapshot(snapshot).units()
    assert old[list(ADDED)].isna().all(axis=None)
    assert sorted(done.measured) == sorted(completed(store))
    assert (done.cohorts, done.up_to_date, done.left) == (2, 0, {})
    assert {"stripe_score", "rate_map_rank", "grid_score_60_max"} <= done.columns
    new = store.units()
    assert new["autocorrelogram_half_width_m"].notna().any()
    assert new.loc[~new["silent"], "stripe_score"].notna().all()


def test_the_values_are_those_of_the_stored_maps(once):
    store = once[0]
    for run in completed(store):
        stored = store.rate_maps(where=f"run_id = '{run}'").sort_values("unit")
        maps = np.stack([np.reshape(flat, (8, 8)) for flat in stored["map"]])
        expected = scores.measure(maps)
        units = store.units(where=f"run_id = '{run}'").sort_values("unit")
        for column in ("stripe_score", "border_score", "grid_score_60"):
            np.testing.assert_allclose(units[column], expected[column], rtol=1e-12, err_msg=column)
        network = scores.measure_network(maps, expected)
        for table in (store.runs, store.evaluations):
            row = table(where=f"run_id = '{run}'").iloc[0]
            for column, value in network.items():
                assert row[column] == pytest.approx(value, rel=1e-6), column


def test_nothing_that_was_there_has_changed(once):
    store, before, snapshot, _ = once
    assert {file: digest(file.read_bytes()) for file in before} == before
    old, new = (by_unit(which) for which in (store.at_snapshot(snapshot), store))
    for column in ("grid_score_60", "grid_score_90", "mean_rate", "target.kind", "seed"):
        assert old[column].tolist() == new[column].tolist(), column
    assert len(store.runs()) == len(store.at_snapshot(snapshot).runs()) == 8
    assert set(store.runs(where="status <> 'completed'")["rate_map_rank"].isna()) == {True}
    assert verify(store).findings == ()


def test_a_snapshot_taken_before_and_one_after_each_go_on_reading_what_they_saw(measured, once):
    snapshot = once[2]
    after = measured.save_snapshot()
    assert after != snapshot
    measuring.measure_again(measured, again=True)
    assert measured.snapshot_id() not in (snapshot, after)
    assert measured.at_snapshot(after).units()["stripe_score"].notna().any()
    assert measured.at_snapshot(snapshot).units()["stripe_score"].isna().all()
    assert measured.pinned().snapshot_id() == measured.snapshot_id()


def test_a_second_call_finds_nothing_to_do(measured):
    snapshot = measured.snapshot_id()
    done = measuring.measure_again(measured)
    assert (done.measured, done.up_to_date, done.left) == ([], 4, {})
    assert measured.snapshot_id() == snapshot


def test_what_was_not_asked_for_is_measured_when_it_is(tmp_path):
    store = Store.open(shutil.copytree(OLD, tmp_path / "store"), writable=True)
    first, *others = completed(store)
    assert measuring.measure_again(store, [first]).measured == [first]
    assert store.runs(where="rate_map_rank IS NOT NULL")["run_id"].tolist() == [first]
    done = measuring.measure_again(store, sweep="tiny")
    assert sorted(done.measured) == sorted(others)
    assert done.up_to_date == 1
    assert len(store.runs(where="rate_map_rank IS NOT NULL")) == 4


def test_a_compaction_of_before_is_not_read_any_more_and_a_new_one_holds_the_scores(tmp_path):
    store = Store.open(shutil.copytree(OLD, tmp_path / "store"), writable=True)
    compact(store)
    assert store.units()["stripe_score"].isna().all()
    measuring.measure_again(store)
    assert store.units()["stripe_score"].notna().any()
    before = by_unit(store)["stripe_score"].tolist()
    assert compact(store) is not None
    assert len(list(store.path.glob("compacted/units/0002-*.parquet"))) == 1
    after = by_unit(Store.open(store.path))["stripe_score"].tolist()
    np.testing.assert_array_equal(before, after)
    assert verify(store).ok


def test_a_damaged_measure_is_named_set_aside_and_made_again(measured):
    file = next(measured.path.glob("measured/units/*.parquet"))
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(StoreDamaged, match="measured/units"):
        Store.open(measured.path).units()
    report = verify(measured)
    assert [finding.kind for finding in report.findings] == ["measure", "copy", "copy", "copy"]
    assert not report.ok
    verify(measured, repair=True)
    store = Store.open(measured.path, writable=True)
    assert verify(store).ok
    assert len(store.units()) == 24
    assert store.units()["stripe_score"].isna().any()
    assert len(measuring.measure_again(store).measured) == 2
    assert store.units(where="NOT silent")["stripe_score"].notna().all()


def test_a_torn_entry_is_left_out_with_a_warning(measured):
    entry = sorted(measured.path.glob("measures/*.json"))[0]
    entry.write_bytes(entry.read_bytes()[:40])
    with pytest.warns(StoreWarning, match="measures/"):
        assert Store.open(measured.path).units()["stripe_score"].isna().any()


def test_maps_that_score_otherwise_than_the_record_says_are_refused(tmp_path, monkeypatch):
    store = Store.open(shutil.copytree(OLD, tmp_path / "store"), writable=True)
    monkeypatch.setattr(measuring, "_kept_maps", lambda store, run, places: {
        place: np.random.default_rng(0).random((len(rows), 8, 8)) for place, rows in places.items()
    })  # fmt: skip
    done = measuring.measure_again(store)
    assert done.measured == []
    assert all("otherwise than when it was trained" in reason for reason in done.left.values())
    assert list(store.path.glob("measures/*.json")) == []


def test_only_one_process_measures_at_a_time(measured):
    with maintenance(measured, "test"), pytest.raises(StoreBusy):
        measuring.measure_again(measured)


@pytest.mark.parametrize(
    ("asked", "message"),
    [({"runs": ["ffffffffffffffff"]}, "has no run ffffffffffffffff"), ({"sweep": "huge"}, "there are tiny")],
)
def test_runs_and_sweeps_that_are_not_there_are_refused(measured, asked, message):
    with pytest.raises(StoreError, match=message):
        measuring.measure_again(measured, **asked)


def test_the_command_says_what_it_did(measured):
    said = gridsweep("measure", "--store", measured.path, "--format", "json")
    assert said.exit_code == 0, said.output
    assert json.loads(said.output)["up_to_date"] == 4
    said = gridsweep("measure", "--store", measured.path)
    assert "0 runs measured in 0 cohorts, 4 had every score" in said.output
