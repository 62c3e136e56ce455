"""Are we where the numbers in the store came from? If not: what differs, and does it matter?

Bits are promised equal for equal libraries and settings only. A sweep that is continued elsewhere is
stopped once, with what differs; continued all the same, a committed cohort is trained again first, the
canary, and its scores must be those in the store, or nearly so.
"""

import datetime
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gridsweep.drive.left import Piece, runs_of
from gridsweep.drive.work import describe
from gridsweep.store import Store
from gridsweep.store.ledger import LedgerEntry
from gridsweep.store.race import Difference, compare_scores
from gridsweep.store.rows import build_tables

# Other libraries round otherwise; what is beyond this is another computation.
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Canary:
    """What came of training a committed cohort again.

    Args:
        cohort_id: which one.
        difference: where its scores are not those in the store; None when every bit is equal.
    """

    cohort_id: str
    difference: Difference | None

    @property
    def close(self) -> bool:
        """Whether the scores are near enough to go on."""
        return self.difference is None or self.difference.largest <= TOLERANCE


def environment_change(store: Store, run_ids: Collection[str]) -> list[str]:
    """Returns what differs between here and where the committed runs were trained, a line for each.

    Nothing differs when any of them was trained under just what is here: that was accepted before.
    """
    from gridsweep.train.provenance import libraries

    here = libraries()
    entries = list(_trained(store, run_ids))
    there = [{key: entry.provenance.get(key) for key in here} for entry in entries]
    for known in there:
        known["packages"] = {name: (known["packages"] or {}).get(name) for name in here["packages"]}
    if not there or here in there:
        return []
    return list(_differences(there[-1], here))


def other_packages(driver: Mapping[str, str]) -> list[str]:
    """Returns which libraries are not those of the driver that sent this process, a line for each.

    A plan is made and a sweep compared with a store where the driver is; a worker that computes with other
    libraries would make of its cohorts something that nobody looked at.

    Args:
        driver: versions by name, of ``libraries()["packages"]`` there.
    """
    from gridsweep.train.provenance import libraries

    here = libraries()["packages"]
    return [
        f"{name}: {driver.get(name)} at the driver, {version} here"
        for name, version in here.items()
        if driver.get(name) != version
    ]


def fly_canary(store: Store, run_ids: Collection[str]) -> Canary | None:
    """Trains the smallest committed cohort of these runs once more, and compares. Writes nothing.

    Returns None when there is no cohort to compare with.
    """
    from gridsweep.train import CohortTraining, provenance

    entries = sorted(_trained(store, run_ids), key=lambda entry: len(entry.runs))
    if not entries:
        return None
    entry = entries[0]
    piece = Piece(entry.cohort_id, entry.plan, len(entry.runs))
    sweep, runs = runs_of(store, piece)
    micro_batch = entry.provenance.get("micro_batch")
    training = CohortTraining(runs, micro_batch=micro_batch if isinstance(micro_batch, int) else None)
    while not training.finished:
        training.advance()
    rows = training.rows({**sweep.keep, "rate_maps": "none", "weights": "none"})
    describe(rows, piece, training, provenance(), started_at=datetime.datetime.now(datetime.UTC))
    again = build_tables(entry.cohort_id, list(entry.runs), rows.tables)
    committed = {
        name: store.datasets.read_cohort(name, entry.cohort_id) for name in again if name in entry.tables
    }
    committed = {name: table.cast(again[name].schema) for name, table in _same_columns(committed, again)}
    return Canary(entry.cohort_id, compare_scores(committed, again))


def _same_columns(committed: dict[str, Any], again: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, table in committed.items():
        yield name, table.select(again[name].column_names)


def _trained(store: Store, run_ids: Collection[str]) -> Iterator[LedgerEntry]:
    """Yields the entries of these runs that say with what they were trained, oldest plan first."""
    wanted = set(run_ids)
    for entry in sorted(store.ledger.entries().values(), key=lambda entry: (entry.plan, entry.cohort_id)):
        if "packages" in entry.provenance and not wanted.isdisjoint(entry.runs):
            yield entry


def _differences(there: dict[str, Any], here: dict[str, Any]) -> Iterator[str]:
    for name, version in here["packages"].items():
        if there["packages"].get(name) != version:
            yield f"{name}: {there['packages'].get(name)} in the store, {version} here"
    for key in here.keys() - {"packages"}:
        if there[key] != here[key]:
            yield f"{key}: {there[key]!r} in the store, {here[key]!r} here"
