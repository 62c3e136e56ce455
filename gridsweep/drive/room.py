"""Room on the disk: below a floor nothing new is begun, so that what is under way can still be kept."""

import os
from pathlib import Path

from gridsweep.drive.failure import DiskFull

FLOOR_BYTES = 2**30
FLOOR_SHARE = 0.02
FLOOR_FILES = 1000


def check_room(folder: Path) -> None:
    """Raises DiskFull when the disk under a folder has less than 1 GiB or 2 % left, or no room for files."""
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
