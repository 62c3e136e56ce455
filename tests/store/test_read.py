import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import results_schema
from gridsweep.store import QueryError, Store, StoreDamaged, StoreError
from gridsweep.store.sealed import seal, unseal
from results_schema.upgrade import STEPS
from tests.store.synthetic import cohort_tables, commit_cohort, plan_document


@pytest.fixture
def filled(planned):
    for number in range(3):
        commit_cohort(planned, number, bins=(4, 6))
    return planned


def test_columns_and_conditions_choose_what_is_read(filled):
    units = filled.units(["run_id", "grid_score_60"], where="\"target.kind\" = 'gaussian' AND bins = 6")
    assert list(units.columns) == ["run_id", "grid_score_60"]
    gaussian = set(filled.runs(where="\"target.kind\" = 'gaussian'")["run_id"])
    assert set(units["run_id"]) == gaussian
    assert len(units) == len(gaussian) * 4


def test_a_condition_changes_neither_types_nor_order(filled):
    for name in results_schema.TABLES:
        whole = filled.table(name)
        same = filled.table(name, where="true")
        assert same.schema.equals(whole.schema, check_metadata=True), name
        if name != "rate_maps":  # whose NaN equals nothing
            assert same.to_pylist() == whole.to_pylist(), name
    maps = [np.array(filled.table("rate_maps", where=where)["map"].to_pylist()) for where in (None, "true")]
    np.testing.assert_array_equal(*maps)


def test_tables_come_with_units_and_meanings(filled):
    field = filled.table("runs").schema.field("position_error_cm")
    assert field.metadata[b"unit"] == b"cm"


def test_a_column_that_is_not_there_is_named_with_the_nearest_one(filled):
    with pytest.raises(
        StoreError, match=r"units: has no column 'grid_score_6'; did you mean 'grid_score_60'"
    ):
        filled.units(["grid_score_6"])
    with pytest.raises(StoreError, match=r"there is no table 'scores'; there are runs, evaluations, units"):
        filled.table("scores")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("target.kind = 'gaussian'", 'names with a dot are quoted: "target.kind"'),
        ("true); DROP VIEW units; --", "Error"),
        ("true) UNION SELECT 1 --", "Error"),
        ("bins =", "syntax error"),
    ],
)
def test_a_condition_is_held_to_the_rules_of_queries(filled, where, message):
    with pytest.raises(QueryError) as caught:
        filled.units(where=where)
    assert message in str(caught.value)


def test_a_comment_in_a_condition_hides_nothing(filled):
    assert len(filled.units(where="bins = 4 -- the small maps")) == 24


def test_configuration_is_the_union_over_all_cohorts_with_null_where_a_run_has_none(planned):
    for number, extra in enumerate([{"network.leak": [0.1, 0.2]}, {"losses.kind": ["mse", None]}]):
        run_ids = list(list(planned.plan(1).cohorts.values())[number])
        tables = cohort_tables(run_ids, seed=number)
        tables["runs"] |= extra
        commit_cohort(planned, number, tables=tables)
    runs = planned.runs().sort_values(["cohort_id", "lane"]).reset_index(drop=True)
    assert runs["network.leak"].dropna().tolist() == [0.1, 0.2]
    assert runs["losses.kind"].dropna().tolist() == ["mse"]
    table = planned.table("runs")
    assert table.schema.field("network.leak").type == pa.float64()
    assert table.column_names[-8:] == sorted(table.column_names[-8:])


def test_text_that_repeats_comes_to_pandas_as_categories_and_numbers_as_themselves(filled):
    units = filled.units()
    assert isinstance(units["run_id"].dtype, pd.CategoricalDtype)
    assert isinstance(units["target.kind"].dtype, pd.CategoricalDtype)
    assert units["grid_score_60"].dtype == np.float64
    by_kind = units.groupby("target.kind", observed=True)["grid_score_60"].size()
    assert by_kind.sum() == len(units)


def test_what_no_entry_names_is_never_read(filled):
    before = filled.table("units").num_rows
    path = next(filled.path.glob("units/*/*.parquet"))
    path.with_name("0" * 16 + "-00000000.parquet").write_bytes(path.read_bytes())
    path.with_name("torn.parquet").write_bytes(b"PAR1")
    assert Store.open(filled.path).table("units").num_rows == before


def test_a_pinned_store_does_not_change_while_others_commit(planned):
    commit_cohort(planned, 0)
    pinned, snapshot = planned.pinned(), planned.snapshot_id()
    commit_cohort(planned, 1)
    planned.add_plan(plan_document("other"))
    assert pinned.table("runs").num_rows == 2
    assert pinned.snapshot_id() == snapshot
    assert list(pinned.status_counts()) == ["width"]
    assert planned.table("runs").num_rows == 4
    assert planned.snapshot_id() != snapshot


def damage(path, change):
    data = bytearray(path.read_bytes())
    path.write_bytes(change(data))


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path):
    path.write_bytes(path.read_bytes() + b"x")


def flip_in_a_page(path):
    group = pq.read_metadata(path).row_group(0)
    columns = [group.column(place) for place in range(group.num_columns)]
    scores = next(column for column in columns if column.path_in_schema == "grid_score_60")
    flip(path, scores.data_page_offset + scores.total_compressed_size - 2)


def flip_in_the_footer(path):
    flip(path, path.stat().st_size - 100)


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (cut, r"has \d+ bytes, the ledger says \d+"),
        (lengthen, r"has \d+ bytes, the ledger says \d+"),
        (flip_in_a_page, r"CRC checksum verification failed"),
        (flip_in_the_footer, r"its end is not what was committed"),
    ],
)
def test_a_damaged_file_is_named_with_its_cohort_and_the_number_of_runs(filled, damage, found):
    path = sorted(filled.path.glob("units/*/*.parquet"))[1]
    damage(path)
    for read in (lambda store: store.units(), lambda store: store.units(where="grid_score_60 > 0")):
        with pytest.raises(StoreDamaged, match=found) as caught:
            read(Store.open(filled.path))
        message = str(caught.value)
        assert path.name in message
        assert f"cohort {path.name[:16]}, 2 runs; see `gridsweep verify`" in message


def test_a_missing_file_is_named_even_by_a_store_that_read_it_before(filled):
    filled.units()
    path = next(filled.path.glob("units/*/*.parquet"))
    path.unlink()
    with pytest.raises(StoreDamaged, match=f"{path.name}: is missing"):
        filled.units()
    assert len(filled.runs()) == 6, "the other tables can still be read"


@pytest.mark.parametrize("seed", range(8))
def test_a_random_flip_of_any_bit_is_reported_or_changes_no_number(filled, seed):
    path = sorted(filled.path.glob("units/*/*.parquet"))[0]
    data = path.read_bytes()
    right = filled.table("units")
    rng = np.random.default_rng(seed)
    reported = 0
    for _ in range(25):
        place, bit = rng.integers(len(data)), rng.integers(8)
        path.write_bytes(data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :])
        try:
            found = Store.open(filled.path).table("units")
        except StoreDamaged:
            reported += 1
        else:
            assert found.equals(right), f"byte {place}, bit {bit}"
    assert reported > 0


def sorted_rows(table):
    return sorted(table.to_pylist(), key=lambda row: [row[column] for column in ("run_id", "bins", "unit")])


def rewritten_as_version_0(store):
    """Makes the first cohort look as if an earlier release had committed it."""
    path = next(store.layout.ledger.iterdir())
    path.write_bytes(seal(unseal(path.read_bytes()) | {"version": 0}))
    return Store.open(store.path)


def test_files_of_an_earlier_version_are_upgraded_as_they_are_read(filled, monkeypatch):
    right = sorted_rows(filled.table("units"))
    seen = []
    monkeypatch.setitem(STEPS, 0, lambda name, table: seen.append(name) or table)
    store = rewritten_as_version_0(filled)
    assert sorted_rows(store.table("units")) == right
    assert seen == ["units"]
    assert store.sql("SELECT count(*) AS n FROM units").to_pylist() == [{"n": 48}]


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A store with two cohorts of many units, one of each target kind."""
    store = Store.create(tmp_path_factory.mktemp("wide") / "store")
    store.add_plan(plan_document(cohorts=2, runs=8))
    for number in range(2):
        commit_cohort(store, number, units=4096)
    return store


def bytes_read(action):
    def so_far():
        with open("/proc/self/io") as file:
            return int(next(line for line in file if line.startswith("rchar")).split()[1])

    before = so_far()
    action()
    return so_far() - before


@pytest.mark.skipif(sys.platform != "linux", reason="counts bytes through /proc")
def test_one_column_of_a_wide_table_reads_that_column_alone(wide):
    size = sum(entry.tables["units"].bytes for entry in wide.ledger.entries().values())
    store = Store.open(wide.path)
    store.sql("SELECT max(unit) FROM units")
    everything = bytes_read(lambda: store.table("units"))
    assert everything > 0.9 * size
    column = bytes_read(lambda: store.table("units", ["mean_rate"]))
    assert column < 0.25 * size
    assert bytes_read(lambda: store.sql("SELECT avg(mean_rate) FROM units")) < 0.25 * size


@pytest.mark.skipif(sys.platform != "linux", reason="counts bytes through /proc")
def test_a_condition_on_the_kind_reads_only_the_cohorts_of_that_kind(wide):
    store = Store.open(wide.path)
    text = "SELECT avg(grid_score_60), avg(grid_score_90) FROM units"
    store.sql(text)
    whole = bytes_read(lambda: store.sql(text))
    half = bytes_read(lambda: store.sql(f"{text} WHERE \"target.kind\" = 'gaussian'"))
    assert half < 0.65 * whole
