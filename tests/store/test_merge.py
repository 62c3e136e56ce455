"""Results come home: every run once, every byte checked, and nothing changes the second time."""

import pytest

from gridsweep.store import Store, StoreError
from gridsweep.store.merge import merge
from gridsweep.store.sealed import unseal
from gridsweep.store.verify import verify
from tests.store.checker import check_store
from tests.store.synthetic import cohort_tables, commit_cohort, hex_id, plan_document


@pytest.fixture
def home(tmp_path):
    return Store.create(tmp_path / "home")


def away(tmp_path, name, numbers, document=None):
    """A store in which some cohorts of a plan are committed."""
    store = Store.create(tmp_path / name)
    store.add_plan(document or plan_document())
    for number in numbers:
        commit_cohort(store, number)
    return store


def test_two_stores_that_share_a_cohort_come_home_with_each_run_once(home, tmp_path):
    home.add_plan(plan_document("before"))
    first, second = away(tmp_path, "a", [0, 1]), away(tmp_path, "b", [1, 2])
    one, two = merge(first, home), merge(second, home)
    assert (one.cohorts, one.runs, one.already) == (2, 4, 0)
    assert (two.cohorts, two.runs, two.already) == (1, 2, 2)
    assert len(check_store(home.path)) == 3
    assert home.status_counts()["width"]["completed"] == 6
    assert verify(Store.open(home.path)).findings == ()
    assert two.differences == {}
    entry = next(home.layout.ledger.iterdir())
    assert unseal(entry.read_bytes())["provenance"]["merged_from"] in (first.store_id, second.store_id)


def test_merging_again_changes_nothing(home, tmp_path):
    source = away(tmp_path, "a", [0, 1, 2])
    merge(source, home)
    before = {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file()}
    done = merge(source, home)
    assert (done.cohorts, done.runs, done.already) == (0, 0, 6)
    assert {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file()} == before


def test_a_cohort_of_which_some_runs_are_here_is_taken_apart(home, tmp_path):
    source = away(tmp_path, "a", [0])
    run_ids = list(next(iter(source.plan(1).cohorts.values())))
    other = {"cohort_id": hex_id("other"), "runs": run_ids[:1]}
    home.add_plan(plan_document() | {"spec": {"other": True}, "cohorts": [other]})
    commit_cohort(home, 0, tables=cohort_tables(run_ids[:1]))
    done = merge(source, home)
    assert (done.cohorts, done.taken_apart, done.runs, done.already) == (0, 1, 1, 1)
    assert sorted(home.runs()["run_id"]) == sorted(run_ids)
    right = source.table("units", where=f"run_id = '{run_ids[1]}'").drop_columns(["run_id"])
    assert home.table("units", where=f"run_id = '{run_ids[1]}'").drop_columns(["run_id"]).equals(right)
    assert verify(Store.open(home.path)).findings == ()
    assert merge(source, home).runs == 0


def test_a_run_that_failed_here_and_completed_there_is_brought_home(home, tmp_path):
    source = away(tmp_path, "a", [0])
    home.add_plan(plan_document())
    (run_ids, *_) = home.plan(1).cohorts.values()
    tables = cohort_tables(list(run_ids))["runs"] | {
        "status": ["failed"] * 2, "reason": ["oom"] * 2,
        **{name: [None] * 2 for name in ("evaluation", "position_error_cm", "loss", "penalty")},
    }  # fmt: skip
    commit_cohort(home, 0, tables={"runs": tables})
    assert merge(source, home).runs == 2
    assert home.status_counts()["width"]["completed"] == 2
    assert set(home.runs()["status"]) == {"completed"}
    assert merge(home, source).runs == 0, "and a failed row never replaces a completed one"


def test_damage_there_is_named_and_left_and_the_rest_comes_home(home, tmp_path):
    source = away(tmp_path, "a", [0, 1, 2])
    path = sorted(source.path.glob("units/*/*.parquet"))[0]
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    done = merge(source, home)
    assert done.cohorts == 2
    (line,) = done.damaged
    assert path.name in line
    assert len(home.runs()) == 4
    assert verify(Store.open(home.path)).ok


def test_scores_that_the_stores_disagree_about_are_reported_and_those_here_stay(home, tmp_path):
    source = away(tmp_path, "a", [0])
    home.add_plan(plan_document())
    (run_ids, *_) = home.plan(1).cohorts.values()
    commit_cohort(home, 0, tables=cohort_tables(list(run_ids), seed=9))
    before = home.table("units")
    done = merge(source, home)
    assert list(done.differences) == list(home.committed_cohorts())
    assert Store.open(home.path).table("units").equals(before)


def test_a_store_is_not_merged_into_itself(home):
    with pytest.raises(StoreError, match="is the store to merge into"):
        merge(Store.open(home.path), home)
