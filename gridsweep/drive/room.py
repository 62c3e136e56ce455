"""Room on the disk: below a floor nothing new is begun, so that what is under way can still be kept.

The floor keeps this command from filling the disk, not others. So a command also holds back a file as large
as what its cohorts under way will write, and gives it up when the disk is full, for them to commit.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from gridsweep.drive.failure import DiskFull
from gridsweep.store import Store
from gridsweep.store.owner import Owner

FLOOR_BYTES = 2**30
FLOOR_SHARE = 0.02
FLOOR_FILES = 1000
# Of the file held back.
LEAST_RESERVE_BYTES = 2**20
MOST_RESERVE_BYTES = 2**26
RESERVE = ".reserve.tmp"  # in staging, where `verify` tidies up after processes that were killed


def check_room(store: Store) -> None:
    """Raises DiskFull when a store's disk has less than 1 GiB or 2 % left, or no room for files.

    An object store is never full.
    """
    if not store.fs.local:
        return
    folder = store.path
    found = os.statvfs(folder)
    free, size = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    floor = min(max(FLOOR_BYTES, FLOOR_SHARE * size), size / 2)
    if free < floor:
        raise DiskFull(
            f"{folder}: {free / 2**20:,.0f} MiB are free, less than the {floor / 2**20:,.0f} MiB below which "
            "nothing new is begun; make room and give the same command again"
        )
    if found.f_files and found.f_favail < FLOOR_FILES:  # a file system without a fixed number says 0
        raise DiskFull(
            f"{folder}: room for {found.f_favail:,} more files, less than {FLOOR_FILES:,}; "
            "make room and give the same command again"
        )


@contextlib.contextmanager
def reserved(store: Store, size_bytes: float) -> Iterator[None]:
    """Holds room back for as long as a command runs, where there is room to spare and a way to hold it.

    Args:
        store: on whose disk.
        size_bytes: what the cohorts under way will write.
    """
    size = int(min(max(size_bytes, LEAST_RESERVE_BYTES), MOST_RESERVE_BYTES))
    path = store.layout.staging / f"{Owner.here().tag()}{RESERVE}"
    if not store.fs.local:
        yield
        return
    with contextlib.suppress(OSError, DiskFull):
        check_room(store)
        _hold(path, size)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def give_up_reserves(store: Store) -> bool:
    """Removes what any command holds back on this store; returns whether there was anything."""
    found = False
    with contextlib.suppress(OSError):
        for name in store.fs.names(store.layout.staging):
            if name.endswith(RESERVE):
                store.fs.unlink(store.layout.staging / name)
                found = True
    return found


def _hold(path: Path, size: int) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        # Blocks of the disk, not a length with nothing behind it.
        os.posix_fallocate(descriptor, 0, size)
    except (OSError, AttributeError):
        path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)
