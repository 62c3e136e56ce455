"""Damage is set aside by name, the rest stays readable, and exactly what was lost is done again."""

import contextlib
import shutil

import pytest

from gridsweep.store import Claims, Outcome, Store, StoreBusy, StoreDamaged
from gridsweep.store.claims import MAINTENANCE
from gridsweep.store.quarantine import recorded_micro_batch
from gridsweep.store.sealed import unseal
from gridsweep.store.verify import verify
from tests.store.checker import check_store
from tests.store.faulty_fs import CHANGING, Died, FaultyFS
from tests.store.synthetic import commit_cohort


@pytest.fixture
def filled(planned):
    for number in range(3):
        commit_cohort(planned, number)
    return planned


def flip_a_bit(path, place=300):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def damaged_file(store):
    """Flips a bit in the scores of the first cohort; returns the file and its cohort."""
    path = sorted(store.path.glob("units/*/*.parquet"))[0]
    flip_a_bit(path)
    return path, path.name[:16]


def test_a_damaged_file_is_set_aside_and_its_cohort_alone_is_to_be_done_again(filled):
    path, cohort_id = damaged_file(filled)
    report = verify(filled, repair=True)
    assert not report.ok
    assert report.redo == {cohort_id: 2}
    assert "set aside in quarantine/" in str(report.findings[0])
    store = Store.open(filled.path)
    assert store.committed_cohorts() == set(store.plan(1).cohorts) - {cohort_id}
    assert len(store.runs()) == 4
    assert store.table("units").num_rows == 16
    assert not path.exists()
    assert f"units.width.{path.name}" in {found.name for found in store.layout.quarantine.iterdir()}
    assert verify(store).findings == ()


def test_the_revocation_says_what_was_found_and_with_how_many_lanes_to_redo_it(filled):
    path, cohort_id = damaged_file(filled)
    verify(filled, repair=True)
    document = unseal(filled.layout.revocation(cohort_id, 1).read_bytes())
    assert document["reason"][0]["file"] == f"units/width/{path.name}"
    assert document["committed"][f"units/width/{path.name}"] != document["found"][f"units/width/{path.name}"]
    assert len(document["runs"]) == 2
    assert document["micro_batch"] == 1
    assert recorded_micro_batch(filled, cohort_id) == 1
    assert recorded_micro_batch(filled, sorted(filled.committed_cohorts())[0]) is None


def test_a_revoked_cohort_commits_again_under_the_next_revision_as_often_as_it_takes(filled):
    for revision in (1, 2):
        _, cohort_id = damaged_file(filled)
        place = list(filled.plan(1).cohorts).index(cohort_id)
        verify(filled, repair=True)
        store = Store.open(filled.path)
        assert commit_cohort(store, place) == Outcome.COMMITTED
        assert commit_cohort(store, place) == Outcome.ALREADY
        assert store.layout.ledger_entry(cohort_id, revision).exists()
        assert len(store.committed_run_ids()) == 6
        assert verify(store).findings == ()
        assert len(check_store(store.path)) == 3


def test_a_process_that_had_read_the_entry_sees_that_it_was_revoked(filled):
    before = Store.open(filled.path)
    assert len(before.runs()) == 6
    _, cohort_id = damaged_file(filled)
    verify(filled, repair=True)
    assert before.ledger.get(cohort_id) is None
    assert len(before.runs()) == 4


def test_a_torn_entry_is_set_aside_with_the_files_that_only_it_could_name(filled):
    path = sorted(filled.layout.ledger.iterdir())[0]
    path.write_bytes(path.read_bytes()[:-30])
    report = verify(Store.open(filled.path), repair=True)
    assert report.redo == {path.stem: 2}
    store = Store.open(filled.path)
    assert not list(store.path.glob(f"*/*/{path.stem}-*.parquet"))
    assert verify(store).findings == ()
    commit_cohort(store, list(store.plan(1).cohorts).index(path.stem))
    assert len(store.runs()) == 6


def test_an_entry_that_comes_late_under_a_revoked_name_is_not_counted_and_the_worker_commits_anew(filled):
    """A worker looked before the revocation and writes its entry after the damaged one has moved."""
    _, cohort_id = damaged_file(filled)
    place = list(filled.plan(1).cohorts).index(cohort_id)
    entry = filled.layout.ledger_entry(cohort_id)
    entry.unlink()  # as if not committed yet
    late = Store.open(filled.path)
    link, revoked = late.fs.link, []

    def revoke_first(source, target):
        if target == entry and not revoked:
            revoked.append(filled.layout.revocation(cohort_id, 1))
            revoked[0].write_bytes(b"{}")
        return link(source, target)

    late.fs.link = revoke_first
    for path in filled.path.glob(f"*/*/{cohort_id}-*.parquet"):
        path.unlink()
    assert commit_cohort(late, place) == Outcome.COMMITTED
    assert not entry.exists()
    assert filled.layout.ledger_entry(cohort_id, 1).exists()
    assert len(Store.open(filled.path).runs()) == 6


def test_a_repair_that_ends_after_any_step_leaves_a_store_that_the_next_one_completes(filled, memory_path):
    damaged_file(filled)
    for at in range(1, 60):
        path = shutil.copytree(filled.path, memory_path / f"store{at}")
        fs = FaultyFS(at, "die before", counted=CHANGING)
        with contextlib.suppress(Died):
            verify(Store.open(path, fs=fs), repair=True)
        for lease in (path / "leases").iterdir():
            lease.unlink()  # this process only played dead
        verify(Store.open(path), repair=True)
        store = Store.open(path)
        assert len(store.runs()) == 4, f"call {at}"
        assert not [finding for finding in verify(store).findings if finding.damage], f"call {at}"
        if fs.calls < at:
            return
    pytest.fail("a repair should take fewer calls")


def test_one_at_a_time_repairs_and_training_goes_on_meanwhile(filled):
    claim = Claims(filled).try_claim(MAINTENANCE)
    with pytest.raises(StoreBusy, match=r"process \d+ on .* is compacting or repairing this store"):
        verify(filled, repair=True)
    assert verify(filled).ok
    assert Claims(filled).holders() == []
    claim.release()
    assert verify(filled, repair=True).ok


def test_reading_a_damaged_file_stops_and_names_it_until_it_is_set_aside(filled):
    path = sorted(filled.path.glob("units/*/*.parquet"))[0]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreDamaged, match=path.name):
        Store.open(filled.path).units()
    verify(filled, repair=True)
    assert len(Store.open(filled.path).units()) == 16
