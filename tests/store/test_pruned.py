"""A dataset that skips row groups gives the rows that one without any cleverness gives, and reads fewer."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from gridsweep.store import QueryError, Store, StoreDamaged, StoreError
from gridsweep.store.compact import compact
from tests.store.synthetic import commit_cohort, plan_document

FILTERS = {
    "a word": pc.field("target.kind") == "gaussian",
    "another word": pc.field("target.kind") != "gaussian",
    "no such word": pc.field("target.kind") == "nothing",
    "one of words": pc.field("target.kind").isin(["gaussian", "nothing"]),
    "a number": pc.field("target.field_width_m") > 0.11,
    "both": (pc.field("target.kind") == "gaussian") & (pc.field("bins") == 8) & ~pc.field("silent"),
    "either": (pc.field("target.kind") == "gaussian") | (pc.field("grid_score_60") > 0.5),
    "missing": pc.field("target.surround_ratio").is_null(),
    "not missing": pc.field("target.surround_ratio").is_valid(),
    "not": ~(pc.field("target.kind") == "gaussian"),
}


@pytest.fixture(scope="module", params=["cohorts", "compacted"])
def store(request, tmp_path_factory):
    made = Store.create(tmp_path_factory.mktemp("pruned") / "store")
    made.add_plan(plan_document(cohorts=5, runs=3))
    for number in range(5):
        commit_cohort(made, number, bins=(4, 8))
    if request.param == "compacted":
        compact(made, rows_per_file=30)
    return Store.open(made.path)


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_gives_what_it_gives_on_the_whole_table(store, name):
    dataset = store.datasets.get("units")
    whole = dataset.to_table()
    plain = pa.table({column: whole[column] for column in whole.column_names}, schema=dataset.schema)
    found = dataset.to_table(filter=FILTERS[name])
    assert found.to_pylist() == plain.filter(FILTERS[name]).to_pylist()
    assert dataset.count_rows(filter=FILTERS[name]) == found.num_rows


def test_parts_of_other_settings_are_not_read_and_words_come_as_dictionaries(store):
    dataset = store.datasets.get("units")
    near = dataset.near(FILTERS["a word"])
    assert 0 < near.count_rows() < dataset.count_rows()
    assert set(near.to_table()["target.kind"].to_pylist()) <= {"gaussian", "difference_of_softmaxes"}
    assert dataset.near(FILTERS["no such word"]).count_rows() == 0
    assert pa.types.is_dictionary(dataset.to_table(columns=["run_id"]).schema.field("run_id").type)


def test_a_scan_gives_every_row_near_what_was_asked_for(store):
    every = store.table("units", ["run_id", "unit", "bins", "target.kind"]).to_pylist()
    columns = ["run_id", "unit", "bins", "target.kind"]
    assert pa.Table.from_batches(store.scan("units", columns)).to_pylist() == every
    near = pa.Table.from_batches(store.scan("units", columns, {"target.kind": ["gaussian"], "bins": [4, 8]}))
    wanted = [row for row in every if row["target.kind"] == "gaussian"]
    assert [row for row in near.to_pylist() if row["target.kind"] == "gaussian"] == wanted
    assert near.num_rows < len(every)
    null = store.scan("units", ["unit"], {"target.surround_ratio": [None, 2.0]})
    assert sum(batch.num_rows for batch in null) == len(every)
    none = store.scan("units", ["unit"], {"target.surround_ratio": [2.0]})
    assert sum(batch.num_rows for batch in none) == 0


def test_a_scan_names_what_it_does_not_know_and_what_is_damaged(tmp_path):
    store = Store.create(tmp_path / "store")
    store.add_plan(plan_document())
    commit_cohort(store, 0)
    with pytest.raises(StoreError, match="has no column 'scores'"):
        list(store.scan("units", ["scores"]))
    with pytest.raises(StoreError, match="there is no table"):
        list(store.scan("unit", ["unit"]))
    path = next(store.path.glob("units/*/*.parquet"))
    data = bytearray(path.read_bytes())
    data[len(data) // 4] ^= 255
    path.write_bytes(data)
    with pytest.raises(StoreDamaged, match=path.name):
        list(store.scan("units", list(store.columns("units"))))


def test_queries_share_a_database_and_see_their_own_store_only(tmp_path):
    one, other = (Store.create(tmp_path / name) for name in ("one", "other"))
    for number, store in enumerate((one, other)):
        store.add_plan(plan_document(f"sweep-{number}"))
        for cohort in range(number + 1):
            commit_cohort(store, cohort)
    counts = [store.sql("SELECT count(*) AS n FROM runs").to_pylist()[0]["n"] for store in (one, other, one)]
    assert counts == [2, 4, 2]
    # A query has views of the tables it names; those of the queries before are gone.
    views = one.sql("SELECT view_name FROM duckdb_views() WHERE NOT internal AND view_name != 'units'")
    assert views.num_rows == 0
    with pytest.raises(QueryError):
        one.sql("SELECT * FROM read_csv('x')")
    assert one.sql("SELECT current_setting('lock_configuration') AS locked").to_pylist() == [{"locked": True}]
