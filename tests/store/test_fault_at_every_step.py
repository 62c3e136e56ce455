"""Every call of a commit to the file system fails once, in every way; then the commit is repeated.

Whatever happened, readers see whole cohorts or none, and after the retry exactly one.
"""

import contextlib
import errno
import shutil

import pytest

from gridsweep.store import Claims, Outcome, Store, StoreError
from gridsweep.store.fs import FS
from gridsweep.store.verify import verify
from tests.store.checker import check_store
from tests.store.faulty_fs import ALL, CHANGING, Died, FaultyFS
from tests.store.synthetic import cohort_tables, commit_cohort, plan_document

FAULTS = ["die before", "die after", "die torn", "ENOSPC", "EDQUOT", "EIO", "EIO after", "EINTR"]
CASES = [
    # Dying at a call that only reads is dying before the next one that changes something.
    *((fault, False, CHANGING) for fault in FAULTS),
    *((fault, True, CHANGING) for fault in FAULTS if not fault.startswith("die")),
    ("EIO", False, ALL),
]


@pytest.fixture
def make_store(memory_path):
    """A function that makes a fresh store in which one cohort of two is committed."""

    first = Store.create(memory_path / "first")
    first.add_plan(plan_document(cohorts=2))
    commit_cohort(first, 0, tables=tables_of(first, 0))

    def make(number):
        return Store.open(shutil.copytree(first.path, memory_path / f"store{number}"))

    return make


def tables_of(store, number, seed=1):
    run_ids = list(list(store.plan(1).cohorts.values())[number])
    tables = cohort_tables(run_ids, seed=seed, units=2, bins=(2,))
    return {name: tables[name] for name in ("runs", "units")}


def calls_of_a_clean_commit(make_store, counted):
    fs = FaultyFS(counted=counted)
    store = make_store(0)
    commit_cohort(Store.open(store.path, fs=fs), 1, tables=tables_of(store, 1))
    return fs.calls


def attempt(store, fs):
    """Returns how a commit through ``fs`` ended: its outcome, or None when it died or was refused."""
    try:
        return commit_cohort(Store.open(store.path, fs=fs), 1, tables=tables_of(store, 1))
    except Died:
        return None
    except StoreError as error:
        if error.errno != getattr(errno, str(fs.fault).partition(" ")[0]):
            raise
        return None


@pytest.mark.parametrize(("fault", "persistent", "counted"), CASES)
def test_a_commit_that_fails_anywhere_and_is_repeated_is_there_exactly_once(
    make_store, fault, persistent, counted
):
    calls = calls_of_a_clean_commit(make_store, counted)
    assert calls > 10
    for at in range(1, calls + 1):
        store = make_store(at)
        first = attempt(store, FaultyFS(at, fault, persistent, counted))
        seen = check_store(store.path)
        assert len(seen) in (1, 2), f"call {at}"
        assert Store.open(store.path).table("units").num_rows == 4 * len(seen), f"call {at}"
        assert first is None or len(seen) == 2, f"call {at}: acknowledged and not there"
        again = commit_cohort(Store.open(store.path), 1, tables=tables_of(store, 1))
        assert (again == Outcome.ALREADY) == (len(seen) == 2), f"call {at}"
        assert not again.scores_differ
        assert len(check_store(store.path)) == 2, f"call {at}"
        report = verify(Store.open(store.path), repair=True)
        assert report.ok, f"call {at}: {report.findings}"
        assert not {finding.kind for finding in report.findings} - {"orphan", "staging"}


@pytest.mark.parametrize(("seed", "counted"), [(1, CHANGING), (2, ALL)], ids=["equal scores", "other scores"])
def test_another_writer_may_commit_first_at_any_step(make_store, seed, counted):
    calls = calls_of_a_clean_commit(make_store, counted)
    outcomes = []
    for at in range(1, calls + 1):
        store = make_store(at)
        other = []
        # The other one commits once, just before our call.
        fs = FaultyFS(
            at, lambda store=store, other=other: other.append(
                commit_cohort(Store.open(store.path), 1, tables=tables_of(store, 1, seed=seed))
            ),
            counted=counted,
        )  # fmt: skip
        ours = attempt(store, fs)
        assert {str(ours.name), other[0].name} == {"committed", "already"}, f"call {at}"
        loser = ours if ours == Outcome.ALREADY else other[0]
        assert loser.scores_differ == (seed == 2), f"call {at}"
        assert len(check_store(store.path)) == 2
        report = verify(Store.open(store.path))
        assert report.ok
        assert not report.findings, f"call {at}: the loser tidies up"
        outcomes.append(ours.name)
    assert set(outcomes) == {"committed", "already"}


def test_a_store_that_writes_under_the_final_name_is_caught_torn(make_store):
    class Direct(FaultyFS):
        def _strike(self, name, work, arguments):
            if name == "link":
                self.fault, arguments = "die torn", (arguments[1], arguments[0].read_bytes())
                return super()._strike("write_new", work, arguments)
            return super()._strike(name, work, arguments)

    caught = 0
    for at in range(1, calls_of_a_clean_commit(make_store, CHANGING) + 1):
        store = make_store(at)
        attempt(store, Direct(at, "die before", counted=CHANGING))
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

    store, other = make_store(0), []
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
