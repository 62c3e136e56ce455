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
    old = pa.table({"update": [1]}).replace_schema_metadata({b"results_schema.table": b"history"})
    assert upgrade_function(old, -1).to_pydict() == {"update": [1], "a": ["history"], "b": ["history"]}


def test_the_version_is_read_from_a_schema():
    assert version_of(schema("weights")) == VERSION
