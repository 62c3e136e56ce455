"""What can go wrong with a store, as exceptions that say where, what was found, and what would be right."""

from collections.abc import Iterator
from contextlib import contextmanager


class StoreError(Exception):
    """The store cannot do what was asked.

    Args:
        message: where, what was found, what would be right.
        errno: the operating system's code when that was the cause: ENOSPC, EIO, EDQUOT …
    """

    def __init__(self, message: str, errno: int | None = None) -> None:
        super().__init__(message)
        self.errno = errno


class StoreDamaged(StoreError):
    """Something committed is missing or is not what was committed."""


class QueryError(StoreError):
    """A query was refused, stopped or wrong."""


class PlanRaced(StoreError):
    """Another process added a plan first, and the caller wanted to know."""


class StoreBusy(StoreError):
    """Another process holds what was asked for."""


class StoreWarning(UserWarning):
    """Part of the store was left out of an answer."""


@contextmanager
def naming(action: str) -> Iterator[None]:
    """Turns an OSError into a StoreError that says what was being done, and keeps its errno."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{action}: {error.strerror or error}{_of(error)}", error.errno) from error


def _of(error: OSError) -> str:
    return f": {error.filename}" if error.filename else ""
