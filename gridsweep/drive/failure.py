"""What an exception means: why an attempt failed, in one word, and whether trying again can help."""

import errno
import re

from gridsweep.store import StoreError

# Full, over quota: of nobody's making, and gone when somebody tidies up. Never held against a cohort.
DISK_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
# What would go wrong the same way again.
NOT_RETRIED = ("config_error", "scorer_error")
MOST_ATTEMPTS = 3

_ALLOCATION = re.compile(r"allocat\w*(?: of)? ([\d.,]+ ?(?:[KMGT]i?B|bytes|B))", re.IGNORECASE)
_OUT_OF_MEMORY = ("resource_exhausted", "out of memory", "cannot allocate memory", "bad_alloc")


class DiskFull(Exception):
    """The store's disk is full, or too nearly so to begin anything."""


class OtherLibraries(Exception):
    """A worker of a cluster has other libraries than the driver."""


def is_disk_full(error: BaseException) -> bool:
    """Whether an error says that the disk or a quota is full."""
    return getattr(error, "errno", None) in DISK_ERRNOS


def reason_of(error: BaseException, *, training: bool) -> str:
    """Returns the word for an exception, one of ``results_schema.REASONS["failed"]``.

    Args:
        error: what was raised.
        training: whether the cohort had begun to train; before that, what is wrong is its settings.
    """
    if isinstance(error, MemoryError) or any(words in str(error).lower() for words in _OUT_OF_MEMORY):
        return "oom"
    if isinstance(error, StoreError):
        # Without a code of the system's, it is the contract that refused the scores.
        return "io_error" if error.errno is not None else "scorer_error"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, OSError):
        return "io_error"
    if not training and isinstance(error, ValueError | TypeError | KeyError):
        return "config_error"
    return "internal"


def memory_in_words(error: BaseException, *, micro_batch: int | None, have_bytes: int | None) -> str:
    """Returns an out-of-memory error as the width, what was needed, what there is, and what to change.

    Args:
        error: what was raised.
        micro_batch: lanes computed together; None when memory ran out before that was settled.
        have_bytes: the device's memory, if known.
    """
    found = _ALLOCATION.search(str(error))
    need = f"it asked for {found[1].strip()} more" if found else f"it said {str(error)[:120]!r}"
    have = f"the device has {have_bytes / 2**30:.1f} GiB" if have_bytes else "how much there is, is not known"
    if micro_batch == 1:
        then = "fewer are not possible: lower training.batch_size, training.steps or network.units"
    else:
        then = f"the next try computes {micro_batch // 2 if micro_batch else 1}"
    lanes = f"{micro_batch} lanes" if micro_batch else "as many lanes as suit this device"
    return f"out of memory with {lanes} computed together: {need}, {have}; {then}"


def device_bytes() -> int | None:
    """Returns the memory of the device that trains: the GPU's, or the machine's; None if it does not tell."""
    import os

    import jax

    stats = jax.devices()[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return int(stats["bytes_limit"])
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
