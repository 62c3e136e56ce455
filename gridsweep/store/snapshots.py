"""Snapshots: what was committed when a figure was drawn, under an id that can be cited.

The id is a hash over the ledger: equal ids, equal answers. Written down, it lists the entries by seal, so
that a store which has grown since can be read as it was. Entries never change, so nothing is copied; a
snapshot of a cohort that was revoked later can no longer be read, and says so.
"""

import datetime
from typing import TYPE_CHECKING, Any

from gridsweep.store.errors import StoreDamaged, StoreError, naming
from gridsweep.store.fs import put_if_absent
from gridsweep.store.layout import snapshot_of
from gridsweep.store.sealed import BrokenSeal, digest, seal, unseal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gridsweep.store.store import Store


def snapshot_id(seals: "Mapping[str, str]") -> str:
    """Returns 16 hex digits over the seals of ledger entries by cohort."""
    lines = sorted(f"{cohort_id}.json {entry_seal}\n" for cohort_id, entry_seal in seals.items())
    return digest("".join(lines).encode())[:16]


def save_snapshot(store: "Store") -> str:
    """Writes down what is committed now, and returns its id; saving it twice changes nothing."""
    seals = {cohort_id: entry.seal for cohort_id, entry in store.datasets.measures.entries().items()}
    found = snapshot_id(seals)
    document = {
        "snapshot": found,
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "plans": [plan.number for plan in store.plans()],
        "cohorts": seals,
    }
    with naming("saving a snapshot"):
        store.fs.make_dir(store.layout.snapshots)
        put_if_absent(store.fs, store.layout.staging, store.layout.snapshot(found), seal(document))
    return found


def read_snapshot(store: "Store", wanted: str) -> dict[str, Any]:
    """Returns a saved snapshot by its id or the beginning of one."""
    with naming("reading a snapshot"):
        saved = saved_snapshots(store)
        matching = [found for found in saved if found.startswith(wanted)]
        if len(matching) != 1:
            known = ", ".join(saved) or "none"
            raise StoreError(f"snapshot {wanted}: {len(matching)} match; saved in this store: {known}")
        data = store.fs.read(store.layout.snapshot(matching[0]))
    try:
        document = unseal(data)
        if snapshot_id(document["cohorts"]) != matching[0]:
            raise BrokenSeal("is not the snapshot its name says")
    except (BrokenSeal, KeyError, TypeError, AttributeError) as error:
        raise StoreDamaged(f"snapshots/{matching[0]}.json: {error}") from error
    return document


def saved_snapshots(store: "Store") -> list[str]:
    """Returns the ids of the snapshots that were saved."""
    return [found for name in store.fs.names(store.layout.snapshots) if (found := snapshot_of(name))]
