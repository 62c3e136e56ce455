"""What the commands share: options, exit codes, and how an error becomes one clear message."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from gridsweep.spec import Sweep, WandbSweep
    from gridsweep.store import Store

EXIT_BAD_INPUT = 2
EXIT_SOME_FAILED = 3
EXIT_INTERRUPTED = 4
EXIT_CLAIMED = 5
EXIT_DAMAGED = 6
EXIT_DISK = 7
EXIT_OTHER_ENVIRONMENT = 8

SweepFile = Annotated[Path, typer.Argument(help="A sweep file (YAML).", metavar="SWEEP", show_default=False)]
StoreFolder = Annotated[
    Path,
    typer.Option("--store", "-s", help="The store's folder.", envvar="GRIDSWEEP_STORE", metavar="FOLDER"),
]
Format = Annotated[
    str, typer.Option("--format", "-f", help="text, or json for scripts.", metavar="text|json")
]
DEFAULT_STORE = Path("store")
DISK_ERRNOS = (28, 122)  # ENOSPC, EDQUOT


def fail(message: object, code: int = EXIT_BAD_INPUT) -> NoReturn:
    """Prints a message to standard error and ends the command."""
    print(message, file=sys.stderr)
    raise typer.Exit(code)


@contextlib.contextmanager
def clear_errors() -> Iterator[None]:
    """Turns the errors a user can mend into their message and an exit code; others keep their traceback."""
    from gridsweep.store import QueryError, StoreBusy, StoreDamaged, StoreError

    try:
        yield
    except StoreDamaged as error:
        fail(error, EXIT_DAMAGED)
    except StoreBusy as error:
        fail(error, EXIT_CLAIMED)
    except QueryError as error:
        fail(error)
    except StoreError as error:
        fail(error, EXIT_DISK if error.errno in DISK_ERRNOS else EXIT_BAD_INPUT)
    except OSError as error:
        if error.errno not in DISK_ERRNOS:
            raise
        fail(error, EXIT_DISK)


def read_sweep(path: Path, runs: int | None = None) -> "Sweep | WandbSweep":
    """Returns a checked sweep, or ends the command with every mistake of the file."""
    from gridsweep.spec import SweepError, load_sweep

    try:
        return load_sweep(path, runs=runs)
    except SweepError as error:
        fail(error)


def open_store(folder: Path, *, writable: bool = False, snapshot: str | None = None) -> "Store":
    """Returns an open store, or ends the command saying what is there instead.

    Args:
        folder: the store.
        writable: end the command now if nothing can be written there.
        snapshot: open it as it was at this saved snapshot.
    """
    from gridsweep.store import Store

    with clear_errors():
        store = Store.open(folder, writable=writable)
        return store.at_snapshot(snapshot) if snapshot else store


def check_format(chosen: str, *known: str) -> str:
    """Returns the format chosen, or ends the command naming those there are."""
    if chosen not in known:
        fail(f'--format: found "{chosen}", expected one of {", ".join(known)}')
    return chosen


def print_json(value: Any) -> None:
    """Prints a value as JSON, for scripts."""
    print(json.dumps(value, indent=1, sort_keys=False, default=str))


def cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def bytes_in_words(number: float) -> str:
    """Returns a number of bytes with the unit a person would choose."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def duration_in_words(seconds: float) -> str:
    """Returns a duration with the unit a person would choose."""
    for limit, unit, size in ((90, "s", 1), (90 * 60, "min", 60), (48 * 3600, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.1f} days"
