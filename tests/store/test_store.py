import errno

import pytest

import gridsweep.store
from gridsweep.store import Store, StoreDamaged, StoreError
from gridsweep.store.fs import FS
from gridsweep.store.sealed import seal, unseal
from tests.store.synthetic import commit_cohort, plan_document


def test_a_store_is_made_once_and_keeps_its_identity(tmp_path):
    store = Store.create(tmp_path / "a" / "store")
    assert Store.open(store.path).store_id == store.store_id
    assert Store.open_or_create(store.path).store_id == store.store_id
    with pytest.raises(StoreError, match=r"there is a store already"):
        Store.create(store.path)


def test_the_package_offers_the_same_as_functions(tmp_path):
    store = gridsweep.store.create_store(tmp_path / "store")
    assert gridsweep.store.open_store(str(store.path)).store_id == store.store_id


def test_a_path_that_is_no_store_is_refused_with_what_it_is(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("x")
    for open_it in (Store.open, Store.create, Store.open_or_create):
        with pytest.raises(StoreError, match=r"file: is a file, a store is a folder"):
            open_it(tmp_path / "file")
    with pytest.raises(StoreError, match=r"there is no such folder, so no store"):
        Store.open(tmp_path / "nowhere")
    with pytest.raises(StoreError, match=r"is not a store, it has no STORE.json"):
        Store.open(tmp_path / "other")
    for make_it in (Store.create, Store.open_or_create):
        with pytest.raises(StoreError, match=r"is not a store and not empty \(it has thesis.tex\)"):
            make_it(tmp_path / "other")
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["thesis.tex"]


def test_a_store_of_a_newer_format_is_refused_and_can_be_read_otherwise(store):
    identity = unseal(store.layout.identity.read_bytes())
    store.layout.identity.write_bytes(seal(identity | {"format": 2}))
    with pytest.raises(StoreError, match=r"format 2, this reads up to 1: upgrade.*any Parquet reader"):
        Store.open(store.path)


def test_a_torn_identity_is_damage(store):
    store.layout.identity.write_bytes(b"{")
    with pytest.raises(StoreDamaged, match=r"STORE.json: 1 bytes that do not end in a seal"):
        Store.open(store.path)


def test_a_folder_that_is_a_link_to_elsewhere_is_refused(store, tmp_path):
    (store.path / "weights").rmdir()
    (store.path / "weights").symlink_to(tmp_path)
    with pytest.raises(StoreError, match=r"weights: is a link or a file, expected a folder"):
        Store.open(store.path)


class ReadOnly(FS):
    def write_new(self, path, data):
        raise OSError(errno.EROFS, "Read-only file system", str(path))


def test_a_store_that_cannot_be_written_can_be_read(planned):
    commit_cohort(planned, 0)
    read_only = Store.open(planned.path, fs=ReadOnly())
    assert len(read_only.runs()) == 2
    with pytest.raises(StoreError, match=r"cannot be written \(Read-only file system\)") as caught:
        Store.open(planned.path, writable=True, fs=ReadOnly())
    assert caught.value.errno == errno.EROFS
    with pytest.raises(StoreError, match=r"commit of cohort \w+: Read-only file system"):
        commit_cohort(read_only, 1)


def test_two_processes_may_create_a_store_at_once(tmp_path):
    class Beaten(FS):
        def link(self, source, target):
            if target.name == "STORE.json" and not target.exists():
                self.other = Store.create(tmp_path / "store")
            return super().link(source, target)

    fs = Beaten()
    assert Store.open_or_create(tmp_path / "store", fs=fs).store_id == fs.other.store_id


def test_every_planned_run_is_counted_once_in_each_sweep(planned):
    document = planned.plan(1).document
    shared = document["cohorts"][0]["runs"]
    planned.add_plan(plan_document("deeper", cohorts=1) | {"members": shared})
    assert planned.status_counts()["width"] == {
        "planned": 6, "completed": 0, "diverged": 0, "failed": 0, "missing": 6,
    }  # fmt: skip
    commit_cohort(planned, 0, diverged=shared[:1])
    commit_cohort(planned, 1)
    counts = planned.status_counts()
    assert counts["width"] == {"planned": 6, "completed": 3, "diverged": 1, "failed": 0, "missing": 2}
    assert counts["deeper"] == {"planned": 4, "completed": 1, "diverged": 1, "failed": 0, "missing": 2}
    assert planned.committed_run_ids({"diverged"}) == set(shared[:1])
    assert len(planned.committed_run_ids()) == 4
    assert len(planned.committed_cohorts()) == 2


def test_a_snapshot_is_named_by_what_is_committed_and_by_nothing_else(planned, tmp_path):
    empty = planned.snapshot_id()
    commit_cohort(planned, 0)
    first = planned.snapshot_id()
    assert len({empty, first}) == 2
    planned.add_plan(plan_document("other"))
    assert planned.snapshot_id() == first == Store.open(planned.path).snapshot_id()
    copy = Store.create(tmp_path / "copy")
    copy.add_plan(plan_document())
    commit_cohort(copy, 0)
    assert copy.snapshot_id() == first, "the same bits, committed elsewhere, are the same snapshot"
