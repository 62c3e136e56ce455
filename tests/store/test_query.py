import time

import pytest

from gridsweep.store import QueryError, Store, StoreDamaged
from tests.store.synthetic import commit_cohort, hex_id, plan_document


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A store with three committed cohorts; only read."""
    store = Store.create(tmp_path_factory.mktemp("query") / "store")
    store.add_plan(plan_document())
    store.add_plan(plan_document("again", cohorts=1) | {"cohorts": [], "members": [hex_id("width", 0, 0)]})
    for number in range(3):
        commit_cohort(store, number)
    return store


def test_every_table_and_the_members_of_sweeps_can_be_asked(filled):
    rows = {
        name: filled.sql(f"SELECT count(*) AS n FROM {name}").to_pylist()[0]["n"]
        for name in ("runs", "evaluations", "units", "history", "rate_maps", "weights", "members")
    }
    assert rows == {
        "runs": 6, "evaluations": 6, "units": 24, "history": 12, "rate_maps": 6, "weights": 0, "members": 7,
    }  # fmt: skip


def test_a_run_of_two_sweeps_is_one_row_and_a_member_of_both(filled):
    found = filled.sql(
        'SELECT sweep, plan, "target.kind" FROM members JOIN runs USING (run_id) ORDER BY plan'
    )
    assert found.num_rows == 7
    assert found.to_pylist()[-1]["sweep"] == "again"


def test_common_table_expressions_and_listing_work(filled):
    assert filled.sql("WITH a AS (FROM units) SELECT count(*) FROM a").num_rows == 1
    assert "units" in filled.sql("SHOW TABLES")["name"].to_pylist()
    assert "target.kind" in filled.sql("DESCRIBE runs")["column_name"].to_pylist()


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("INSERT INTO runs VALUES (1)", "found INSERT, expected a SELECT"),
        ("UPDATE runs SET loss = 0", "found UPDATE, expected a SELECT"),
        ("DELETE FROM runs", "found DELETE, expected a SELECT"),
        ("DROP VIEW runs", "found DROP, expected a SELECT"),
        ("CREATE TABLE a AS FROM runs", "found CREATE, expected a SELECT"),
        ("COPY runs TO '/tmp/stolen.csv'", "found COPY, expected a SELECT"),
        ("EXPORT DATABASE '/tmp/stolen'", "found EXPORT, expected a SELECT"),
        ("ATTACH '/tmp/a.db'", "found ATTACH, expected a SELECT"),
        ("PRAGMA database_list", "found PRAGMA, expected a SELECT"),
        ("SET lock_configuration = false", "found SET, expected a SELECT"),
        ("INSTALL httpfs", "found LOAD, expected a SELECT"),
        ("EXPLAIN SELECT 1", "found EXPLAIN, expected a SELECT"),
        ("CALL duckdb_settings()", "found CALL, expected a SELECT"),
        ("SELECT 1; SELECT 2", "found 2 statements, expected exactly one SELECT"),
        ("SELECT 1; DROP VIEW runs", "found 2 statements, expected exactly one SELECT"),
        ("", "found 0 statements, expected exactly one SELECT"),
        ("-- nothing", "found 0 statements, expected exactly one SELECT"),
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM read_csv('/etc/passwd')", "reads a file, and queries see the store's tables only"),
        ("SELECT * FROM read_parquet('/tmp/*.parquet')", "queries see the store's tables only"),
        ("SELECT * FROM read_text('/etc/passwd')", "queries see the store's tables only"),
        ("SELECT * FROM glob('/etc/*')", "queries see the store's tables only"),
        ("SELECT * FROM '/etc/passwd'", "does not exist"),
        ("SELECT * FROM filled", "does not exist"),
        ("SELECT getenv('HOME')", "getenv does not exist"),
        ("SELECT * FROM query('DROP VIEW runs')", "Expected a single SELECT statement"),
        ("WITH a AS (INSERT INTO runs VALUES (1) RETURNING *) SELECT * FROM a", "Error"),
    ],
)
def test_anything_but_one_select_of_the_stores_tables_is_refused(filled, text, rule):
    before = filled.snapshot_id()
    with pytest.raises(QueryError) as caught:
        filled.sql(text)
    assert rule in str(caught.value)
    assert filled.snapshot_id() == before


@pytest.mark.parametrize(
    "text",
    [
        "SELECT target.kind FROM runs",
        "SELECT r.target.kind FROM runs r",
        "SELECT count(*) FROM units WHERE target.kind = 'gaussian'",
        "SELECT count(*) FROM units GROUP BY Target.Kind",
    ],
)
def test_a_dotted_name_without_quotes_is_explained(filled, text):
    with pytest.raises(QueryError, match=r'names with a dot are quoted: "target.kind"'):
        filled.sql(text)


def test_the_explanation_is_not_given_for_other_mistakes(filled):
    with pytest.raises(QueryError) as caught:
        filled.sql("SELECT \"target.kind\", 'target.kind' FROM runs r WHERE r.nothing = 1")
    assert "are quoted" not in str(caught.value)


def test_a_runaway_query_is_interrupted(filled):
    begun = time.monotonic()
    with pytest.raises(QueryError, match=r"stopped after 0.3 s; ask for less, or raise the time limit"):
        filled.sql("SELECT count(*) FROM range(1000000) a, range(1000000) b", timeout_s=0.3)
    assert time.monotonic() - begun < 10
    with pytest.raises(QueryError, match="stopped after"):
        filled.sql("SELECT * FROM range(1000000000000)", timeout_s=0.3, row_limit=None)


def test_more_rows_than_the_limit_are_an_error_and_not_a_shorter_answer(filled):
    assert filled.sql("SELECT * FROM units LIMIT 24", row_limit=24).num_rows == 24
    with pytest.raises(QueryError, match=r"more than 23 rows; aggregate, add LIMIT"):
        filled.sql("SELECT * FROM units", row_limit=23)
    with pytest.raises(QueryError, match=r"more than 100,000 rows"):
        filled.sql("SELECT * FROM range(100001)")


def test_memory_is_limited_and_nothing_is_spilled_to_disk(filled, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(QueryError, match=r"needs more than 64 MB"):
        filled.sql("SELECT list(range) FROM range(100000000)", memory_limit_mb=64)
    assert not list(tmp_path.iterdir())


def test_a_query_over_a_damaged_file_names_the_file_and_the_cohort(planned):
    commit_cohort(planned, 0)
    path = next(planned.path.glob("units/*/*.parquet"))
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreDamaged, match=rf"{path.name}: (?s:.)*cohort {path.name[:16]}, 2 runs"):
        Store.open(planned.path).sql("SELECT * FROM units")


def test_a_query_of_an_empty_store_has_no_rows(store):
    assert store.sql("SELECT * FROM units").num_rows == 0
    assert store.sql("SELECT * FROM members").num_rows == 0
    assert store.runs().empty


def test_a_working_folder_that_is_gone_is_said_and_not_died_of(filled, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(QueryError, match="works in is gone"):
        filled.sql("SELECT 1")
