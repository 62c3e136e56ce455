"""Stores that earlier versions of the contract wrote are read for ever.

``written_by/v1`` was made by the code of that time: a sweep of six small networks (two of which
diverge) through ``gridsweep run --inline``, and a cohort of two failed runs. ``written_by/v1.json`` is
what that code read from it. Neither is ever made again.
"""

import json
import math
import shutil
from pathlib import Path

import pytest

from gridsweep.store import Store
from gridsweep.store.compact import compact
from gridsweep.store.verify import verify
from results_schema import TABLES, VERSION
from tests.store.synthetic import commit_cohort, plan_document, rows_of

FOLDER = Path(__file__).parent / "written_by"


@pytest.fixture
def old(tmp_path):
    """A copy of the store of version 1."""
    return Store.open(shutil.copytree(FOLDER / "v1", tmp_path / "v1"), writable=True)


def plainly(value):
    """Returns a value as JSON can hold it."""
    if isinstance(value, list):
        return ["NaN" if isinstance(item, float) and math.isnan(item) else item for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_version_1_reads_as_it_did_then(old, table):
    right = json.loads((FOLDER / "v1.json").read_text())[table]
    found = rows_of(old, table)
    for column, values in right.items():
        assert list(map(plainly, found[column].to_pylist())) == values, column
    assert found.schema.names[: len(TABLES[table].columns)] == list(TABLES[table].columns)


def test_what_version_2_knows_better_than_null_is_filled_in(old):
    assert VERSION >= 2
    assert set(old.runs()["memory_halvings"]) == {0}


def test_a_store_of_version_1_is_sound_queried_counted_and_goes_on(old):
    assert verify(old).findings == ()
    assert old.snapshot_id() == "badaa22eb737bd10"
    assert old.status_counts()["tiny"] == {
        "planned": 6, "completed": 4, "diverged": 2, "failed": 0, "missing": 0,
    }  # fmt: skip
    number = old.add_plan(plan_document("newer", cohorts=1))
    commit_cohort(old, 0, plan=number)
    rows = old.sql('SELECT "target.kind", count(*) AS n FROM units GROUP BY ALL ORDER BY n').to_pylist()
    assert sum(row["n"] for row in rows) == 24 + 8
    assert verify(old).findings == ()


def test_compaction_writes_old_rows_in_the_newest_version(old):
    right = rows_of(old, "units")
    assert compact(old) is not None
    again = Store.open(old.path)
    assert rows_of(again, "units").equals(right)
    assert set(again.runs()["memory_halvings"]) == {0}
    assert verify(again).findings == ()
