"""A commit that fails at any call is whole or not there; so are plans, new stores and claims."""

import contextlib
import itertools

import pytest

from gridsweep.store import Claims, Outcome, Store, StoreError
from gridsweep.store.fs import FS
from gridsweep.store.verify import verify
from tests.store.checker import check_store
from tests.store.every_step import (
    CASES,
    OVERTAKEN,
    WRITES,
    attempt,
    overtake_commit,
    store_maker,
    strike_commit,
)
from tests.store.faulty_fs import CHANGING, Died, FaultyFS
from tests.store.synthetic import plan_document


@pytest.fixture
def make_store(memory_path):
    """A function that makes a fresh store in which one cohort of two is committed."""
    return store_maker(memory_path)


@pytest.mark.parametrize(("fault", "persistent", "counted"), CASES)
def test_a_commit_that_fails_anywhere_and_is_repeated_is_there_exactly_once(
    make_store, fault, persistent, counted
):
    found = strike_commit(make_store, fault, persistent, counted)
    assert found.bad == 0, found.first
    assert found.cases >= (3 if counted == WRITES else 10), "two tables and an entry are written"


@pytest.mark.parametrize(("seed", "counted", "then"), OVERTAKEN)
def test_another_writer_may_commit_first_at_any_step(make_store, seed, counted, then):
    found = overtake_commit(make_store, seed, counted, then)
    assert found.bad == 0, found.first
    assert found.cases > 10
    assert then or found.outcomes == {"committed", "already"}


def test_a_store_that_writes_under_the_final_name_is_caught_torn(make_store):
    class Direct(FaultyFS):
        def _strike(self, name, work, arguments):
            if name == "link":
                self.fault, arguments = "die torn", (arguments[1], arguments[0].read_bytes())
                return super()._strike("write_new", work, arguments)
            return super()._strike(name, work, arguments)

    caught = 0
    for at in itertools.count(1):
        store, fs = make_store(), Direct(at, "die before", counted=CHANGING)
        attempt(store, fs)
        if fs.calls < at:
            break
        try:
            check_store(store.path)
        except (AssertionError, ValueError):
            caught += 1
    assert caught == 1, "a torn ledger entry; torn data are seen by nobody as long as no entry names them"


def test_a_store_whose_links_overwrite_is_caught_committing_twice(make_store):
    class Overwriting(FS):
        def link(self, source, target):
            target.write_bytes(source.read_bytes())
            return True

    store, other = make_store(), []
    first = FaultyFS(1, lambda: other.append(attempt(store, Overwriting())), counted=("link",))
    first.link = first._around("link", Overwriting().link, True)
    assert [attempt(store, first), *other] == [Outcome.COMMITTED] * 2


@pytest.mark.parametrize("fault", ["die before", "die after", "die torn", "ENOSPC", "EIO after"])
def test_adding_a_plan_that_fails_anywhere_and_is_repeated_adds_one(memory_path, fault):
    def add(path, at):
        fs = FaultyFS(at, fault)
        with contextlib.suppress(Died, StoreError):
            Store.open(path, fs=fs).add_plan(plan_document())
        return fs.calls

    for at in range(1, 40):
        store = Store.create(memory_path / f"store{at}")
        calls = add(store.path, at)
        assert Store.open(store.path).add_plan(plan_document()) == 1
        assert len(store.plans()) == 1
        assert verify(store).ok
        if calls < at:
            return
    pytest.fail("adding a plan should take fewer calls")


@pytest.mark.parametrize("fault", ["die before", "die after", "die torn", "ENOSPC"])
def test_creating_a_store_that_fails_anywhere_and_is_repeated_makes_one(memory_path, fault):
    for at in range(1, 120):
        path = memory_path / f"store{at}"
        fs = FaultyFS(at, fault)
        with contextlib.suppress(Died, StoreError):
            Store.create(path, fs=fs)
        store = Store.open_or_create(path)
        assert store.store_id == Store.open(path).store_id
        if fs.calls < at:
            return
    pytest.fail("creating a store should take fewer calls")


@pytest.mark.parametrize("fault", ["die before", "die after", "die torn", "EIO"])
def test_a_claim_that_fails_anywhere_never_ends_with_two_holders(memory_path, fault):
    cohort_id = "0123456789abcdef"
    for at in range(1, 40):
        store = Store.create(memory_path / f"store{at}")
        fs = FaultyFS(at, fault)
        first = None
        with contextlib.suppress(Died, StoreError, OSError):
            first = Claims(Store.open(store.path, fs=fs)).try_claim(cohort_id)
        second = Claims(store).try_claim(cohort_id)
        assert first is None or second is None, f"call {at}"
        if fs.calls < at:
            return
    pytest.fail("claiming should take fewer calls")
