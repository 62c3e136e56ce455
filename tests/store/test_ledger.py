import json

import pytest

from gridsweep.store import Store, StoreDamaged, StoreError, StoreWarning
from gridsweep.store.fs import FS
from gridsweep.store.sealed import seal, unseal
from tests.store.synthetic import cohort_tables, commit_cohort, hex_id, plan_document


def entry_path(store, number=0):
    return store.layout.ledger_entry(list(store.plan(1).cohorts)[number])


def rewrite(path, **changes):
    path.write_bytes(seal(unseal(path.read_bytes()) | changes))


def test_an_entry_is_json_that_names_every_file_with_size_and_hash(planned):
    commit_cohort(planned, 0, provenance={"host": "h"})
    entry = json.loads(entry_path(planned).read_text())
    assert entry["status_counts"] == {"completed": 2, "diverged": 0, "failed": 0}
    assert entry["provenance"] == {"host": "h"}
    for name, file in entry["tables"].items():
        assert file["file"].startswith(f"{name}/width/{entry['cohort_id']}-{file['sha256'][:8]}")
        assert (planned.path / file["file"]).stat().st_size == file["bytes"]


def test_only_new_entries_are_parsed_when_a_process_looks_again(planned):
    read = []

    class Counting(FS):
        def read(self, path):
            read.append(path.parent.name)
            return super().read(path)

    looking = Store.open(planned.path, fs=Counting())
    for number in range(3):
        commit_cohort(planned, number)
        assert len(looking.committed_cohorts()) == number + 1
        assert read.count("ledger") == number + 1
    assert len(looking.committed_cohorts()) == 3
    assert read.count("ledger") == 3


def test_an_entry_that_is_gone_is_forgotten(planned):
    commit_cohort(planned, 0)
    commit_cohort(planned, 1)
    assert len(planned.committed_run_ids()) == 4
    entry_path(planned).unlink()
    assert len(planned.committed_run_ids()) == 2
    assert planned.table("runs").num_rows == 2


def test_a_torn_entry_is_left_out_with_one_warning_and_is_listed(planned):
    commit_cohort(planned, 0)
    commit_cohort(planned, 1)
    path = entry_path(planned)
    path.write_bytes(path.read_bytes()[:100])
    fresh = Store.open(planned.path)
    with pytest.warns(StoreWarning, match=rf"ledger/{path.name}: 100 bytes that do not end in a seal"):
        assert fresh.table("runs").num_rows == 2
    assert len(fresh.committed_cohorts()) == 1
    assert [problem.name for problem in fresh.problems()] == [path.name]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"cohort_id": "0" * 16}, "is the entry of cohort 0000000000000000"),
        ({"sweep": "../.."}, "sweep: found '../..'"),
        ({"runs": ["../x"]}, "a run: found '../x'"),
        ({"tables": {"secrets": {}}}, "there is no table 'secrets'"),
        ({"not_completed": {"0" * 16: "failed"}}, "is no run of it, or no status"),
        ({"tables": None}, "'NoneType'"),
    ],
)
def test_an_entry_that_says_what_no_commit_says_is_left_out(planned, changes, found):
    commit_cohort(planned, 0)
    rewrite(entry_path(planned), **changes)
    with pytest.warns(StoreWarning, match=found):
        assert Store.open(planned.path).committed_cohorts() == set()


def test_an_entry_cannot_point_outside_of_its_folder(planned):
    commit_cohort(planned, 0)
    path = entry_path(planned)
    tables = unseal(path.read_bytes())["tables"]
    tables["runs"]["file"] = "../../etc/passwd"
    rewrite(path, tables=tables)
    with pytest.warns(
        StoreWarning, match=r"tables.runs.file: found '../../etc/passwd', expected 'runs/width/"
    ):
        assert Store.open(planned.path).committed_cohorts() == set()


def test_an_entry_of_a_newer_release_stops_everything_rather_than_being_left_out(planned):
    commit_cohort(planned, 0)
    rewrite(entry_path(planned), version=9)
    with pytest.raises(StoreError, match=r"made by a newer version 9, this reads up to 2: upgrade gridsweep"):
        Store.open(planned.path).runs()


def retry_of(store, run_ids):
    """Plans the given runs once more in a cohort of their own; returns the plan's number."""
    cohorts = [{"cohort_id": hex_id("retry", run_ids), "runs": run_ids}]
    return store.add_plan(plan_document() | {"spec": {"retry": True}, "cohorts": cohorts})


def failed(tables, run_id):
    place = tables["runs"]["run_id"].index(run_id)
    tables["runs"] |= {"status": ["completed"] * 2, "reason": [None] * 2}
    tables["runs"]["status"][place], tables["runs"]["reason"][place] = "failed", "oom"
    for name in ("position_error_cm", "loss", "penalty"):
        tables["runs"][name] = [None if lane == place else 1.0 for lane in range(2)]
    return {"runs": tables["runs"]}


def test_a_failed_run_that_is_tried_again_has_one_row(planned):
    run_ids = list(next(iter(planned.plan(1).cohorts.values())))
    commit_cohort(planned, 0, tables=failed(cohort_tables(run_ids), run_ids[1]))
    assert planned.committed_run_ids({"failed"}) == {run_ids[1]}
    number = retry_of(planned, run_ids[1:])
    commit_cohort(planned, 0, plan=number, tables=cohort_tables(run_ids[1:], seed=4))
    runs = planned.runs().set_index("run_id")
    assert sorted(runs.index) == sorted(run_ids)
    assert set(runs["status"]) == {"completed"}
    assert planned.committed_run_ids({"failed"}) == set()
    assert planned.sql("SELECT count(*) AS n FROM runs").to_pylist() == [{"n": 2}]
    assert planned.status_counts()["width"]["completed"] == 2
    assert set(planned.units()["run_id"]) == {run_ids[1]}


def test_of_two_failed_tries_the_later_counts(planned):
    run_ids = list(next(iter(planned.plan(1).cohorts.values())))
    commit_cohort(planned, 0, tables=failed(cohort_tables(run_ids), run_ids[1]))
    number = retry_of(planned, run_ids[1:])
    tables = {"runs": cohort_tables(run_ids[1:])["runs"] | {"status": ["failed"], "reason": ["timeout"]}}
    tables["runs"] |= {name: [None] for name in ("position_error_cm", "loss", "penalty")}
    commit_cohort(planned, 0, plan=number, tables=tables)
    runs = planned.runs().set_index("run_id")
    assert runs.loc[run_ids[1], "reason"] == "timeout"
    assert len(runs) == 2


def test_a_run_in_two_cohorts_is_damage_for_readers(planned, tmp_path):
    run_ids = list(next(iter(planned.plan(1).cohorts.values())))
    number = retry_of(planned, run_ids[1:])
    other = tmp_path / "aside"
    commit_cohort(planned, 0, plan=number, tables=cohort_tables(run_ids[1:]))
    entry = planned.layout.ledger_entry(hex_id("retry", run_ids[1:]))
    entry.rename(other)
    commit_cohort(planned, 0)
    other.rename(entry)
    for table in ("runs", "units"):
        with pytest.raises(StoreDamaged, match=rf"run {run_ids[1]}: committed by cohorts \w+ and \w+"):
            Store.open(planned.path).table(table)
