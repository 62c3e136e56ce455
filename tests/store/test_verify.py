import json
import os
import re
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gridsweep.store import Store, StoreError
from gridsweep.store.layout import data_file
from gridsweep.store.owner import Owner
from gridsweep.store.parquet import encode
from gridsweep.store.sealed import seal, unseal
from gridsweep.store.verify import verify
from results_schema import VERSION
from tests.store.synthetic import cohort_tables, commit_cohort, hex_id, plan_document


@pytest.fixture
def filled(planned):
    for number in range(3):
        commit_cohort(planned, number)
    return planned


def data_path(store, table="units"):
    return sorted(store.path.glob(f"{table}/*/*.parquet"))[0]


def only_finding(store, **options):
    (finding,) = verify(Store.open(store.path), **options).findings
    return finding


def age(path, hours):
    then = time.time() - 3600 * hours
    os.utime(path, (then, then))


def test_a_sound_store_has_nothing_to_report(filled):
    report = verify(filled)
    assert report.ok
    assert (report.plans, report.cohorts, report.runs, report.files) == (1, 3, 6, 15)
    assert report.bytes == sum(path.stat().st_size for path in filled.path.glob("*/*/*.parquet"))
    assert json.loads(json.dumps(report.as_dict()))["ok"]


def cut(data):
    return data[: len(data) // 2]


def flip(data):
    return data[:400] + bytes([data[400] ^ 4]) + data[401:]


@pytest.mark.parametrize(
    ("change", "found", "right"),
    [
        (cut, r"\d+ bytes", r"\d+ bytes"),
        (flip, r"sha256 [0-9a-f]{64}", r"sha256 [0-9a-f]{64}"),
        (lambda _: b"", r"0 bytes", r"\d+ bytes"),
    ],
    ids=["torn", "flipped bit", "empty"],
)
def test_a_changed_file_is_named_with_its_cohort_and_runs(filled, change, found, right):
    path = data_path(filled)
    path.write_bytes(change(path.read_bytes()))
    finding = only_finding(filled)
    assert (finding.kind, finding.file) == ("file", f"units/width/{path.name}")
    assert (finding.cohort_id, finding.runs, finding.damage) == (path.name[:16], 2, True)
    assert re.fullmatch(found, finding.found)
    assert re.fullmatch(right, finding.right)
    assert not verify(filled).ok
    assert path.name in str(finding)


def test_a_missing_file_is_named(filled):
    path = data_path(filled, "runs")
    path.unlink()
    finding = only_finding(filled)
    assert (finding.file, finding.found) == (f"runs/width/{path.name}", "is missing")


def test_a_symbolic_link_is_not_the_committed_file(filled, tmp_path):
    path = data_path(filled)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert only_finding(filled).kind == "file"


def test_a_truncated_ledger_entry_is_damage_and_its_data_files_are_kept(filled):
    path = next(filled.layout.ledger.iterdir())
    path.write_bytes(path.read_bytes()[:-30])
    for data in filled.path.glob(f"*/*/{path.stem}-*.parquet"):
        age(data, hours=2)
    finding = only_finding(filled)
    assert (finding.kind, finding.file, finding.runs) == ("entry", f"ledger/{path.name}", 2)
    assert len(list(filled.path.glob(f"*/*/{path.stem}-*.parquet"))) == 5


def replace_table(store, table, change):
    """Commits another table in place of the first cohort's, as a bug or a forger would: hashes agree."""
    path = data_path(store, table)
    cohort_id = path.name[:16]
    encoded = encode(table, change(pq.ParquetFile(path).read()))
    entry_path = store.layout.ledger_entry(cohort_id)
    entry = unseal(entry_path.read_bytes())
    name = data_file(table, "width", cohort_id, encoded.sha256)
    (store.path / name).write_bytes(encoded.data)
    path.unlink()
    entry["tables"][table] |= {
        "file": name,
        "bytes": len(encoded.data),
        "sha256": encoded.sha256,
        "footer_bytes": encoded.footer_bytes,
        "footer_sha256": encoded.footer_sha256,
    }
    entry_path.write_bytes(seal(entry))


def without_column(table):
    return table.drop_columns(["guarded_lags"])


def rows_twice(table):
    return pa.concat_tables([table, table])


def of_version_3(table):
    return table.replace_schema_metadata({b"results_schema.version": b"3"})


def scores_as_whole_numbers(table):
    place = table.column_names.index("grid_score_60")
    return table.set_column(place, "grid_score_60", table["grid_score_60"].cast(pa.int64(), safe=False))


def scores_as_text(table):
    place = table.column_names.index("grid_score_60")
    return table.set_column(place, "grid_score_60", table["grid_score_60"].cast(pa.string()))


@pytest.mark.parametrize(
    ("table", "change", "found"),
    [
        ("units", without_column, ["column guarded_lags is not there"]),
        ("units", scores_as_whole_numbers, ["column grid_score_60 is int64"]),
        ("units", scores_as_text, ["column grid_score_60 is string"]),
        ("units", rows_twice, ["16 rows", "8 rows repeat the key of another"]),
        ("runs", lambda table: table.slice(1), ["1 rows", "has other runs than its entry"]),
        ("units", of_version_3, ["is of version 3"]),
    ],
)
def test_a_file_with_the_right_hash_and_the_wrong_content_is_found(filled, table, change, found):
    replace_table(filled, table, change)
    report = verify(Store.open(filled.path))
    assert [finding.found for finding in report.findings] == found
    assert not report.ok


def test_a_run_in_two_cohorts_is_found(filled, tmp_path):
    first = next(iter(filled.plan(1).cohorts))
    entry = filled.layout.ledger_entry(first)
    run_ids = list(filled.plan(1).cohorts[first])[:1]
    cohorts = [{"cohort_id": hex_id("twice"), "runs": run_ids}]
    number = filled.add_plan(plan_document() | {"spec": {}, "cohorts": cohorts})
    entry.rename(tmp_path / "aside")
    commit_cohort(Store.open(filled.path), 0, plan=number, tables=cohort_tables(run_ids))
    (tmp_path / "aside").rename(entry)
    finding = only_finding(filled)
    assert finding.kind == "run"
    assert run_ids[0] in finding.found


def test_plans_are_checked_against_the_ledger_and_for_gaps(filled):
    filled.add_plan(plan_document("second"))
    filled.add_plan(plan_document("third"))
    filled.layout.plan(2).unlink()
    assert only_finding(filled).found == "is missing"
    filled.layout.plan(1).rename(filled.layout.plan(2))
    report = verify(Store.open(filled.path))
    assert report.counts == {"plan": 4}
    assert not report.ok


def test_a_torn_plan_is_found(filled):
    path = filled.layout.plan(1)
    path.write_bytes(path.read_bytes()[:50])
    kinds = verify(Store.open(filled.path)).counts
    assert kinds == {"plan": 4}, "the plan, and three entries that have lost theirs"


def test_two_types_of_one_setting_are_found(filled):
    path = next(filled.layout.ledger.iterdir())
    entry = unseal(path.read_bytes())
    entry["tables"]["runs"]["columns"]["target.kind"] = "int64"
    path.write_bytes(seal(entry))
    kinds = verify(Store.open(filled.path)).counts
    assert kinds["column"] >= 1


def test_a_newer_store_is_not_judged(filled):
    path = next(filled.layout.ledger.iterdir())
    path.write_bytes(seal(unseal(path.read_bytes()) | {"version": VERSION + 1}))
    with pytest.raises(StoreError, match="upgrade gridsweep"):
        verify(filled)


def test_orphans_are_listed_and_removed_only_when_old(filled):
    path = data_path(filled)
    orphan = path.with_name(f"{'0' * 16}-{'0' * 8}.parquet")
    orphan.write_bytes(b"PAR1")
    finding = only_finding(filled, repair=True)
    assert (finding.kind, finding.cohort_id, finding.removed) == ("orphan", "0" * 16, False)
    assert verify(filled).ok
    age(orphan, hours=2)
    assert not only_finding(filled).removed
    assert only_finding(filled, repair=True).removed
    assert not orphan.exists()
    assert verify(filled).findings == ()


def test_an_orphan_that_an_entry_comes_to_name_while_it_is_removed_is_put_back(filled, tmp_path):
    entry = next(filled.layout.ledger.iterdir())
    entry.rename(tmp_path / "entry")
    for path in filled.path.glob(f"*/*/{entry.stem}-*.parquet"):
        age(path, hours=2)
    store = Store.open(filled.path)
    moved = []
    replace = store.fs.replace

    def commit_between(source, target):
        replace(source, target)
        if not moved:
            (tmp_path / "entry").rename(entry)
        moved.append(source)

    store.fs.replace = commit_between
    report = verify(store, repair=True)
    assert len(moved) == 5
    assert not any(finding.removed for finding in report.findings)
    assert verify(Store.open(filled.path)).findings == ()


def test_strange_files_are_listed_and_never_touched(filled):
    strange = [
        filled.path / name for name in ("runs/notes.txt", "units/width/notes.txt", "ledger/x", "plans/y")
    ]
    for path in strange:
        path.write_text("mine")
        age(path, hours=100)
    report = verify(Store.open(filled.path), repair=True)
    assert report.ok
    assert report.counts == {"stray": 4}
    assert all(path.exists() for path in strange)


def test_staging_files_go_when_their_writer_is_dead_or_they_are_old(filled):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    here, staging = Owner.here(), filled.layout.staging
    dead = staging / f"{here.machine}.{process.pid}.1.aaaa.tmp"
    elsewhere = staging / "0123456789ab.1.1.bbbb.tmp"
    old = staging / "0123456789ab.1.1.cccc.tmp"
    unknown = staging / "download.part"
    for path in (dead, elsewhere, old, unknown):
        path.write_text("x")
    age(old, hours=2)
    assert not any(finding.removed for finding in verify(filled).findings)
    report = verify(filled, repair=True)
    assert report.ok
    assert {finding.file: finding.removed for finding in report.findings} == {
        f"staging/{dead.name}": True,
        f"staging/{elsewhere.name}": False,
        f"staging/{old.name}": True,
        f"staging/{unknown.name}": False,
    }
