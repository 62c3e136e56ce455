"""A compaction holds the same rows in few sorted files, and is dropped the moment it is not right."""

import contextlib
import shutil

import numpy as np
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsweep.store import Store, StoreDamaged
from gridsweep.store.compact import COMPACTED, _groups, compact
from gridsweep.store.parquet import read_bytes
from gridsweep.store.verify import verify
from tests.store.faulty_fs import CHANGING, Died, FaultyFS
from tests.store.synthetic import cohort_tables, commit_cohort, plan_document, rows_of

COUNT = 'SELECT "target.kind", bins, count(*) AS n, round(sum(grid_score_60), 9) AS s FROM units GROUP BY ALL ORDER BY ALL'


@pytest.fixture
def filled(store):
    store.add_plan(plan_document(cohorts=5, runs=3))
    for number in range(5):
        commit_cohort(store, number, bins=(4, 8))
    return store


@pytest.mark.parametrize("rows_per_file", [10, 2_000_000], ids=["many files", "one file"])
def test_every_table_reads_the_same_before_and_after(filled, rows_per_file):
    before = {table: rows_of(filled, table) for table in COMPACTED}
    done = compact(filled, rows_per_file=rows_per_file)
    assert done is not None
    assert done.cohorts == 5
    store = Store.open(filled.path)
    for table, rows in before.items():
        assert rows_of(store, table).equals(rows), table
    assert len(list(filled.path.glob("compacted/units/*.parquet"))) == (15 if rows_per_file == 10 else 1)
    assert verify(store).findings == ()


def test_the_compacted_files_and_not_the_cohorts_own_are_read(filled):
    compact(filled)
    for table in COMPACTED:
        for path in filled.path.glob(f"{table}/*/*.parquet"):
            path.unlink()
    store = Store.open(filled.path)
    assert store.table("units").num_rows == 5 * 3 * 2 * 4
    assert len(store.runs()) == 15
    assert not verify(store).ok, "the record is in the cohorts' own files all the same"


def test_units_are_sorted_by_settings_then_evaluation_and_size_of_map(filled):
    compact(filled)
    rows = read_bytes(next(filled.path.glob("compacted/units/*.parquet")).read_bytes()).to_pylist()
    keys = [(row["target.kind"], row["target.field_width_m"], row["bins"]) for row in rows]
    assert keys == sorted(keys)


def test_a_row_group_holds_one_setting_where_that_has_enough_rows(filled, monkeypatch):
    monkeypatch.setattr("gridsweep.store.compact._FEWEST_PER_GROUP", 1)
    compact(filled)
    rows = filled.table("runs").select(["target.kind", "target.field_width_m"]).to_pylist()
    settings = {(row["target.kind"], row["target.field_width_m"]) for row in rows}
    units = filled.datasets.get("units")
    assert len(settings) > 2
    for kind, width_m in settings:
        asked = (pc.field("target.kind") == kind) & (pc.field("target.field_width_m") == width_m)
        read = units.near(asked).to_table(columns=["unit"])
        assert read.num_rows == units.to_table(columns=["unit"], filter=asked).num_rows > 0


@given(
    rows=st.lists(st.integers(1, 90), min_size=1, max_size=12),
    fewest=st.integers(1, 40),
    more=st.integers(0, 60),
)
def test_row_groups_end_where_settings_do(rows, fewest, more):
    most = fewest + more
    settings = np.repeat(np.arange(len(rows)), rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gridsweep.store.compact._FEWEST_PER_GROUP", fewest)
        patch.setattr("gridsweep.store.compact._ROWS_PER_GROUP", most)
        groups = _groups(settings)
    assert sum(groups) == sum(rows)
    assert max(groups) <= most
    assert min(groups) > 0
    ends = set(np.cumsum(groups).tolist())
    whole = 0
    for of_setting, end in zip(rows, np.cumsum(rows).tolist(), strict=True):
        whole += of_setting
        if whole >= fewest:
            assert end in ends, "a setting of enough rows shares no row group with the next"
            whole = 0


def test_what_is_committed_later_is_read_from_its_own_files_beside_the_compaction(filled):
    number = filled.add_plan(plan_document("second", cohorts=1))
    compact(filled)
    commit_cohort(filled, 0, plan=number)
    assert len(filled.runs()) == 17
    assert filled.sql("SELECT count(*) AS n FROM runs").to_pylist() == [{"n": 17}]
    again = compact(filled)
    assert again is not None
    assert again.number == 2
    assert compact(filled) is None, "nothing new"
    assert len(Store.open(filled.path).runs()) == 17


def test_a_compaction_of_a_revoked_cohort_is_not_used(filled):
    right = filled.sql(COUNT).to_pylist()
    compact(filled)
    path = sorted(filled.path.glob("units/*/*.parquet"))[0]
    path.write_bytes(path.read_bytes()[:-1])
    verify(Store.open(filled.path), repair=True)
    store = Store.open(filled.path)
    assert len(store.runs()) == 12
    commit_cohort(store, list(store.plan(1).cohorts).index(path.name[:16]), bins=(4, 8))
    assert store.sql(COUNT).to_pylist() == right


def test_a_damaged_compaction_is_named_and_set_aside_and_nothing_is_lost(filled):
    right = rows_of(filled, "units")
    compact(filled)
    path = next(filled.path.glob("compacted/units/*.parquet"))
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreDamaged, match=rf"{path.name}: its end is not what was written"):
        Store.open(filled.path).units()
    report = verify(Store.open(filled.path), repair=True)
    assert report.counts == {"compaction": 1, "copy": 4}
    assert report.redo == {}
    store = Store.open(filled.path)
    assert rows_of(store, "units").equals(right)
    assert compact(store) is not None
    assert rows_of(Store.open(filled.path), "units").equals(right)


def test_a_torn_entry_of_a_compaction_is_passed_over_and_named(filled):
    compact(filled)
    path = filled.layout.compaction(1)
    path.write_bytes(path.read_bytes()[:40])
    store = Store.open(filled.path)
    assert len(store.runs()) == 15
    assert verify(store).counts["compaction"] == 1


def test_a_compaction_that_ends_after_any_step_changes_no_answer(memory_path):
    filled = Store.create(memory_path / "store")
    filled.add_plan(plan_document(cohorts=2))
    for number in range(2):
        commit_cohort(filled, number)
    right = filled.sql(COUNT).to_pylist()
    for at in range(1, 80):
        path = shutil.copytree(filled.path, memory_path / f"store{at}")
        fs = FaultyFS(at, "die torn", counted=CHANGING)
        with contextlib.suppress(Died):
            compact(Store.open(path, fs=fs))
        store = Store.open(path)
        assert store.sql(COUNT).to_pylist() == right, f"call {at}"
        assert verify(store).ok, f"call {at}"
        if fs.calls < at:
            return
    pytest.fail("compacting should take fewer calls")


def test_failed_rows_that_a_retry_replaced_are_not_in_the_answer(store):
    store.add_plan(plan_document(cohorts=1, runs=2))
    (run_ids,) = store.plan(1).cohorts.values()
    tables = cohort_tables(list(run_ids))
    failed = tables["runs"] | {
        "status": ["failed"] * 2, "reason": ["oom"] * 2,
        **{name: [None] * 2 for name in ("evaluation", "position_error_cm", "loss", "penalty")},
    }  # fmt: skip
    commit_cohort(store, 0, tables={"runs": failed})
    compact(store)
    retry = {"sweep": "width", "spec": {}, "cohorts": [{"cohort_id": "f" * 16, "runs": list(run_ids)}]}
    commit_cohort(store, 0, plan=store.add_plan(retry))
    assert set(store.runs()["status"]) == {"completed"}
    compact(store)
    assert set(Store.open(store.path).runs()["status"]) == {"completed"}
    assert len(Store.open(store.path).runs()) == 2
