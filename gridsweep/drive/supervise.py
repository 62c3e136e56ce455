"""The watchdog: a small process that owns the driver, and starts it again when it is dead or stuck.

No exception tells of the worst: when the head node's Ray dies, its driver aborts after a minute, or hangs
without a word. So this process looks at the store alone. When nothing was begun and nothing committed for
three times the usual time of a cohort, and ten minutes at least, or when the driver ended by a signal or by
Ray's hand, the driver and all its children are ended and the same command is given again. That is safe at
any moment: work to do is what the ledger lacks.
"""

import contextlib
import ctypes
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gridsweep.store.owner import Owner

PATIENCE_S = 600.0
COHORT_TIMES = 3.0
LOOK_EVERY_S = 2.0
MOST_RESTARTS = 20
# Restarts after which something was committed are no sign of a driver that cannot live.
MOST_IN_VAIN = 3
EXIT_GAVE_UP = 3
# The codes that the command itself ends with (docs/store.md). Ray ends a driver whose head is gone with 1,
# and so does Python after an exception that nobody foresaw: both are worth another try.
ANSWERS = frozenset({0, 2, 3, 4, 5, 6, 7, 8})
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def supervise(
    command: Sequence[str],
    store: Path,
    *,
    patience_s: float = PATIENCE_S,
    look_every_s: float = LOOK_EVERY_S,
    announce: Callable[[str], None] = lambda _: None,
) -> int:
    """Runs a driver until it ends by itself. Returns its exit code.

    Args:
        command: the driver's command line.
        store: where progress shows.
        patience_s: how long nothing may happen, at least.
        look_every_s: how often to look.
        announce: told of every restart.
    """
    in_vain = 0
    _adopt_orphans()
    for _ in range(MOST_RESTARTS):
        before, ours = committed(store), descendants(os.getpid())
        driver = subprocess.Popen(command)
        with _passing_on_signals(driver):
            why = _watch(driver, store, patience_s=patience_s, look_every_s=look_every_s)
        # Started too late to be seen while the driver lived: by now a child of this process.
        _end(descendants(os.getpid()) - ours)
        if not why:
            return driver.returncode
        in_vain = 0 if committed(store) > before else in_vain + 1
        if in_vain >= MOST_IN_VAIN:
            announce(f"supervise: {why}; {in_vain} drivers committed nothing, giving up")
            return EXIT_GAVE_UP
        announce(f"supervise: {why}; starting the driver again")
    announce(f"supervise: {MOST_RESTARTS} restarts, giving up")
    return EXIT_GAVE_UP


def committed(store: Path) -> int:
    """Returns the number of ledger entries, without opening the store."""
    return len(_names(store / "ledger"))


def _watch(driver: subprocess.Popen[bytes], store: Path, *, patience_s: float, look_every_s: float) -> str:
    """Waits for a driver; returns why it has to be started again, or nothing when it ended by itself."""
    seen, since_s = _signs(store), time.monotonic()
    times_s: list[float] = []
    family: set[Owner] = set()
    while True:
        try:
            driver.wait(look_every_s)
        except subprocess.TimeoutExpired:
            pass
        else:
            _end(family)
            return "" if driver.returncode in ANSWERS else f"the driver ended with {driver.returncode}"
        # Gathered while the driver lives: what outlives it belongs to nobody afterwards.
        family |= descendants(driver.pid)
        now_s, signs = time.monotonic(), _signs(store)
        if signs != seen:
            if signs[0] != seen[0]:
                times_s.append(now_s - since_s)
            seen, since_s = signs, now_s
        longest_s = max(patience_s, COHORT_TIMES * statistics.median(times_s) if times_s else 0.0)
        if now_s - since_s >= longest_s:
            _end(family)
            driver.wait()
            return f"nothing was begun or committed for {now_s - since_s:.0f} s"


def _signs(store: Path) -> tuple[int, tuple[str, ...]]:
    """Returns what changes when a cohort is committed, and when one is begun."""
    claims = tuple(name for name in _names(store / "leases") if name.endswith(".json"))
    return len(_names(store / "ledger")), claims


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def descendants(pid: int) -> set[Owner]:
    """Returns the processes that a process started, they in turn, and itself; nobody where /proc is not."""
    children: dict[int, list[int]] = {}
    for name in _names(Path("/proc")):
        with contextlib.suppress(OSError, ValueError):
            text = Path(f"/proc/{int(name)}/stat").read_text()
            parent = int(text[text.rindex(")") + 2 :].split()[1])
            children.setdefault(parent, []).append(int(name))
    found, left = set(), [pid]
    while left:
        process = Owner.of(left.pop())
        left += children.get(process.pid, [])
        if process.started:
            found.add(process)
    return found


def _end(family: set[Owner]) -> None:
    """Ends processes that are still the ones we saw, by their own ids."""
    for process in family:
        if not process.is_dead(Owner.here()):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, signal.SIGKILL)
    ends_s = time.monotonic() + 10
    while time.monotonic() < ends_s and any(not process.is_dead(Owner.here()) for process in family):
        time.sleep(0.05)
    for process in family:  # those that were adopted have nobody else to ask after them
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)


def _adopt_orphans() -> None:
    """Makes processes that outlive the driver that started them children of this one, where Linux can."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@contextlib.contextmanager
def _passing_on_signals(driver: subprocess.Popen[bytes]):
    """Hands SIGTERM on to the driver; Ctrl-C reaches it anyhow, as it is of the same terminal."""

    def hand_on(number: int, frame: object) -> None:
        del frame
        driver.send_signal(number)

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, hand_on)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
