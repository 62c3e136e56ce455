"""Stage C: drivers and workers are killed at random moments, a thousand times, on stores that fill up.

A driver forks two workers and starts another when one dies. The campaign kills the driver, whose
workers then go on as orphans while the next driver starts, or it kills a worker; at times two drivers
are alive at once. Nobody trains: a worker claims a cohort, makes small tables from a seed, commits them,
and writes what it was told to a witness log that the store does not know of.

    python -m tests.faults.kills FOLDER SEED KILLS [direct|unique|overwriting|ignores]

A process of its own, with nothing imported that has threads: it forks some thousands of times. Prints one
line of JSON.
"""

import functools
import json
import os
import random
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from gridsweep.store import Claims, Store, StoreDamaged, StoreError, StoreWarning, commit
from gridsweep.store.fs import FS
from tests.store.checker import check_store
from tests.store.every_step import made_once
from tests.store.synthetic import cohort_tables, commit_cohort, plan_document

WORKERS = 2
SHARE_OF_DRIVERS = 0.56
SHARE_OF_SECOND_DRIVERS = 0.02
COHORTS_A_ROUND = 70
KILLS_A_ROUND = 100
RUNS_A_COHORT = 2
SLOWEST_CALL_S = 0.005
# A sabotaged store is only caught when a kill hits the right moment.
MOST_TRIES = 10


@dataclass
class Killed:
    """What a campaign of kills found."""

    seed: int
    drivers: int = 0
    workers: int = 0
    second_drivers: int = 0
    cohorts: int = 0
    executions: int = 0
    lost: int = 0
    doubled: int = 0
    torn: int = 0
    wrong: int = 0

    @property
    def kills(self) -> int:
        return self.drivers + self.workers

    @property
    def wasteful(self) -> bool:
        """Whether more was done twice than was in flight when somebody died."""
        return self.executions > self.cohorts + WORKERS * self.kills

    @property
    def bad(self) -> int:
        return self.lost + self.doubled + self.torn + self.wrong


def run_kills(
    folder: Path, *, kills: int, seed: int, fs: Callable[[], FS] = FS, ignore_ledger: bool = False
) -> Killed:
    """Runs rounds of a hundred kills, each on a new store, and checks every store afterwards."""
    found = Killed(seed)
    rng = random.Random(seed)
    number = 0
    plan = plan_document(cohorts=COHORTS_A_ROUND, runs=RUNS_A_COHORT)
    with made_once():
        _make_tables(plan)
        while found.kills < kills:
            root = folder / f"store{number}"
            number += 1
            Store.create(root).add_plan(plan)
            _round(root, rng, found, min(KILLS_A_ROUND, kills - found.kills), fs, ignore_ledger)
            _check(root, found)
    return found


def _make_tables(plan: dict) -> None:
    """Makes what all workers commit, before the first of them is forked.

    So that what is killed is a commit's way to the disk and not its arithmetic; and Arrow is imported, which
    takes longer than a worker lives.
    """
    for number, cohort in enumerate(plan["cohorts"]):
        tables = small_tables(cohort["runs"], number)
        for name, table in commit.build_tables(cohort["cohort_id"], cohort["runs"], tables).items():
            commit.encode(name, table)


def small_tables(run_ids: list[str], number: int) -> dict[str, dict]:
    """Returns small tables of two kinds: the same object for the same question."""
    return _small_tables(tuple(run_ids), number)


@functools.cache
def _small_tables(run_ids: tuple[str, ...], number: int) -> dict[str, dict]:
    tables = cohort_tables(list(run_ids), seed=number, units=2, bins=(2,))
    return {name: tables[name] for name in ("runs", "units")}


def _round(
    root: Path, rng: random.Random, found: Killed, kills: int, fs: Callable[[], FS], ignore_ledger: bool
) -> None:
    drivers = [_fork_driver(root, rng.randrange(2**31), fs, ignore_ledger)]
    longest_s, done = 0.02, 0
    while done < kills:
        time.sleep(rng.uniform(0.0, longest_s))
        driver = rng.choice(drivers)
        if rng.random() < SHARE_OF_DRIVERS:
            drivers.remove(driver)
            died = _kill(driver, own=True)
            found.drivers += died
            drivers.append(_fork_driver(root, rng.randrange(2**31), fs, ignore_ledger))
        else:
            workers = _children(driver)
            died = bool(workers) and _kill(rng.choice(workers), own=False)
            found.workers += died
        done += died
        if len(drivers) == 1 and rng.random() < SHARE_OF_SECOND_DRIVERS:
            drivers.append(_fork_driver(root, rng.randrange(2**31), fs, ignore_ledger))
            found.second_drivers += 1
        # Most kills shall hit a commit, and work shall be left until the last.
        ahead = len(os.listdir(root / "ledger")) / COHORTS_A_ROUND > done / kills
        longest_s *= 0.9 if ahead else 1.1
    for driver in drivers:
        orphans = _children(driver)
        _kill(driver, own=True)
        for orphan in orphans:
            _wait_gone(orphan)
    last = _fork_driver(root, rng.randrange(2**31), fs, ignore_ledger)
    ends_s = time.monotonic() + 60
    while os.waitpid(last, os.WNOHANG)[0] == 0:
        if time.monotonic() > ends_s:
            _kill(last, own=True)
            break
        time.sleep(0.01)


def _fork_driver(root: Path, seed: int, fs: Callable[[], FS], ignore_ledger: bool) -> int:
    child = os.fork()
    if child:
        return child
    try:
        rng = random.Random(seed)
        workers = {_fork_worker(root, rng.randrange(2**31), fs, ignore_ledger) for _ in range(WORKERS)}
        while workers:
            pid, status = os.wait()
            workers.discard(pid)
            if status:
                workers.add(_fork_worker(root, rng.randrange(2**31), fs, ignore_ledger))
    finally:
        os._exit(0)


def _fork_worker(root: Path, seed: int, fs: Callable[[], FS], ignore_ledger: bool) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        _work(root, random.Random(seed), os.getppid(), fs(), ignore_ledger)
        code = 0
    except (StoreDamaged, StoreError):
        code = 0  # a sabotaged store: the checker is to see it, and not a loop of restarts
    finally:
        os._exit(code)


def _work(root: Path, rng: random.Random, driver: int, fs: FS, ignore_ledger: bool) -> None:
    store = Store.open(root, fs=fs)
    claims = Claims(store)
    cohorts = list(store.plan(1).cohorts.items())
    committed = set() if ignore_ledger else store.committed_cohorts()
    left = [number for number, (cohort_id, _) in enumerate(cohorts) if cohort_id not in committed]
    rng.shuffle(left)
    for number in left:
        if os.getppid() != driver:
            return  # an orphan ends after the cohort it was at
        cohort_id, run_ids = cohorts[number]
        if (claim := claims.try_claim(cohort_id)) is None:
            continue
        if ignore_ledger or store.ledger.get(cohort_id) is None:
            witness(root, f"begun {cohort_id}\n")
            outcome = commit_cohort(store, number, tables=small_tables(list(run_ids), number))
            witness(root, f"{outcome.name} {cohort_id} {outcome.scores_differ}\n")
        claim.release()


def witness(root: Path, line: str) -> None:
    """Writes down what a worker was told, beside the store and not through it."""
    log = os.open(root.with_name(f"{root.name}.witness"), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
    os.write(log, line.encode())
    os.close(log)


def _check(root: Path, found: Killed) -> None:
    """Adds what the witness log and the checker, neither of which is the store's, say of a round."""
    lines = [line.split() for line in root.with_name(f"{root.name}.witness").read_text().splitlines()]
    found.cohorts += COHORTS_A_ROUND
    found.executions += sum(words[0] == "begun" for words in lines)
    told = Counter(words[1] for words in lines if words[0] == "committed")
    found.doubled += sum(count - 1 for count in told.values())
    found.wrong += sum(words[2] == "True" for words in lines if words[0] in ("committed", "already"))
    try:
        there = check_store(root)
    except (AssertionError, ValueError, OSError):
        found.torn += 1
        return
    found.lost += len(set(told) - set(there)) + COHORTS_A_ROUND - len(there)


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _kill(pid: int, *, own: bool) -> bool:
    """Kills a process of this campaign; returns whether it was alive."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    if own:
        _, status = os.waitpid(pid, 0)
        return os.WIFSIGNALED(status)
    return True


def _wait_gone(pid: int) -> None:
    ends_s = time.monotonic() + 10
    while time.monotonic() < ends_s and Path(f"/proc/{pid}").exists():
        time.sleep(0.005)


class Slow(FS):
    """The real file system on a slow disk: so most kills fall between two calls of a commit, and cost nothing."""

    def __init__(self) -> None:
        self._rng = random.Random()

    def _wait(self) -> None:
        time.sleep(self._rng.uniform(0.0, SLOWEST_CALL_S))

    def write_new(self, path: Path, data: bytes | memoryview) -> None:
        self._wait()
        super().write_new(path, data)

    def link(self, source: Path, target: Path) -> bool:
        self._wait()
        return super().link(source, target)

    def fsync_dir(self, path: Path) -> None:
        self._wait()
        super().fsync_dir(path)

    def unlink(self, path: Path) -> None:
        self._wait()
        super().unlink(path)


class Direct(Slow):
    """A store that writes under the final name: torn when it is killed halfway."""

    def link(self, source: Path, target: Path) -> bool:
        if target.parent.name in ("leases",):
            return super().link(source, target)
        if target.exists():
            return False
        data = source.read_bytes()
        with target.open("wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            time.sleep(0.05 if target.parent.name == "ledger" else 0.0)
            file.write(data[len(data) // 2 :])
        return True


class Blind(Slow):
    """A store that does not look whether a cohort is in the ledger."""

    def stat(self, path: Path) -> os.stat_result | None:
        return None if path.parent.name == "ledger" else super().stat(path)


class UniqueNames(Blind):
    """A store that gives every entry a name of its own, so that nobody meets anybody."""

    def link(self, source: Path, target: Path) -> bool:
        if target.parent.name == "ledger" and target.exists():
            target = target.with_name(f"{os.urandom(8).hex()}.json")
        return super().link(source, target)


class Overwriting(Blind):
    """A store that commits by renaming over whatever is there, so that the last one wins."""

    def link(self, source: Path, target: Path) -> bool:
        if target.parent.name != "ledger":
            return super().link(source, target)
        copy = source.with_name(f"{source.name}.copy")
        os.link(source, copy)
        os.replace(copy, target)
        return True


SABOTAGED = {"": Slow, "direct": Direct, "unique": UniqueNames, "overwriting": Overwriting, "ignores": Slow}


def main(folder: str, seed: str, kills: str, sabotage: str = "") -> None:
    """Runs one campaign; a sabotaged one again, until it is caught or that is hopeless."""
    warnings.simplefilter("ignore", StoreWarning)
    for again in range(MOST_TRIES if sabotage else 1):
        path = Path(folder) / str(again)
        path.mkdir(parents=True)
        found = run_kills(
            path,
            kills=int(kills),
            seed=int(seed) + again,
            fs=SABOTAGED[sabotage],
            ignore_ledger=sabotage in ("unique", "overwriting", "ignores"),
        )
        if found.bad or found.wasteful:
            break
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main(*sys.argv[1:])
