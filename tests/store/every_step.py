"""Stage A: every call of a commit to the file system fails, in every way; then the commit is repeated.

Whatever happened, readers see whole cohorts or none, what was acknowledged is there, and after the retry the
cohort is there exactly once. Another writer may also come first, at any call, and our call then fails or not.
"""

import contextlib
import errno
import functools
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from gridsweep.store import Outcome, Store, StoreError, commit
from gridsweep.store.fs import FS
from gridsweep.store.verify import verify
from tests.store.checker import check_store
from tests.store.faulty_fs import ALL, CHANGING, Died, FaultyFS
from tests.store.synthetic import cohort_tables, commit_cohort, plan_document

WRITES = ("write_new",)
LEFTOVERS = {"orphan", "staging"}  # what a process that was cut off may leave, and verify sweeps away
REFUSALS = ["ENOSPC", "EDQUOT", "EIO", "EINTR"]
# (how a call fails, whether those after it fail as well, which calls)
CASES = [
    # Dying at a call that only reads is dying before the next one that changes something.
    *((fault, False, CHANGING) for fault in ("die before", "die after")),
    ("die torn", False, WRITES),
    *((fault, again, CHANGING) for fault in REFUSALS for again in (False, True)),
    # The call worked and its answer was lost.
    *((f"{fault} after", again, CHANGING) for fault in ("EIO", "EINTR") for again in (False, True)),
    # Half of the bytes were written: there was room for no more.
    *((f"{fault} torn", again, WRITES) for fault in REFUSALS for again in (False, True)),
    *((fault, False, ALL) for fault in ("EIO", "EINTR")),
]
# (the other writer's numbers: 1 are ours, which calls it comes before, how our call fails then)
OVERTAKEN = [
    (1, CHANGING, ""),
    (2, ALL, ""),
    (1, CHANGING, "EIO"),
    (2, CHANGING, "die"),
]


@dataclass
class Struck:
    """What came of it.

    Args:
        cases: calls that were struck.
        bad: of these, how many left the store otherwise than it should be.
        first: the first of them, in words.
        outcomes: what commits that were overtaken and did not fail were told.
    """

    cases: int = 0
    bad: int = 0
    first: str = ""
    outcomes: set[str] = field(default_factory=set)

    def add(self, case: str, wrong: Iterator[str]) -> None:
        """Counts a case, bad if anything is wrong with it."""
        self.cases += 1
        if found := next(wrong, ""):
            self.bad += 1
            self.first = self.first or f"{case}: {found}"


def store_maker(folder: Path) -> Callable[[], Store]:
    """Returns a function that makes a fresh store in which one cohort of two is committed."""
    first = Store.create(folder / "first")
    first.add_plan(plan_document(cohorts=2))
    commit_cohort(first, 0, tables=tables_of(first, 0))

    def make() -> Store:
        shutil.rmtree(folder / "store", ignore_errors=True)
        return Store.open(shutil.copytree(first.path, folder / "store"))

    return make


def tables_of(store: Store, number: int, seed: int = 1) -> dict:
    """Returns small tables for a cohort of the first plan: the same object for the same question."""
    return _tables(tuple(list(store.plan(1).cohorts.values())[number]), seed)


@functools.cache
def _tables(run_ids: tuple[str, ...], seed: int) -> dict:
    tables = cohort_tables(list(run_ids), seed=seed, units=2, bins=(2,))
    return {name: tables[name] for name in ("runs", "units")}


@contextlib.contextmanager
def made_once() -> Iterator[None]:
    """Lets equal tables be built and encoded once: what is struck here are the calls that follow."""

    def once(work: Callable) -> Callable:
        kept: dict = {}

        def remembered(*arguments):
            key = tuple(word if isinstance(word, str) else id(word) for word in (arguments[0], arguments[-1]))
            if key not in kept:
                kept[key] = (work(*arguments), arguments)  # kept, so that no other object gets its id
            return kept[key][0]

        return remembered

    with (
        mock.patch.object(commit, "build_tables", once(commit.build_tables)),
        mock.patch.object(commit, "encode", once(commit.encode)),
    ):
        yield


class Judge:
    """Judges stores; one that holds the same bytes as one before is judged as that was."""

    def __init__(self) -> None:
        self._judged: dict[tuple, object] = {}

    def ask(self, question: Callable, root: Path):
        """Returns what a question about a store's files is answered."""
        key = (question, self._state(root))
        if key not in self._judged:
            self._judged[key] = question(root)
        return self._judged[key]

    def _state(self, root: Path) -> frozenset:
        files = []
        for folder, _, names in os.walk(root):
            for name in names:
                with open(f"{folder}/{name}", "rb") as file:
                    # What is left in staging has a name of chance.
                    files.append((folder, "" if folder.endswith("staging") else name, file.read()))
        return frozenset(files)


def _seen(root: Path) -> tuple[int, int]:
    """Returns how many cohorts the checker finds, and how many rows a reader does."""
    return len(check_store(root)), Store.open(root).table("units").num_rows


def _mended(root: Path) -> tuple[bool, frozenset[str]]:
    """Returns whether a store is right once tidied up, and what was found in it."""
    report = verify(Store.open(root), repair=True)
    return report.ok, frozenset(finding.kind for finding in report.findings)


def _whole(root: Path) -> tuple[bool, frozenset[str]]:
    report = verify(Store.open(root))
    return report.ok, frozenset(finding.kind for finding in report.findings)


def attempt(store: Store, fs: FS) -> Outcome | None:
    """Returns how a commit through ``fs`` ended: its outcome, or None when it died or was refused."""
    try:
        return commit_cohort(Store.open(store.path, fs=fs), 1, tables=tables_of(store, 1))
    except Died:
        return None
    except StoreError as error:
        # Refused for the reason that was injected, and for no other.
        fault = getattr(fs, "fault", None)
        if isinstance(fault, str) and error.errno != getattr(errno, fault.partition(" ")[0]):
            raise
        return None


def strike_commit(
    make: Callable[[], Store],
    fault: str,
    persistent: bool,
    counted: tuple[str, ...],
    judge: Judge | None = None,
) -> Struck:
    """Lets each call of a commit fail in one way, and repeats the commit."""
    found, judge, at = Struck(), judge or Judge(), 0
    with made_once():
        while True:
            at += 1
            store, fs = make(), FaultyFS(at, fault, persistent, counted)
            first = attempt(store, fs)
            if fs.calls < at:
                return found
            found.add(f"{fault} at call {at}", _wrong_after(store, first, judge))


def _wrong_after(store: Store, first: Outcome | None, judge: Judge) -> Iterator[str]:
    cohorts, rows = judge.ask(_seen, store.path)
    if cohorts not in (1, 2):
        yield f"{cohorts} cohorts"
    if rows != 4 * cohorts:
        yield "readers see other rows than the ledger names"
    if first is not None and cohorts != 2:
        yield "acknowledged and not there"
    again = commit_cohort(Store.open(store.path), 1, tables=tables_of(store, 1))
    if (again == Outcome.ALREADY) != (cohorts == 2):
        yield f"the retry is told {again.name}"
    if again.scores_differ:
        yield "the retry finds other scores"
    if judge.ask(_seen, store.path) != (2, 8):
        yield "the retry is not there"
    right, kinds = judge.ask(_mended, store.path)
    if not right or kinds - LEFTOVERS:
        yield f"verify: {sorted(kinds)}"


def overtake_commit(
    make: Callable[[], Store], seed: int, counted: tuple[str, ...], then: str, judge: Judge | None = None
) -> Struck:
    """Lets another writer commit the same cohort just before each call of ours; ours may fail then."""
    found, judge, at = Struck(), judge or Judge(), 0
    with made_once():
        while True:
            at += 1
            store, other = make(), []
            fs = FaultyFS(at, counted=counted)

            def overtake(store: Store = store, other: list = other, fs: FaultyFS = fs) -> None:
                tables = tables_of(store, 1, seed=seed)
                other.append(commit_cohort(Store.open(store.path), 1, tables=tables))
                if then == "die":
                    fs.dead = True
                    raise Died
                if then:
                    raise OSError(getattr(errno, then), "and then our call failed")

            fs.fault = overtake
            ours = attempt(store, fs)
            if fs.calls < at:
                return found
            found.add(
                f"overtaken at call {at}", _wrong_when_overtaken(store, ours, other[0], seed, then, judge)
            )
            if ours is not None and not then:
                found.outcomes.add(ours.name)


def _wrong_when_overtaken(
    store: Store, ours: Outcome | None, other: Outcome, seed: int, then: str, judge: Judge
) -> Iterator[str]:
    if judge.ask(_seen, store.path) != (2, 8):
        yield "the cohort is not there"
    if not then:
        if ours is None or {ours.name, other.name} != {"committed", "already"}:
            yield f"we are told {ours}, the other {other.name}"
        loser = ours if ours == Outcome.ALREADY else other
        if loser is not None and loser.scores_differ != (seed == 2):
            yield "whoever lost was not told whether the scores differ"
    elif other == Outcome.COMMITTED:
        again = commit_cohort(Store.open(store.path), 1, tables=tables_of(store, 1))
        if again != Outcome.ALREADY or again.scores_differ != (seed == 2):
            yield f"the retry is told {again}"
    # The loser tidies up after itself, unless it died or was refused.
    right, kinds = judge.ask(_mended if then else _whole, store.path)
    if not right or kinds - (LEFTOVERS if then else set()):
        yield f"verify: {sorted(kinds)}"


def strike_everywhere(folder: Path) -> Struck:
    """Goes through all ways to fail and to be overtaken, at every call."""
    make, judge, found = store_maker(folder), Judge(), Struck()
    for case in CASES:
        _join(found, strike_commit(make, *case, judge))
    for overtaken in OVERTAKEN:
        _join(found, overtake_commit(make, *overtaken, judge))
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder / "store")
    return found


def _join(found: Struck, more: Struck) -> None:
    found.cases, found.bad = found.cases + more.cases, found.bad + more.bad
    found.first = found.first or more.first
