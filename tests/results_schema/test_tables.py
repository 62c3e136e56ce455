import json

import pyarrow as pa
import pytest

import results_schema
from results_schema import FIELDS, TABLES, columns_in_words, schema, stored_schema


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_column_says_what_it_means_and_every_key_is_a_column(table):
    for column, field in table.fields().items():
        assert field.meaning.endswith("."), column
        assert "|" not in field.meaning, f"{column}: would break the dictionary's table"
    assert set(table.key) <= set(table.columns)
    assert not any(table.fields()[column].nullable for column in table.key)


def test_every_field_is_used_and_bounds_are_on_numbers():
    assert set(FIELDS) == {column for table in TABLES.values() for column in table.columns}
    for name, field in FIELDS.items():
        if field.lowest is not None:
            assert pa.types.is_integer(field.type) or pa.types.is_floating(field.type), name


def test_units_ride_in_the_name_wherever_a_column_has_a_length_or_a_time():
    for name, field in FIELDS.items():
        if field.unit in ("cm", "m", "s"):
            assert name.endswith(f"_{field.unit}"), name


def test_a_schema_carries_version_table_units_and_meanings():
    runs = schema("runs", {"target.field_width_m": pa.float64()})
    assert results_schema.version_of(runs) == results_schema.VERSION
    assert runs.metadata[b"results_schema.table"] == b"runs"
    assert runs.field("position_error_cm").metadata[b"unit"] == b"cm"
    words = json.loads(columns_in_words("runs")[b"results_schema.columns"])
    assert words["position_error_cm"]["unit"] == "cm"
    assert words.keys() == set(TABLES["runs"].columns)


def test_configuration_follows_the_fixed_columns_by_name_and_only_in_runs():
    runs = schema("runs", {"target.kind": pa.string(), "network.units": pa.int64()})
    assert runs.names[-2:] == ["network.units", "target.kind"]
    with pytest.raises(ValueError, match=r"units: has no configuration columns, found target.kind"):
        schema("units", {"target.kind": pa.string()})


def test_files_hold_text_plainly_so_that_their_statistics_let_readers_skip_them():
    read, stored = schema("units"), stored_schema(schema("units"))
    assert pa.types.is_dictionary(read.field("target.kind").type)
    assert stored.field("target.kind").type == pa.string()
    assert stored.field("grid_score_60").type == read.field("grid_score_60").type
    assert stored.metadata == read.metadata


def test_the_columns_of_units_that_repeat_configuration_look_like_configuration():
    filters = [column for column in TABLES["units"].columns if results_schema.is_config_column(column)]
    assert "target.kind" in filters
    assert "seed" not in filters
