"""Whatever a power loss leaves of a commit, a repair or a compaction, the store is right; weakened ones are not."""

import shutil

import pytest

from gridsweep.store import Store
from gridsweep.store.compact import compact
from gridsweep.store.verify import verify
from tests.faults.kills import small_tables
from tests.faults.power_loss import EntryFirst, ModelledFS, lose_power
from tests.store.synthetic import commit_cohort, plan_document

SEED = 20261124


@pytest.fixture
def half_done(memory_path):
    """A store in which two cohorts of three are committed."""
    store = Store.create(memory_path / "store")
    store.add_plan(plan_document())
    for number in range(2):
        commit_cohort(store, number, tables=tables_of(store, number))
    return store


def tables_of(store, number):
    return small_tables(list(list(store.plan(1).cohorts.values())[number]), number)


def commit_third(root):
    def action(fs):
        store = Store.open(root, fs=fs)
        commit_cohort(store, 2, tables=tables_of(store, 2))
        return store.committed_cohorts()

    return action


def plan_and_commit(root):
    def action(fs):
        store = Store.open(root, fs=fs)
        number = store.add_plan(plan_document("second", cohorts=1))
        run_ids = list(next(iter(store.plan(number).cohorts.values())))
        commit_cohort(store, 0, plan=number, tables=small_tables(run_ids, 5))
        return store.committed_cohorts()

    return action


def compact_all(root):
    def action(fs):
        store = Store.open(root, fs=fs)
        compact(store)
        return store.committed_cohorts()

    return action


def damaged_in(root):
    return sorted(root.glob("units/*/*.parquet"))[0]


def repair_and_redo(root):
    path = damaged_in(root)
    path.write_bytes(path.read_bytes()[:-1])

    def action(fs):
        store = Store.open(root, fs=fs)
        verify(store, repair=True)
        place = list(store.plan(1).cohorts).index(path.name[:16])
        commit_cohort(store, place, tables=tables_of(store, place))
        return store.committed_cohorts()

    return action


ACTIONS = [commit_third, plan_and_commit, compact_all, repair_and_redo]


def test_no_state_that_a_power_loss_leaves_is_wrong(half_done, memory_path):
    states = 0
    for number, action in enumerate(ACTIONS):
        root = shutil.copytree(half_done.path, memory_path / f"store{number}")
        damaged = damaged_in(root).name if action is repair_and_redo else ""
        found = lose_power(root, memory_path, action(root), seed=SEED, damaged=damaged)
        assert found.bad == 0, f"{action.__name__}: {found.first}"
        states += found.states
    assert states >= 500


@pytest.mark.parametrize(
    ("fs", "controls"),
    [(ModelledFS, {"sync_data": False}), (ModelledFS, {"sync_names": False}), (EntryFirst, {})],
    ids=["data not forced to disk", "names not forced to disk", "entry before its data"],
)
def test_a_store_that_forces_less_to_disk_is_caught(half_done, memory_path, fs, controls):
    found = lose_power(
        *(half_done.path, memory_path, commit_third(half_done.path)),
        **{"seed": SEED, "fs": fs, "until_bad": True, **controls},
    )
    assert found.bad > 0
