"""The store: results on disk, committed once, read by anything that reads Parquet.

Everybody opens a ``Store``. A worker commits a cohort with ``gridsweep.store.commit.commit``, and
``gridsweep.store.verify.verify`` checks everything.
"""

from gridsweep.store.claims import Claim, Claims
from gridsweep.store.commit import Outcome
from gridsweep.store.errors import (
    PlanRaced,
    QueryError,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreWarning,
)
from gridsweep.store.store import Store

create_store = Store.create
open_store = Store.open

__all__ = [
    "Claim",
    "Claims",
    "Outcome",
    "PlanRaced",
    "QueryError",
    "Store",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "StoreWarning",
    "create_store",
    "open_store",
]
