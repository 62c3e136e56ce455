"""The campaign's table, as the README prints it: what was done to stores, how often, and what came of it.

    python -m tests.faults.campaign [--seed 20261124] [--stages ABCDGHJ]
                                    [--kills 1000] [--mutations 200] [--fuzz 500] [--full 50]

Runs stages A, B, C, D, G, H and J on stores in memory; E, F and I are tests (see docs/store.md). Every line has
its seed and is reproduced by it. Exit 1 when anything was lost, doubled, torn or wrong, or a sabotaged store passed.
"""

import argparse
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from gridsweep.store import Store
from tests.faults.damage import run_damage
from tests.faults.kills import Killed
from tests.faults.power_loss import EntryFirst, ModelledFS, lose_power
from tests.faults.test_full_disk import fill_disk
from tests.faults.test_fuzz import fuzz_queries, fuzz_sweeps
from tests.faults.test_power_loss import ACTIONS, commit_third, damaged_in, repair_and_redo, tables_of
from tests.store.checker import check_store
from tests.store.faulty_fs import FaultyFS
from tests.store.synthetic import commit_cohort, plan_document
from tests.store.test_fault_at_every_step import CASES, attempt
from tests.store.test_fault_at_every_step import tables_of as small_tables_of

ROOT = Path(__file__).parents[2]
DEFAULTS = {"kills": 1000, "mutations": 200, "fuzz": 500, "full": 50, "seed": 20261124}
SABOTAGE = ("direct", "unique", "overwriting", "ignores")


class Line(NamedTuple):
    """One line of the table."""

    stage: str
    cases: int
    bad: int
    what: str
    seed: str


def main() -> int:
    """Prints the table; returns 1 when something was not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in DEFAULTS.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--stages", default="".join(STAGES), help="which, by their letters")
    options = parser.parse_args()
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="gridsweep-campaign-", dir=memory if memory.is_dir() else None))
    bad = 0
    print("| stage | cases | bad | what | seed | s |")
    print("|---|---|---|---|---|---|")
    try:
        for letter in options.stages:
            begun_s = time.monotonic()
            for line in STAGES[letter](folder / letter, options):
                seconds = f"{time.monotonic() - begun_s:.0f}"
                print(
                    "| "
                    + " | ".join([line.stage, f"{line.cases:,}", f"{line.bad:,}", *line[3:], seconds])
                    + " |"
                )
                sys.stdout.flush()
                bad += line.bad
                begun_s = time.monotonic()
    finally:
        shutil.rmtree(folder)
    return 1 if bad else 0


def every_step(folder: Path, options: argparse.Namespace) -> Iterator[Line]:
    """Stage A: each call of a commit fails in each way, then the commit is repeated."""
    first = Store.create(_made(folder) / "first")
    first.add_plan(plan_document(cohorts=2))
    commit_cohort(first, 0, tables=small_tables_of(first, 0))
    cases = bad = 0
    for fault, persistent, counted in CASES:
        for at in itertools.count(1):
            path = Path(shutil.copytree(first.path, folder / "store"))
            fs = FaultyFS(at, fault, persistent, counted)
            store = Store.open(path)
            acknowledged = attempt(store, fs) is not None
            struck = fs.calls >= at
            bad += acknowledged and len(check_store(path)) != 2
            commit_cohort(Store.open(path), 1, tables=small_tables_of(store, 1))
            bad += len(check_store(path)) != 2
            cases += struck
            shutil.rmtree(path)
            if not struck:
                break
    yield Line("A", cases, bad, f"a call of a commit fails: {len(CASES)} ways, every call", "—")


def power_loss(folder: Path, options: argparse.Namespace) -> Iterator[Line]:
    """Stage B: the power fails after any step of four actions."""
    whole = _half_done(folder)
    states = bad = 0
    for number, action in enumerate(ACTIONS):
        root = Path(shutil.copytree(whole.path, folder / f"store{number}"))
        damaged = damaged_in(root).name if action is repair_and_redo else ""
        found = lose_power(root, folder, action(root), seed=options.seed, damaged=damaged)
        states, bad = states + found.states, bad + found.bad
    yield Line(
        "B", states, bad, "states a power loss leaves of commit, plan, compaction, repair", str(options.seed)
    )


def kills(folder: Path, options: argparse.Namespace) -> Iterator[Line]:
    """Stage C: drivers and workers are killed."""
    found = _killed(_made(folder), options.kills, options.seed)
    what = (
        f"kills: {found.drivers} drivers, {found.workers} workers, {found.second_drivers} second drivers; "
        f"{found.cohorts:,} cohorts, {found.executions:,} executions; lost {found.lost}, doubled {found.doubled}, "
        f"torn {found.torn}, wrong {found.wrong}"
    )
    yield Line("C", found.kills, found.bad, what, str(options.seed))


def controls(folder: Path, options: argparse.Namespace) -> Iterator[Line]:
    """Stage D: what must be caught. Bad is what was not."""
    for number, sabotage in enumerate(SABOTAGE):
        found = _killed(_made(folder / str(number)), 40, options.seed, sabotage)
        caught = found.bad or found.wasteful
        yield Line(
            "D", found.kills, int(not caught), f"sabotaged, must be caught: {sabotage}", str(options.seed)
        )
    weakened = [
        ("data not forced to disk", ModelledFS, {"sync_data": False}),
        ("names not forced to disk", ModelledFS, {"sync_names": False}),
        ("entry before its data", EntryFirst, {}),
    ]
    for number, (name, fs, options_of_fs) in enumerate(weakened):
        store = _half_done(folder / f"weak{number}")
        lost = lose_power(
            *(store.path, folder, commit_third(store.path)),
            seed=options.seed,
            fs=fs,
            until_bad=True,
            **options_of_fs,
        )
        yield Line(
            "D", lost.states, int(not lost.bad), f"sabotaged, must be caught: {name}", str(options.seed)
        )


def damage(folder: Path, options: argparse.Namespace) -> Iterator[Line]:
    """Stage G: a finished store is altered."""
    for compacted in (False, True):
        found = run_damage(
            _made(folder / str(compacted)),
            mutations=options.mutations,
            seed=options.seed,
            compacted=compacted,
        )
        what = (
            f"alterations of a {'compacted ' if compacted else ''}store: {found.refused} refused by name, "
            f"{found.warned} left out aloud, {found.harmless} without effect on the answer"
        )
        yield Line("G", found.mutations, found.wrong + found.unnamed, what, str(options.seed))


def fuzz(folder: Path, options: argparse.Namespace) -> Iterator[Line]:
    """Stage H: sweep files and queries made of anything. A traceback ends the campaign."""
    refused = fuzz_sweeps(_made(folder), options.fuzz, options.seed)
    yield Line(
        "H", options.fuzz, 0, f"sweep files made of anything: {refused} refused in words", str(options.seed)
    )
    store = Store.create(folder / "store")
    store.add_plan(plan_document(cohorts=1))
    commit_cohort(store, 0)
    refused = fuzz_queries(store, options.fuzz, options.seed)
    yield Line(
        "H", options.fuzz, 0, f"queries made of anything: {refused} refused in words", str(options.seed)
    )


def full_disk(folder: Path, options: argparse.Namespace) -> Iterator[Line]:
    """Stage J: the disk is full, and has room again."""
    found = fill_disk(_made(folder), points=options.full, seed=options.seed)
    what = f"commits on a disk that fills at a random call: {found.refused} refused; lost {found.lost}"
    yield Line("J", found.points, found.lost + found.unreadable, what, str(options.seed))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _half_done(folder: Path) -> Store:
    store = Store.create(_made(folder) / "store")
    store.add_plan(plan_document())
    for number in range(2):
        commit_cohort(store, number, tables=tables_of(store, number))
    return store


def _killed(folder: Path, kills: int, seed: int, sabotage: str = "") -> Killed:
    words = [
        sys.executable,
        "-m",
        "tests.faults.kills",
        str(folder),
        str(seed),
        str(kills),
        *filter(None, [sabotage]),
    ]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return Killed(**json.loads(done.stdout.splitlines()[-1]))


STAGES: dict[str, Callable[[Path, argparse.Namespace], Iterator[Line]]] = {
    "A": every_step,
    "B": power_loss,
    "C": kills,
    "D": controls,
    "G": damage,
    "H": fuzz,
    "J": full_disk,
}


if __name__ == "__main__":
    sys.exit(main())
