import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gridsweep.store.parquet import encode, footer_bytes, read_bytes
from gridsweep.store.rows import build_tables
from results_schema import VERSION, version_of
from tests.store.synthetic import cohort_tables, hex_id


def built(lanes=2, units=4):
    run_ids = [hex_id(lane) for lane in range(lanes)]
    return build_tables("0" * 16, run_ids, cohort_tables(run_ids, units=units))


@pytest.mark.parametrize("name", ["runs", "evaluations", "units", "history", "rate_maps"])
def test_bytes_are_the_table(name):
    table = built()[name]
    found = read_bytes(bytes(encode(name, table).data))
    assert version_of(found.schema) == VERSION
    if name == "rate_maps":
        np.testing.assert_array_equal(found["map"].to_pylist(), table["map"].to_pylist())
    else:
        assert found.equals(table)
        assert found.schema.equals(table.schema)


def test_equal_tables_are_equal_bytes():
    assert encode("units", built()["units"]).sha256 == encode("units", built()["units"]).sha256


def test_a_row_of_units_takes_less_than_thirty_two_bytes():
    encoded = encode("units", built(lanes=16, units=1024)["units"])
    assert len(encoded.data) / encoded.rows < 32


def test_the_footer_is_found_from_the_end_of_the_file():
    encoded = encode("history", built()["history"])
    footer = bytes(encoded.data[-encoded.footer_bytes :])
    assert footer_bytes(footer) == len(footer)
    assert footer_bytes(b"not Parquet") == 0


def test_text_has_statistics_and_measured_numbers_have_their_bytes_split():
    data = encode("units", built()["units"]).data
    group = pq.ParquetFile(pa.BufferReader(data)).metadata.row_group(0)
    columns = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    assert columns["target.kind"].statistics.min == columns["target.kind"].statistics.max
    assert "BYTE_STREAM_SPLIT" in columns["grid_score_60"].encodings
    assert "DELTA_BINARY_PACKED" in columns["unit"].encodings
    assert "RLE_DICTIONARY" in columns["run_id"].encodings


def test_any_reader_finds_units_and_meanings():
    metadata = pq.ParquetFile(pa.BufferReader(encode("runs", built()["runs"]).data)).metadata.metadata
    words = json.loads(metadata[b"results_schema.columns"])
    assert words["position_error_cm"]["meaning"].startswith("Mean distance")
