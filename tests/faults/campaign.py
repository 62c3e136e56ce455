"""The campaign's table, as docs/store.md prints it: what was done to stores, how often, and what came of it.

    python -m tests.faults.campaign [--seed 20261124] [--stages ABCDEFGHIJKL] [--thorough]
                                    [--kills 1000] [--mutations 200] [--fuzz 500] [--full 50] [--draws 100]
                                    [--rounds 200]

Stages A to D, F to J are done here; E, K, L, and what of the others is a test of its own, are run as tests. K wants
root and Debian's iproute2, L moto; where these are not, the line says so. ``--thorough`` sets 20,000 kills over 20
seeds, 1,000 alterations of each of two stores, 10,000 sweep files and queries. Each stage says how long it took and
how much processor time it and all it started had. Every line has its seed and is reproduced by it, kills as far as
the kernel lets processes run alike. Exit 1 when anything was lost, doubled, torn or wrong, or a sabotaged store passed.
"""

import argparse
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from gridsweep.store import Store
from tests.faults.claim_rounds import run_rounds
from tests.faults.damage import run_damage
from tests.faults.kills import Killed
from tests.faults.named_tests import run_named, unwaited_s
from tests.faults.power_loss import EntryFirst, ModelledFS, lose_power
from tests.faults.test_full_disk import fill_disk
from tests.faults.test_fuzz import fuzz_queries, fuzz_sweeps
from tests.faults.test_power_loss import ACTIONS, commit_third, damaged_in, repair_and_redo, tables_of
from tests.store.every_step import CASES, OVERTAKEN, strike_everywhere
from tests.store.synthetic import commit_cohort, plan_document

ROOT = Path(__file__).parents[2]
SEED = 20261124
USUAL = {"kills": 1000, "mutations": 200, "fuzz": 500, "full": 50, "draws": 100, "rounds": 200}
THOROUGH = {**USUAL, "kills": 20_000, "mutations": 1000, "fuzz": 5000}
KILLS_A_SEED = 1000
SABOTAGE = ("direct", "unique", "overwriting", "ignores")
COLUMNS = ("stage", "cases", "bad", "what", "seed", "wall s", "processor s")


class Line(NamedTuple):
    """One line of the table."""

    stage: str
    cases: int
    bad: int
    what: str
    seed: str = "—"


def main() -> int:
    """Prints the table; returns 1 when something was not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in USUAL.items():
        parser.add_argument(f"--{name}", type=int, help=f"default {default}")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--thorough", action="store_true", help="the larger numbers of `make test-all`")
    parser.add_argument("--stages", default="".join(STAGES), help="which, by their letters")
    options = parser.parse_args()
    if unknown := set(options.stages) - set(STAGES):
        parser.error(f"--stages: no stage {', '.join(sorted(unknown))}; there are {''.join(STAGES)}")
    for name, default in (THOROUGH if options.thorough else USUAL).items():
        if getattr(options, name) is None:
            setattr(options, name, default)
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="gridsweep-campaign-", dir=memory if memory.is_dir() else None))
    rows, bad, begun = [], 0, _spent_s()
    try:
        for letter in options.stages:
            since = _spent_s()
            for line in _stage(letter, folder / letter, options):
                now = _spent_s()
                rows.append(
                    (
                        *(line.stage, f"{line.cases:,}", f"{line.bad:,}", line.what, line.seed),
                        *(f"{after - before:.0f}" for before, after in zip(since, now, strict=True)),
                    )
                )
                print(" ".join(rows[-1]), file=sys.stderr, flush=True)
                bad, since = bad + line.bad, now
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        total = [f"{now - before:.0f}" for before, now in zip(begun, _spent_s(), strict=True)]
        print("\n" + _in_a_row(COLUMNS) + "\n" + "|---" * len(COLUMNS) + "|")
        for row in (*rows, ("all", "", f"{bad:,}", "", "", *total)):
            print(_in_a_row(row))
    return 1 if bad else 0


def _in_a_row(words: tuple[str, ...]) -> str:
    return f"| {' | '.join(words)} |"


def _spent_s() -> tuple[float, float]:
    """Returns seconds of the clock, and of processors by this process and all that it started."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.monotonic(), sum(one.ru_utime + one.ru_stime for one in used) + unwaited_s()


def _stage(letter: str, folder: Path, options: argparse.Namespace) -> Iterator[Line]:
    """Yields a stage's lines; a stage that ends in disorder is a bad line, and the others go on."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield from STAGES[letter](folder, options)
    except Exception as error:
        traceback.print_exc()
        first = str(error).partition("\n")[0]
        yield Line(letter, 1, 1, f"ended in disorder: {type(error).__name__}: {first}")


def every_step(folder: Path, options: argparse.Namespace) -> Iterator[Line]:
    """Stage A: each call of a commit fails in each way, then the commit is repeated."""
    found = strike_everywhere(_made(folder))
    what = f"calls of a commit that fail in {len(CASES)} ways or are overtaken in {len(OVERTAKEN)}"
    yield Line("A", found.cases, found.bad, f"{what}{_first(found)}")
    others = (
        "adding_a_plan_that_fails_anywhere_and_is_repeated_adds_one",
        "creating_a_store_that_fails_anywhere_and_is_repeated_makes_one",
        "a_claim_that_fails_anywhere_never_ends_with_two_holders",
        "a_store_that_writes_under_the_final_name_is_caught_torn",
        "a_store_whose_links_overwrite_is_caught_committing_twice",
    )
    names = [f"tests/store/test_fault_at_every_step.py::test_{name}" for name in others]
    yield _as_one(
        "A", names, folder, "plans, new stores, claims whose calls fail; weakened stores are caught"
    )


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
    sums: Counter[str] = Counter()
    seeds, left = 0, options.kills
    while left > 0:
        found = _killed(_made(folder / str(seeds)), min(left, KILLS_A_SEED), options.seed + seeds)
        sums.update({name: value for name, value in asdict(found).items() if name != "seed"})
        shutil.rmtree(folder / str(seeds))
        seeds, left = seeds + 1, left - found.kills
    what = (
        f"kills: {sums['drivers']:,} drivers, {sums['workers']:,} workers, {sums['second_drivers']} second "
        f"drivers; {sums['cohorts']:,} cohorts, {sums['executions']:,} executions; lost {sums['lost']}, "
        f"doubled {sums['doubled']}, torn {sums['torn']}, wrong {sums['wrong']}"
    )
    first, last = options.seed, options.seed + seeds - 1
    bad = sum(sums[name] for name in ("lost", "doubled", "torn", "wrong"))
    seed = str(first) if seeds == 1 else f"{first} to {last}"
    yield Line("C", sums["drivers"] + sums["workers"], bad, what, seed)
    yield from _each("C", ["tests/faults/test_kills_inline.py"], folder)


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
    yield from _each("D", ["tests/faults/test_optimizer_outside_vmap.py"], folder)


def ray(folder: Path, options: argparse.Namespace) -> Iterator[Line]:
    """Stage E: real Ray, and its parts killed."""
    del options
    drivers = "tests/faults/test_kills_ray.py::test_three_kills_of_the_driver_lose_nothing_and_double_nothing"
    others = (
        "test_a_killed_worker_costs_one_attempt_and_the_sweep_completes",
        "test_a_lost_node_of_a_cluster_delays_the_sweep_and_no_more",
        "test_the_watchdog_outlives_the_head_of_ray",
    )
    for name in (drivers, *(f"tests/faults/test_ray_faults.py::{name}" for name in others)):
        yield from _each("E", [name], folder)


def lanes(folder: Path, options: argparse.Namespace) -> Iterator[Line]:
    """Stage F: lanes beside any neighbours, killed at any step, beside a NaN."""
    from tests.faults.lane_draws import draw_lanes  # JAX: no other stage wants it

    found = draw_lanes(_made(folder), draws=options.draws, seed=options.seed)
    what = f"lanes of {options.draws} cohorts drawn, killed and resumed: {found.different} with other bits"
    yield Line("F", found.lanes, found.different, what + _first(found), str(options.seed))
    what = (
        f"lanes beside a NaN at a random place and step: {found.touched} touched, {found.unnoticed} unnoticed"
    )
    yield Line("F", found.beside_nan, found.touched + found.unnoticed, what, str(options.seed))


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
    text = (ROOT / "docs" / "errors.md").read_text()
    named = dict.fromkeys(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", text))
    rows = len(re.findall(r"^\| \d+ \|", text, re.MULTILINE))
    yield _as_one("H", list(named), folder, f"the {rows} rows of docs/errors.md, by their tests")


def full_disk(folder: Path, options: argparse.Namespace) -> Iterator[Line]:
    """Stage J: the disk is full, and has room again."""
    found = fill_disk(_made(folder), points=options.full, seed=options.seed)
    what = f"commits on a disk that fills at a random call: {found.refused} refused; lost {found.lost}"
    yield Line("J", found.points, found.lost + found.unreadable, what, str(options.seed))
    kernel = [
        "test_a_limit_on_the_size_of_files_is_such_a_disk",
        "test_what_the_full_device_says_is_taken_for_a_full_disk",
    ]
    yield from _each("J", [f"tests/faults/test_full_disk.py::{name}" for name in kernel], folder)


def drivers_at_once(folder: Path, options: argparse.Namespace) -> Iterator[Line]:
    """Stage I: several processes at once, one of which freezes."""
    found = run_rounds(_made(folder), rounds=options.rounds, seed=options.seed)
    what = (
        f"rounds of 4 at once, the holder frozen for 90 s: {found.launches} launches, {found.early} of them early; "
        f"doubled {found.doubled}, lost {found.lost}; taken over after {found.longest_s:.0f} s at most"
    )
    yield Line("I", found.rounds, found.bad, what, str(options.seed))
    yield from _each("I", ["tests/faults/test_shared_store.py"], folder)


def hosts(folder: Path, options: argparse.Namespace) -> Iterator[Line]:
    """Stage K: hosts of their own, one of which is lost."""
    del options
    yield from _each("K", ["tests/faults/test_hosts.py"], folder)


def object_store(folder: Path, options: argparse.Namespace) -> Iterator[Line]:
    """Stage L: the same commit on an object store, over HTTP."""
    del options
    yield _as_one(
        "L",
        ["tests/store/test_s3.py"],
        folder,
        "races, lost answers, damage, a service that overwrites, over HTTP",
    )
    yield from _each("L", ["tests/faults/test_ray_on_s3.py"], folder)


def _each(letter: str, tests: list[str], folder: Path) -> Iterator[Line]:
    """Runs tests in one process, and yields a line for each."""
    for test in run_named(tests, _made(folder)):
        cases = test.figures.pop("cases", "1")
        seed = test.figures.pop("seed", "—")
        yield Line(letter, 0 if test.skipped else int(cases), int(test.failed), test.in_words, seed)


def _as_one(letter: str, tests: list[str], folder: Path, what: str) -> Line:
    """Runs tests in one process, and returns one line for all."""
    found = run_named(tests, _made(folder))
    ran = [test for test in found if not test.skipped]
    failed = [test.name for test in ran if test.failed]
    why = dict.fromkeys(test.skipped for test in found if test.skipped)
    words = [what, *(f"failed: {name}" for name in failed), *(f"not run: {reason}" for reason in why)]
    return Line(letter, len(ran), len(failed), "; ".join(words))


def _first(found) -> str:
    return f"; first {found.first}" if found.first else ""


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
    "E": ray,
    "F": lanes,
    "G": damage,
    "H": fuzz,
    "I": drivers_at_once,
    "J": full_disk,
    "K": hosts,
    "L": object_store,
}


if __name__ == "__main__":
    sys.exit(main())
