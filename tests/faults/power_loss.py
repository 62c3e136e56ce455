"""Stage B: the power fails after any step, and the disk holds any part of what was not forced to it.

SIGKILL cannot show this: the kernel still writes what a dead process left. So the file system is
modelled. Bytes are on disk once their file was fsynced, a name once its directory was; everything
else may be there or not, each for itself. At every step the states that a power loss could leave are
built as real folders, some of them if they are many, and read by the store and by the checker.
"""

import itertools
import json
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gridsweep.store import Store
from gridsweep.store.fs import FS
from tests.store.checker import check_store

# Of each step at most so many states: all lost, all kept, one alone, all but one, and some at random.
MOST_STATES = 12


@dataclass
class Disk:
    """What is on disk for certain, and what may be."""

    files: dict[Path, bytes] = field(default_factory=dict)
    # In order: (path, bytes or None when the name was removed). Later ones win.
    pending: list[tuple[Path, bytes | None]] = field(default_factory=list)


class ModelledFS(FS):
    """The real file system, and beside it a model of what a power loss would leave of it.

    Args:
        disk: the model; begins with what is there and safe.
        at_step: called before and after everything that changes the disk.
        sync_data: whether fsync of a file works; False is a control.
        sync_names: whether fsync of a directory works; False is a control.
    """

    def __init__(
        self, disk: Disk, at_step: Callable[[], None], *, sync_data: bool = True, sync_names: bool = True
    ) -> None:
        self.disk, self.at_step = disk, at_step
        self.sync_data, self.sync_names = sync_data, sync_names
        self._torn: set[Path] = set()

    def write_new(self, path: Path, data: bytes | memoryview) -> None:
        super().write_new(path, data)
        # The name is not safe. The bytes are, under whatever name the file has, unless fsync lies.
        whole = bytes(data)
        self.disk.pending.append((path, whole if self.sync_data else whole[: len(whole) // 2]))
        self.at_step()

    def link(self, source: Path, target: Path) -> bool:
        ours = super().link(source, target)
        if ours:
            held = next(data for path, data in reversed(self.disk.pending) if path == source)
            self.disk.pending.append((target, held))
        self.at_step()
        return ours

    def fsync_dir(self, path: Path) -> None:
        super().fsync_dir(path)
        if self.sync_names:
            kept = []
            for name, data in self.disk.pending:
                if name.parent != path:
                    kept.append((name, data))
                elif data is None:
                    self.disk.files.pop(name, None)
                else:
                    self.disk.files[name] = data
            self.disk.pending = kept
        self.at_step()

    def replace(self, source: Path, target: Path) -> None:
        data = source.read_bytes() if source.is_file() else b""
        super().replace(source, target)
        self.disk.pending += [(source, None), (target, data)]
        self.at_step()

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        self.disk.pending.append((path, None))
        self.at_step()


class EntryFirst(ModelledFS):
    """A control: a data file's directory is only fsynced when the entry is there."""

    def fsync_dir(self, path: Path) -> None:
        if path.parent.name in ("runs", "units"):
            self.at_step()
            return
        super().fsync_dir(path)


def disk_of(root: Path) -> Disk:
    """Returns the model of a store that is safely on disk."""
    return Disk(files={path: path.read_bytes() for path in root.rglob("*") if path.is_file()})


def states(disk: Disk, rng: random.Random) -> Iterator[dict[Path, bytes]]:
    """Yields what a power loss now might leave: any of the unsynced names kept, any lost."""
    pending = disk.pending
    number = len(pending)
    chosen: list[tuple[int, ...]] = [(), tuple(range(number))]
    # The newest first: staging files of steps long past are pending for ever.
    chosen += [(place,) for place in reversed(range(number))][: MOST_STATES // 3]
    chosen += [tuple(p for p in range(number) if p != place) for place in reversed(range(number))][
        : MOST_STATES // 3
    ]
    chosen += [tuple(p for p in range(number) if rng.random() < 0.5) for _ in range(MOST_STATES)]
    for kept in itertools.islice(dict.fromkeys(chosen), MOST_STATES):
        files = dict(disk.files)
        for place in kept:
            path, data = pending[place]
            if data is None:
                files.pop(path, None)
            else:
                files[path] = data
        yield files


def build(files: dict[Path, bytes], root: Path, copy: Path) -> Path:
    """Makes a folder of a state."""
    shutil.rmtree(copy, ignore_errors=True)
    for path, data in files.items():
        target = copy / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    for folder in ("ledger", "plans", "revoked"):
        (copy / folder).mkdir(parents=True, exist_ok=True)
    return copy


@dataclass
class PowerLosses:
    """What was looked at and found."""

    states: int = 0
    bad: int = 0
    first: str = ""


def lose_power(
    root: Path,
    scratch: Path,
    action: Callable[[FS], set[str]],
    *,
    seed: int,
    fs: type[ModelledFS] = ModelledFS,
    damaged: str = "",
    until_bad: bool = False,
    **controls: bool,
) -> PowerLosses:
    """Lets the power fail after every step of an action, in many ways, and once it is over.

    Args:
        root: a store that is safely on disk; changed by the action.
        scratch: where states are built.
        action: does something through a file system and returns the cohorts that are then acknowledged.
        seed: of the states drawn.
        fs: the model.
        damaged: a file that was damaged before the action: so it may be until its revocation is on disk.
        until_bad: look no further once something is wrong.
        controls: what of it is broken.
    """
    found, rng = PowerLosses(), random.Random(seed)
    disk = disk_of(root)
    # A revocation names a cohort for ever: what it names may be gone.
    before = set(_committed(root))

    def look(acknowledged: set[str], what: str) -> None:
        if until_bad and found.bad:
            return
        for files in states(disk, rng):
            found.states += 1
            wrong = _wrong_with(build(files, root, scratch / "state"), acknowledged)
            revoked = any(path.parent.name == "revoked" for path in files)
            if wrong and not (damaged and damaged in wrong and not revoked):
                found.bad += 1
                found.first = found.first or f"{what}: {wrong}"

    steps = itertools.count(1)
    modelled = fs(disk, lambda: look(before - _being_revoked(root), f"step {next(steps)}"), **controls)
    acknowledged = action(modelled)
    look(acknowledged, "at the end")
    return found


def _committed(root: Path) -> set[str]:
    return {path.name.split(".")[0] for path in (root / "ledger").iterdir()}


def _being_revoked(root: Path) -> set[str]:
    return {path.name.split(".")[0] for path in (root / "revoked").iterdir()}


def _wrong_with(copy: Path, acknowledged: set[str]) -> str:
    try:
        there = set(check_store(copy))
    except (AssertionError, ValueError, OSError) as error:
        return f"torn: {error}"
    if lost := acknowledged - there:
        return f"acknowledged and lost: {sorted(lost)}"
    store = Store.open(copy)
    if store.ledger.entries().keys() != there:
        return "the store and the checker disagree"
    rows = store.table("runs", ["run_id"]).num_rows
    planned = {
        c["cohort_id"]: c["runs"]
        for p in (copy / "plans").iterdir()
        for c in json.loads(p.read_text())["cohorts"]
    }
    if rows != sum(len(planned[cohort]) for cohort in there):
        return f"{rows} rows"
    return ""
