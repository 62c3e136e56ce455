"""The commands that keep a store: what they print, what they return, what they leave alone."""

import json

import pytest

from gridsweep.store import Claims, Store
from gridsweep.store.claims import MAINTENANCE
from tests.commands import gridsweep
from tests.store.synthetic import cohort_tables, commit_cohort, plan_document


@pytest.fixture
def store(memory_path):
    """A store in which two of three cohorts are committed."""
    store = Store.create(memory_path / "store")
    store.add_plan(plan_document())
    for number in range(2):
        commit_cohort(store, number)
    return store


def damage(store):
    path = sorted(store.path.glob("units/*/*.parquet"))[0]
    path.write_bytes(path.read_bytes()[:-3])
    return path


def test_verify_names_damage_repair_sets_it_aside_and_then_all_is_sound(store):
    path = damage(store)
    found = gridsweep("verify", "--store", store.path)
    assert found.exit_code == 6
    assert path.name in found.stdout
    assert "--repair sets it aside" in found.stdout
    repaired = gridsweep("verify", "--store", store.path, "--repair")
    assert repaired.exit_code == 6
    assert "DAMAGED and set aside: 1 cohorts, 2 runs, which `gridsweep run` does once more" in repaired.stdout
    again = gridsweep("verify", "--store", store.path)
    assert again.exit_code == 0
    assert again.stdout.startswith("sound: 1 cohorts, 2 runs")


def test_verify_json_says_the_same(store):
    damage(store)
    said = json.loads(gridsweep("verify", "--store", store.path, "--format", "json").stdout)
    assert said["ok"] is False
    assert said["findings"][0]["kind"] == "file"


def test_a_query_over_a_damaged_file_exits_6_and_names_it(store):
    path = damage(store)
    found = gridsweep("query", "SELECT sum(grid_score_60) FROM units", "--store", store.path)
    assert found.exit_code == 6
    assert path.name in found.stderr


def test_a_query_says_what_is_missing_unless_told_not_to(store):
    words = ("query", "SELECT count(*) AS n FROM runs", "--store", store.path, "--format", "csv")
    found = gridsweep(*words)
    assert found.exit_code == 0
    assert found.stdout.split() == ["n", "4"]
    assert "note: 2 of the 6 runs of width are missing" in found.stderr
    assert gridsweep(*words, "--partial").stderr == ""
    commit_cohort(store, 2)
    assert gridsweep(*words).stderr == ""


def test_a_snapshot_is_saved_listed_and_asked(store):
    name = gridsweep("snapshot", "--store", store.path).stdout.strip()
    commit_cohort(store, 2)
    assert gridsweep("snapshot", "--store", store.path, "--list").stdout.split() == [name]
    words = ("query", "SELECT count(*) AS n FROM runs", "--store", store.path, "--format", "csv", "--partial")
    assert gridsweep(*words).stdout.split() == ["n", "6"]
    assert gridsweep(*words, "--snapshot", name).stdout.split() == ["n", "4"]
    unknown = gridsweep(*words, "--snapshot", "0123")
    assert unknown.exit_code == 2
    assert name in unknown.stderr


def test_compact_writes_once_and_then_has_nothing_to_do(store):
    assert "2 cohorts" in gridsweep("compact", "--store", store.path).stdout
    assert "nothing to do" in gridsweep("compact", "--store", store.path).stdout


def test_compact_and_repair_exit_5_while_another_process_is_at_it(store):
    claim = Claims(store).try_claim(MAINTENANCE)
    for words in (("compact",), ("verify", "--repair")):
        found = gridsweep(*words, "--store", store.path)
        assert found.exit_code == 5
        assert "is compacting or repairing this store" in found.stderr
    claim.release()


def test_merge_brings_stores_home_and_says_what_came(store, memory_path):
    home = memory_path / "home"
    found = gridsweep("merge", store.path, "into", home)
    assert found.exit_code == 0
    assert "2 cohorts, 4 runs; 0 runs were there already" in found.stdout
    assert gridsweep("verify", "--store", home).exit_code == 0
    damage(store)
    found = gridsweep("merge", store.path, "INTO", memory_path / "other")
    assert found.exit_code == 6
    assert "1 cohorts are damaged and were left" in found.stderr
    assert len(Store.open(memory_path / "other").runs()) == 2


def test_merge_without_a_destination_writes_nothing(store, memory_path):
    found = gridsweep("merge", store.path, memory_path / "other")
    assert found.exit_code == 2
    assert "gridsweep merge STORE… into STORE" in found.stderr
    assert not (memory_path / "other").exists()


def fail_third_cohort(store):
    run_ids = list(list(store.plan(1).cohorts.values())[2])
    tables = cohort_tables(run_ids)["runs"] | {
        "status": ["failed"] * 2, "reason": ["oom"] * 2, "message": ["too large"] * 2,
        **{name: [None] * 2 for name in ("evaluation", "position_error_cm", "loss", "penalty")},
    }  # fmt: skip
    commit_cohort(store, 2, tables={"runs": tables})


def test_status_says_which_runs_failed_why_and_what_to_do(store):
    assert "failed: run" not in gridsweep("status", "--store", store.path).stdout
    fail_third_cohort(store)
    said = gridsweep("status", "--store", store.path).stdout
    assert said.count("(oom, 1 attempts): too large") == 2
    assert "gridsweep retry --failed --store" in said
    found = json.loads(gridsweep("status", "--store", store.path, "--format", "json").stdout)
    assert [row["reason"] for row in found["failed"]] == ["oom", "oom"]


def test_retry_says_what_it_plans_and_refuses_what_it_does_not_know(store):
    assert gridsweep("retry", "--store", store.path).exit_code == 2
    nothing = gridsweep("retry", "--failed", "--store", store.path)
    assert (nothing.exit_code, nothing.stdout) == (0, "no run failed: nothing to retry\n")
    fail_third_cohort(store)
    for words, known in ((("--reason", "tired"), "killed_worker"), (("--sweep", "wdith"), "width")):
        found = gridsweep("retry", "--failed", *words, "--store", store.path)
        assert found.exit_code == 2
        assert known in found.stderr
    assert len(Store.open(store.path).plans()) == 1


def test_revoke_says_first_and_then_takes_back_what_is_no_longer_believed(store):
    chosen = store.runs(["run_id", "cohort_id"])
    run_id, cohort_id = chosen["run_id"][0], chosen["cohort_id"][0]
    words = (
        "revoke",
        "--store",
        store.path,
        "--where",
        f"run_id = '{run_id}'",
        "--why",
        "a walk without end",
    )
    assert "would take back: 1 cohorts, 2 runs; --yes does it" in gridsweep(*words).stdout
    assert len(store.runs()) == 4
    done = gridsweep(*words, "--yes")
    assert f"cohort {cohort_id}: " in done.stdout
    assert "taken back: 1 cohorts, 2 runs, which `gridsweep run` does once more" in done.stdout
    after = Store.open(store.path)
    assert cohort_id not in after.committed_cohorts()
    assert len(after.runs()) == 2
    assert "a walk without end" in "".join(path.read_text() for path in (store.path / "revoked").iterdir())
    assert gridsweep("verify", "--store", store.path).exit_code == 0
    assert gridsweep(*words, "--yes").stdout.startswith("no run where")


def test_revoke_of_what_is_no_condition_changes_nothing(store):
    found = gridsweep("revoke", "--store", store.path, "--where", "no such column = 1", "--why", "?", "--yes")
    assert found.exit_code == 2
    assert len(Store.open(store.path).runs()) == 4


def test_what_is_revoked_is_left_out_of_a_compacted_store_too(store):
    assert gridsweep("compact", "--store", store.path).exit_code == 0
    run_id = store.runs(["run_id"])["run_id"][0]
    gridsweep("revoke", "--store", store.path, "--where", f"run_id = '{run_id}'", "--why", "?", "--yes")
    assert len(Store.open(store.path).units(["run_id"])["run_id"].unique()) == 2
