"""What happened to cohorts on their way: failed attempts, and a plain log, for people and retry limits.

None of it is part of the record: it may be deleted, and no number depends on it.
"""

import datetime
import json
from typing import TYPE_CHECKING, Any

from gridsweep.store.columns import clean_text
from gridsweep.store.fs import put_if_absent
from gridsweep.store.layout import check_id

if TYPE_CHECKING:
    from pathlib import Path

    from gridsweep.store.store import Store


def record_attempt(
    store: "Store", cohort_id: str, message: str, *, reason: str = "internal", micro_batch: int | None = None
) -> int:
    """Writes down that an attempt at a cohort failed, and why. Returns the number of attempts so far.

    Args:
        store: the store.
        cohort_id: the cohort.
        message: what a person reads.
        reason: one of ``results_schema.REASONS["failed"]``.
        micro_batch: lanes that were computed together, where that matters.
    """
    folder = _folder(store, cohort_id)
    store.fs.make_dir(folder)
    content = {
        "cohort_id": cohort_id,
        "at": _now(),
        "reason": reason,
        "message": clean_text(message),
        "micro_batch": micro_batch,
    }
    number = count_attempts(store, cohort_id) + 1
    while not put_if_absent(
        store.fs, store.layout.staging, folder / f"{number}.json", json.dumps(content).encode()
    ):
        number += 1
    return number


def count_attempts(store: "Store", cohort_id: str) -> int:
    """Returns how many attempts at a cohort have failed."""
    return sum(name.endswith(".json") for name in store.fs.names(_folder(store, cohort_id)))


def failed_attempts(store: "Store", cohort_id: str) -> list[dict[str, Any]]:
    """Returns the failed attempts at a cohort in order: when, and why."""
    folder = _folder(store, cohort_id)
    names = sorted((name for name in store.fs.names(folder) if name.endswith(".json")), key=len)
    return [json.loads(store.fs.read(folder / name)) for name in names]


def write_log(store: "Store", cohort_id: str, line: str) -> None:
    """Appends one line to a cohort's log."""
    folder = _folder(store, cohort_id)
    store.fs.make_dir(folder)
    store.fs.append(folder / "log.txt", f"{_now()}  {clean_text(line)}\n")


def read_log(store: "Store", cohort_id: str) -> str:
    """Returns a cohort's log; empty when nobody has worked on it."""
    path = _folder(store, cohort_id) / "log.txt"
    return store.fs.read(path).decode(errors="replace") if store.fs.stat(path) else ""


def _folder(store: "Store", cohort_id: str) -> "Path":
    return store.path / "attempts" / check_id(cohort_id, "cohort_id")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
