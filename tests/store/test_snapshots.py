"""A snapshot freezes what a figure was drawn from, and says so when that can no longer be had."""

import pytest

from gridsweep.store import Store, StoreDamaged, StoreError
from gridsweep.store.compact import compact
from gridsweep.store.verify import verify
from tests.store.synthetic import commit_cohort, plan_document


@pytest.fixture
def saved(planned):
    """A store of which two of three cohorts are in a snapshot, and its id."""
    for number in range(2):
        commit_cohort(planned, number)
    return planned, planned.save_snapshot()


def test_a_store_that_has_grown_is_read_as_it_was(saved):
    store, snapshot = saved
    before = store.table("units")
    counts = store.status_counts()
    commit_cohort(store, 2)
    store.add_plan(plan_document("second"))
    assert len(store.runs()) == 6
    then = Store.open(store.path).at_snapshot(snapshot)
    assert then.table("units").equals(before)
    assert then.sql("SELECT count(*) AS n FROM runs").to_pylist() == [{"n": 4}]
    assert then.status_counts() == counts
    assert then.missing() == {"width": list(list(store.plan(1).cohorts.values())[2])}
    assert store.missing() == {"second": [run for runs in store.plan(2).cohorts.values() for run in runs]}
    assert store.missing("width") == {}
    assert then.snapshot_id() == snapshot != store.snapshot_id()


def test_equal_content_has_equal_ids_and_saving_twice_changes_nothing(saved):
    store, snapshot = saved
    assert store.save_snapshot() == snapshot == Store.open(store.path).snapshot_id()
    assert len(list(store.layout.snapshots.iterdir())) == 1


def test_a_snapshot_reads_the_same_after_compaction(saved):
    store, snapshot = saved
    commit_cohort(store, 2)
    compact(store)
    assert len(Store.open(store.path).at_snapshot(snapshot[:6]).runs()) == 4


def test_a_snapshot_of_what_was_revoked_says_so(saved):
    store, snapshot = saved
    path = sorted(store.path.glob("units/*/*.parquet"))[0]
    path.write_bytes(b"")
    verify(Store.open(store.path), repair=True)
    with pytest.raises(
        StoreDamaged, match=f"1 cohorts are not any more what the snapshot saw: {path.name[:16]}"
    ):
        Store.open(store.path).at_snapshot(snapshot)


@pytest.mark.parametrize("name", ["0" * 16, "zz", "../plans/0001", ""])
def test_an_unknown_snapshot_is_refused_with_those_there_are(saved, name):
    store, snapshot = saved
    store.fs.write_new(store.layout.snapshot("f" * 16), b"torn")
    with pytest.raises(StoreError, match=snapshot):
        store.at_snapshot(name)


def test_a_torn_snapshot_is_damage(saved):
    store, snapshot = saved
    path = store.layout.snapshot(snapshot)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(StoreDamaged, match="cut short"):
        store.at_snapshot(snapshot)
