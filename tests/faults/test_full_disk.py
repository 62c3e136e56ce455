"""Stage J: the disk is full at some point; nothing is lost, the store is readable, and it goes on with room."""

import errno
import os
import random
import resource
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from gridsweep.store import Outcome, Store, StoreError
from gridsweep.store.verify import verify
from tests.faults.kills import small_tables
from tests.store.checker import check_store
from tests.store.faulty_fs import CHANGING, FaultyFS
from tests.store.synthetic import commit_cohort, plan_document

SEED = 20261124


def tables_of(store, number):
    return small_tables(list(list(store.plan(1).cohorts.values())[number]), number)


@dataclass
class Filled:
    """What came of a disk that was full again and again."""

    points: int
    refused: int = 0  # commits that said so
    lost: int = 0  # cohorts that are not there afterwards, though there was room again
    unreadable: int = 0  # looks at the store while the disk was full that found anything but whole cohorts


def fill_disk(folder, *, points, seed):
    """Commits so many cohorts, each on a disk that is full from a random call on, then on one with room."""
    rng, found = random.Random(seed), Filled(points)
    store = Store.create(folder / "store")
    store.add_plan(plan_document(cohorts=points))
    for number in range(points):
        fault = rng.choice(["ENOSPC", "EDQUOT"])
        fs = FaultyFS(rng.randint(1, 20), fault, persistent=True, counted=CHANGING)
        try:
            commit_cohort(Store.open(store.path, fs=fs), number, tables=tables_of(store, number))
        except StoreError as error:
            found.refused += 1
            assert error.errno == getattr(errno, fault)
        if number % 10 == 0:
            found.unreadable += len(check_store(store.path)) not in (number, number + 1)
        commit_cohort(store, number, tables=tables_of(store, number))
    found.lost = points - len(check_store(store.path))
    found.unreadable += not verify(store).ok
    return found


def test_a_disk_that_fills_at_fifty_random_points_loses_nothing(memory_path):
    found = fill_disk(memory_path, points=50, seed=SEED)
    assert (found.lost, found.unreadable) == (0, 0)
    assert found.refused > 20


def test_a_limit_on_the_size_of_files_is_such_a_disk(memory_path):
    """The kernel itself refuses to write beyond RLIMIT_FSIZE: no injection is between it and the store."""
    store = Store.create(memory_path / "store")
    store.add_plan(plan_document(cohorts=2))
    commit_cohort(store, 0, tables=tables_of(store, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
        with pytest.raises(StoreError) as found:
            commit_cohort(store, 1, tables=tables_of(store, 1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert found.value.errno == errno.EFBIG
    assert len(check_store(store.path)) == 1
    assert commit_cohort(store, 1, tables=tables_of(store, 1)) == Outcome.COMMITTED
    assert verify(store).ok


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_what_the_full_device_says_is_taken_for_a_full_disk(memory_path, monkeypatch):
    store = Store.create(memory_path / "store")
    store.add_plan(plan_document(cohorts=1))
    whole = os.open

    def onto_the_full_device(path, flags, *rest, **named):
        descriptor = whole(path, flags, *rest, **named)
        if "staging" in str(path):
            os.dup2(full, descriptor)
        return descriptor

    full = whole("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(os, "open", onto_the_full_device)
    with pytest.raises(StoreError, match="No space left on device") as found:
        commit_cohort(store, 0, tables=tables_of(store, 0))
    monkeypatch.undo()
    os.close(full)
    assert found.value.errno == errno.ENOSPC
    assert commit_cohort(store, 0, tables=tables_of(store, 0)) == Outcome.COMMITTED
