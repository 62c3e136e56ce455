import errno
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridsweep.store import Outcome, Store, StoreError, StoreWarning
from gridsweep.store.fs import FS
from results_schema import VERSION
from tests.store.checker import check_store
from tests.store.synthetic import cohort_tables, commit_cohort, hex_id, plan_document


def run_ids(store, number=0):
    return list(list(store.plan(1).cohorts.values())[number])


def tables_with(store, number=0, table="runs", **columns):
    tables = cohort_tables(run_ids(store, number), seed=number)
    tables[table] |= columns
    return tables


def test_a_commit_is_read_back_and_a_second_one_changes_nothing(planned):
    assert commit_cohort(planned, 0) == Outcome.COMMITTED
    before = planned.snapshot_id()
    again = commit_cohort(planned, 0)
    assert again == Outcome.ALREADY
    assert not again.scores_differ
    assert planned.snapshot_id() == before
    assert planned.table("units").num_rows == 8
    check_store(planned.path)


def test_a_lost_race_with_other_scores_raises_the_determinism_alarm(planned):
    commit_cohort(planned, 0)
    outcome = commit_cohort(planned, 0, tables=cohort_tables(run_ids(planned), seed=2))
    assert outcome == Outcome.ALREADY
    assert outcome.scores_differ
    assert outcome.difference.same_conditions
    assert "units.grid_score_60 in 8 rows" in str(outcome.difference)
    assert planned.table("units")["grid_score_60"].to_pylist() == pytest.approx(
        cohort_tables(run_ids(planned), seed=0)["units"]["grid_score_60"].tolist(), abs=0
    )


def test_a_lost_race_against_a_damaged_file_is_already_committed_with_a_warning(planned):
    commit_cohort(planned, 0)
    next(planned.path.glob("units/*/*.parquet")).unlink()
    with pytest.warns(StoreWarning, match="is committed, but cannot be compared"):
        assert commit_cohort(planned, 0) == Outcome.ALREADY


def test_every_number_comes_back_with_the_type_of_the_contract(planned):
    commit_cohort(planned, 0, diverged=run_ids(planned)[1:])
    given_tables = cohort_tables(run_ids(planned), seed=0, diverged=run_ids(planned)[1:])
    runs = planned.table("runs")
    assert runs["position_error_cm"].type == pa.float32()
    expected = np.float32(given_tables["runs"]["position_error_cm"][0])
    assert runs["position_error_cm"].to_pylist() == [expected, None]
    assert runs["status"].to_pylist() == ["completed", "diverged"]
    units = planned.table("units")
    assert units["grid_score_60"].to_pylist() == given_tables["units"]["grid_score_60"].tolist()
    maps = np.array(planned.table("rate_maps")["map"].to_pylist())
    np.testing.assert_array_equal(maps, given_tables["rate_maps"]["map"].astype(np.float32))


def test_units_repeat_the_configuration_of_their_run(planned):
    commit_cohort(planned, 0)
    units = planned.units()
    runs = planned.runs().set_index("run_id")
    for column in ("target.kind", "target.field_width_m", "network.units", "seed"):
        assert units[column].tolist() == runs.loc[units["run_id"], column].tolist()
    assert units["target.surround_ratio"].isna().all()


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        ("runs", {"position_error_cm": [3.0, np.nan]}, "runs.position_error_cm: is NaN or infinite in 1"),
        ("runs", {"position_error_cm": [3.0, 401.0]}, "found 401, expected at most 400 cm"),
        ("runs", {"position_error_cm": [-1.0, 3.0]}, "found -1, expected at least 0 cm"),
        ("runs", {"loss": [1e300, 1.0]}, "runs.loss: is NaN or infinite in 1 of 2"),
        ("units", {"grid_score_60": [11.0] * 8}, "units.grid_score_60: found 11, expected at most 10"),
        ("runs", {"scroe": [1, 2]}, "runs.scroe: is not a column of this table"),
        ("runs", {"status": ["completed", "done"]}, "found 'done', expected completed, diverged, failed"),
        ("runs", {"status": ["completed", "failed"]}, "nothing says why"),
        ("runs", {"lane": ["0", "1"]}, "runs.lane: found text, expected whole numbers"),
        ("runs", {"lane": [0.5, 1.0]}, "runs.lane: does not fit int16"),
        ("runs", {"lane": [0, 70_000]}, "runs.lane: does not fit int16"),
        ("runs", {"lane": [True, False]}, "runs.lane: found true or false, expected whole numbers"),
        ("runs", {"lane": [0, None]}, "runs.lane: is NULL in 1 of 2 rows"),
        ("runs", {"seed": [0, 2**32]}, "runs.seed: found 4.29497e+09, expected at most 4294967295"),
        ("runs", {"lane": [0, 1, 2]}, "runs: most columns have 2 rows, lane has 3"),
        ("runs", {"run_id": ["00000000", "11111111"]}, "not in the plan's cohort"),
        ("runs", {"cohort_id": ["00000000"] * 2}, "runs.cohort_id: is not what the runs table or"),
        ("runs", {"target.kind": ["gaussian", 3]}, 'runs.target.kind: holds whole numbers and text'),
        ("runs", {"target.field_width_m": [0.1, 1]}, "holds numbers and whole numbers, one type is needed"),
        ("runs", {"target.field_width_m": [0.1, np.inf]}, "runs.target.field_width_m: is NaN or infinite"),
        ("runs", {"target.widths": [[1], [2]]}, "found list, expected true or false, a number, text or None"),
        ("units", {"unit": [0] * 8}, "units: 6 rows repeat the run_id, evaluation, bins, unit of another"),
        ("units", {"target.kind": ["polar"] * 8}, "units.target.kind: is not what the runs table"),
        ("units", {"network.size": [1] * 8}, "units.network.size: is not a column of this table"),
        ("evaluations", {"run_id": ["00000000", "11111111"]}, "evaluations.run_id: 00000000 not in the runs"),
        ("rate_maps", {"map": [[1.0], [2.0]]}, "rate_maps.map: 2 maps are not bins x bins long"),
        ("rate_maps", {"map": np.full((2, 16), np.inf)}, "rate_maps.map: is NaN or infinite in 32 of 32"),
        ("runs", {"lane": 3}, "runs.lane: is no column"),
        ("weights", {"run_id": 3}, "weights.run_id: is no column"),
        ("scores", {"run_id": []}, "there is no table 'scores'"),
    ],
)  # fmt: skip
def test_a_column_that_is_not_what_the_contract_asks_is_refused(planned, table, columns, message):
    tables = cohort_tables(run_ids(planned))
    tables[table] = tables.get(table, {}) | columns
    with pytest.raises(StoreError) as caught:
        commit_cohort(planned, 0, tables=tables)
    assert message in str(caught.value)
    assert planned.committed_cohorts() == set()
    assert not list(planned.path.glob("*/*/*.parquet"))


def test_all_that_is_wrong_is_reported_at_once(planned):
    tables = tables_with(planned, lane=["a", "b"], loss=[np.nan, 1.0])
    del tables["runs"]["seed"]
    with pytest.raises(StoreError, match=r"3 problems(?s:.)*lane(?s:.)*loss(?s:.)*runs.seed: is missing"):
        commit_cohort(planned, 0, tables=tables)


def test_a_run_that_did_not_complete_has_no_scores(planned):
    diverged = run_ids(planned)[0]
    tables = cohort_tables(run_ids(planned), diverged=[diverged])
    tables["runs"]["loss"] = [2.0, 3.0]
    with pytest.raises(StoreError, match=rf"runs.loss: run {diverged} diverged, found 2, expected NULL"):
        commit_cohort(planned, 0, tables=tables)
    tables = cohort_tables(run_ids(planned))
    tables["runs"] |= {"status": ["completed", "failed"], "reason": [None, "oom"], "message": [None, "x"]}
    tables["runs"] |= {name: [1.0, None] for name in ("position_error_cm", "loss", "penalty")}
    with pytest.raises(StoreError, match=r"units: has rows of run \w+, which failed"):
        commit_cohort(planned, 0, tables=tables)


def test_the_runs_are_those_of_the_plan(planned):
    with pytest.raises(StoreError, match=r"plan 1 of width has no such cohort"):
        commit_as(planned, cohort_id="00000000")
    with pytest.raises(StoreError, match=r"plan 1 is for width, found depth"):
        commit_as(planned, sweep="depth")
    with pytest.raises(StoreError, match=r"plan 2: the store has plans 1 to 1"):
        commit_as(planned, plan=2)
    with pytest.raises(StoreError, match=r"cohort_id: found '../x', expected 8 to 64"):
        commit_as(planned, cohort_id="../x")
    tables = cohort_tables(run_ids(planned)[:1])
    with pytest.raises(StoreError, match=r"the plan has \w+, which are not here"):
        commit_as(planned, tables=tables)


def commit_as(store, **changes):
    from gridsweep.store.commit import commit

    arguments = {
        "cohort_id": next(iter(store.plan(1).cohorts)),
        "sweep": "width",
        "plan": 1,
        "tables": cohort_tables(run_ids(store)),
        "provenance": {},
    }
    return commit(store, **(arguments | changes))


def test_provenance_that_json_cannot_hold_is_refused(planned):
    with pytest.raises(StoreError, match=r"provenance: not JSON"):
        commit_as(planned, provenance={"array": np.zeros(2)})
    with pytest.raises(StoreError, match=r"provenance"):
        commit_as(planned, provenance={"rate": float("nan")})


def test_a_configuration_column_keeps_its_type_over_all_cohorts(planned):
    commit_cohort(planned, 0)
    tables = tables_with(planned, 1, **{"target.kind": [True, False]})
    tables["units"] = {}
    with pytest.raises(StoreError, match=r'runs."target.kind": found bool, but it is string in cohort'):
        commit_cohort(planned, 1, tables=tables)


def test_a_run_that_another_cohort_committed_is_refused(planned):
    commit_cohort(planned, 0)
    first = run_ids(planned)[0]
    document = plan_document("other", cohorts=1) | {
        "cohorts": [{"cohort_id": hex_id("regrouped"), "runs": [first]}]
    }
    number = planned.add_plan(document)
    with pytest.raises(StoreError, match=rf"run {first} is committed by cohort"):
        commit_cohort(planned, 0, plan=number, tables=cohort_tables([first]))


def test_error_messages_are_cut_and_stripped_of_control_characters(planned):
    nasty = "died\n\x1b[31mred\x00\u202e " + "x" * 600
    failed = {"status": ["failed"] * 2, "reason": ["internal"] * 2, "message": [nasty, None]}
    scores = {name: [None, None] for name in ("position_error_cm", "loss", "penalty")}
    tables = {"runs": cohort_tables(run_ids(planned))["runs"] | failed | scores}
    commit_cohort(planned, 0, tables=tables)
    message = planned.runs()["message"][0]
    assert message.startswith("died [31mred xxx")
    assert len(message) == 500
    assert message.isprintable()


def test_a_file_says_version_table_units_and_meanings_and_has_checksums(planned):
    commit_cohort(planned, 0)
    path = next(planned.path.glob("runs/width/*.parquet"))
    assert pq.read_schema(path).metadata[b"results_schema.version"] == str(VERSION).encode()
    metadata = pq.read_metadata(path)
    assert json.loads(metadata.metadata[b"results_schema.columns"])["train_s"]["unit"] == "s"
    assert metadata.row_group(0).column(0).compression == "ZSTD"


def test_empty_tables_leave_no_file(planned):
    tables = tables_with(planned)
    tables |= {"weights": {}, "rate_maps": {"run_id": [], "map": []}}
    commit_cohort(planned, 0, tables=tables)
    assert not list(planned.path.glob("weights/*/*"))
    assert not list(planned.path.glob("rate_maps/*/*"))
    assert planned.rate_maps().empty


def test_weights_come_back_with_their_shapes(planned):
    kernel = np.arange(6, dtype=np.float32).reshape(2, 3)
    first = run_ids(planned)[0]
    weights = {"run_id": [first], "name": ["recurrent.kernel"], "shape": [[2, 3]], "values": [kernel.ravel()]}
    commit_cohort(planned, 0, tables=cohort_tables(run_ids(planned)) | {"weights": weights})
    row = planned.table("weights").to_pylist()[0]
    np.testing.assert_array_equal(np.reshape(row["values"], row["shape"]), kernel)
    weights["shape"] = [[7]]
    with pytest.raises(StoreError, match=r"weights.values: recurrent.kernel has 6 values for shape \[7\]"):
        commit_cohort(planned, 1, tables=cohort_tables(run_ids(planned, 1)) | {"weights": weights})


def test_everything_is_on_disk_before_the_entry_that_names_it(planned):
    calls = []

    class Recording(FS):
        def link(self, source, target):
            calls.append(("link", target))
            return super().link(source, target)

        def fsync_dir(self, path):
            calls.append(("fsync_dir", path))
            return super().fsync_dir(path)

    commit_cohort(Store.open(planned.path, fs=Recording()), 0)
    ledger = planned.layout.ledger
    entry = next(
        place for place, (name, path) in enumerate(calls) if path.parent == ledger and name == "link"
    )
    for place, (name, path) in enumerate(calls):
        if name == "link":
            assert ("fsync_dir", path.parent) in calls[place:], "a name is forced to disk after it is made"
        if name == "link" and path.suffix == ".parquet":
            assert ("fsync_dir", path.parent) in calls[place:entry], "and before the entry is"
    assert calls[-1] == ("fsync_dir", ledger)


def test_a_full_disk_keeps_its_errno_and_a_retry_commits(planned):
    class Full(FS):
        def write_new(self, path, data):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with pytest.raises(StoreError, match=r"commit of cohort \w+: No space left on device") as caught:
        commit_cohort(Store.open(planned.path, fs=Full()), 0)
    assert caught.value.errno == errno.ENOSPC
    assert commit_cohort(planned, 0) == Outcome.COMMITTED


scores = st.one_of(st.none(), st.floats(0, 400, width=32))
settings_ = st.one_of(
    st.lists(st.none() | st.booleans(), min_size=2, max_size=2),
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=2),
    st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2),
    st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=8), min_size=2, max_size=2),
)
names = st.from_regex(r"[a-z]{1,6}(\.[a-z_]{1,8}){1,2}", fullmatch=True).filter(
    lambda name: not name.startswith(("target", "network", "system"))
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    errors=st.lists(scores, min_size=2, max_size=2),
    config=st.lists(st.dictionaries(names, settings_, max_size=4), min_size=2, max_size=2),
)
def test_tables_in_are_tables_out_and_configuration_is_the_union(tmp_path_factory, errors, config):
    store = Store.create(tmp_path_factory.mktemp("round") / "store")
    store.add_plan(plan_document())
    committed = {}
    for number, columns in enumerate(config):
        runs = tables_with(store, number, position_error_cm=errors, **columns)["runs"]
        try:
            commit_cohort(store, number, tables={"runs": runs})
        except StoreError as error:
            # Two cohorts may disagree about a type, and nothing else may be refused.
            if number == 0 or "but it is" not in str(error):
                raise
            continue
        committed |= {run: {name: values[lane] for name, values in columns.items()} | {"error": errors[lane]}
                      for lane, run in enumerate(run_ids(store, number))}  # fmt: skip
    found = {row["run_id"]: row for row in store.table("runs").to_pylist()}
    union = {name for row in committed.values() for name in row} - {"error"}
    for run_id, row in committed.items():
        assert found[run_id]["position_error_cm"] == row["error"]
        for name in union & set(store.table("runs").column_names):
            right = row.get(name)
            assert found[run_id][name] == right
            assert type(found[run_id][name]) is type(right)
    columns_with_values = {
        name for row in committed.values() for name, value in row.items() if value is not None
    } - {"error"}
    assert columns_with_values <= set(store.table("runs").column_names)
