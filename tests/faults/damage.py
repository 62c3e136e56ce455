"""Stage G: anything in a finished store is altered, and no wrong number may be reported for it.

A byte, a run of bytes, a length, a whole file, two files in one another's place: after each the store is
asked what it holds. It may say that something is damaged, or answer; an answer must be the right one, or
come with a warning that names what was left out. And ``verify`` must name every alteration that is not
provably harmless. Then the file is put back.
"""

import random
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from gridsweep.store import Store, StoreError, StoreWarning
from gridsweep.store.compact import compact
from gridsweep.store.verify import verify
from results_schema import stored_schema
from tests.store.synthetic import commit_cohort, plan_document

ASKED = ("runs", "units", "history")
KINDS = ("bit", "bytes", "zeros", "truncated", "extended", "emptied", "deleted", "swapped", "doubled")
# What no answer depends on: leases, logs, staging.
_KEPT = (
    "STORE.json",
    "plans",
    "ledger",
    "runs",
    "units",
    "evaluations",
    "history",
    "rate_maps",
    "compactions",
    "compacted",
)


@dataclass
class Damaged:
    """What was altered and what came of it."""

    seed: int
    mutations: int = 0
    refused: int = 0
    warned: int = 0
    harmless: int = 0
    wrong: int = 0
    unnamed: int = 0
    first: str = ""


def run_damage(folder: Path, *, mutations: int, seed: int, compacted: bool) -> Damaged:
    """Alters one thing at a time in a finished store and asks it."""
    store = Store.create(folder / "store")
    store.add_plan(plan_document(cohorts=3))
    for number in range(3):
        commit_cohort(
            store, number, diverged=list(store.plan(1).cohorts.values())[1][:1] if number == 1 else ()
        )
    if compacted:
        compact(store)
    right = _answers(store.path)
    files = sorted(
        path
        for name in _KEPT
        for path in [store.path / name, *(store.path / name).rglob("*")]
        if path.is_file()
    )
    found, rng = Damaged(seed), random.Random(seed)
    while found.mutations < mutations:
        path, kind = rng.choice(files), KINDS[found.mutations % len(KINDS)]
        other = rng.choice([file for file in files if file.suffix == path.suffix] or files)
        kept = {path: path.read_bytes(), other: other.read_bytes()}
        if not _alter(path, other, kind, rng):
            continue
        found.mutations += 1
        what = f"{kind} {path.relative_to(store.path)}"
        _judge(store.path, right, found, what)
        for file, data in kept.items():
            file.write_bytes(data)
        for extra in store.path.rglob("*.twice.*"):
            extra.unlink()
    assert _answers(store.path) == right, "the campaign itself spoilt the store"
    shutil.rmtree(store.path)
    return found


def _judge(root: Path, right: dict[str, Any], found: Damaged, what: str) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            answers = _answers(root)
        except (StoreError, pa.ArrowException):
            answers = None
        except Exception as error:
            found.wrong += 1
            found.first = found.first or f"{what}: {error!r}"
            return
    left_out = any(issubclass(warning.category, StoreWarning) for warning in said)
    if answers is None:
        found.refused += 1
    elif answers == right:
        found.harmless += 1
    elif left_out or _says_missing(answers, right):
        found.warned += 1
    else:
        found.wrong += 1
        found.first = found.first or f"{what}: a wrong answer"
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            named = bool(verify(Store.open(root)).findings)
        except (StoreError, pa.ArrowException):
            named = True
        except Exception as error:
            found.wrong += 1
            found.first = found.first or f"{what}: verify: {error!r}"
            return
    if not named and answers != right:
        found.unnamed += 1
        found.first = found.first or f"{what}: verify does not name it"


def _says_missing(answers: dict[str, Any], right: dict[str, Any]) -> bool:
    """Whether the runs that are not in the answer are counted as missing: their entry is gone, not altered."""
    gone = len(right["runs"]) - len(answers["runs"])
    missing = sum(counts["missing"] for counts in answers["planned"].values())
    return gone == missing > 0 and set(answers["runs"]) < set(right["runs"])


def _answers(root: Path) -> dict[str, Any]:
    """Returns everything that is in the tables asked for, in an order of its own."""
    store = Store.open(root)
    answers: dict[str, Any] = {"planned": store.status_counts(), "snapshot": store.snapshot_id()}
    for name in ASKED:
        rows = store.table(name)
        rows = rows.cast(stored_schema(rows.schema))
        answers[name] = sorted(map(repr, rows.to_pylist()))
    return answers


def _alter(path: Path, other: Path, kind: str, rng: random.Random) -> bool:
    """Alters a file; returns False when there was nothing to alter."""
    data = bytearray(path.read_bytes())
    if kind == "swapped":
        theirs = other.read_bytes()
        if theirs == data:
            return False
        other.write_bytes(data)
        data = bytearray(theirs)
    elif kind == "deleted":
        path.unlink()
        return True
    elif kind == "doubled":
        path.with_name(f"{path.stem}.twice{path.suffix}").write_bytes(data)
        return True
    elif kind == "emptied":
        data = bytearray()
    elif kind == "truncated":
        data = data[: rng.randrange(len(data))]
    elif kind == "extended":
        data += rng.randbytes(rng.randint(1, 64))
    else:
        place = rng.randrange(len(data))
        length = 1 if kind == "bit" else min(rng.randint(2, 64), len(data) - place)
        if kind == "bit":
            data[place] ^= 1 << rng.randrange(8)
        elif kind == "zeros":
            data[place : place + length] = bytes(length)
        else:
            data[place : place + length] = rng.randbytes(length)
    if bytes(data) == path.read_bytes():
        return False
    path.write_bytes(data)
    return True
