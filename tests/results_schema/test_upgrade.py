import pyarrow as pa
import pytest

from results_schema import VERSION, NewerVersion, schema, upgrade, version_of
from results_schema import upgrade as upgrade_function
from results_schema.upgrade import STEPS


def test_a_table_of_this_version_passes_unchanged():
    table = schema("history").empty_table()
    assert upgrade(table, VERSION) is table


def test_a_newer_version_is_refused_with_both_numbers_and_what_to_do():
    with pytest.raises(NewerVersion, match=r"newer version 7, this reads up to \d+: upgrade gridsweep"):
        upgrade(schema("runs").empty_table(), 7)


def test_an_older_table_passes_through_every_step_between(monkeypatch):
    monkeypatch.setitem(STEPS, -1, lambda name, table: table.append_column("a", pa.array([name])))
    monkeypatch.setitem(STEPS, 0, lambda _, table: table.append_column("b", table["a"]))
    old = schema("history").empty_table()
    old = pa.concat_tables(
        [old, pa.table({"run_id": ["0" * 16], "update": [1]}).cast(old.select([0, 1]).schema)],
        promote_options="default",
    )
    found = upgrade_function(old.replace_schema_metadata({b"results_schema.table": b"history"}), -1)
    assert found.select(["update", "a", "b"]).to_pydict() == {
        "update": [1],
        "a": ["history"],
        "b": ["history"],
    }


def test_a_column_that_did_not_exist_yet_is_null_and_one_that_is_never_null_is_missed_aloud():
    whole = schema("history").empty_table()
    assert upgrade(whole.drop_columns(["penalty"]), 1).schema.field("penalty").type == pa.float32()
    with pytest.raises(KeyError, match=r"history.update: version 1 has none, and it is never NULL"):
        upgrade(whole.drop_columns(["update"]), 1)


def test_the_version_is_read_from_a_schema():
    assert version_of(schema("weights")) == VERSION
