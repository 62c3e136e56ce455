"""A trained run brought back from a store: its settings, its weights, and its rate maps on any bins.

Weights are there when the sweep said ``keep: {weights: final}``.
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from gridsweep.spec import build, run_id, unflatten
from gridsweep.store import Store, StoreError
from gridsweep.systems import Observation, System
from gridsweep.train.lanes import init_lanes, observe_lanes, stack_systems

if TYPE_CHECKING:
    from gridsweep.networks._base import Weights


@dataclasses.dataclass(frozen=True)
class KeptRun:
    """One network as it was when its training ended."""

    run_id: str
    system: System
    weights: "Weights"
    row: dict[str, Any]  # the run's row of the table ``runs``

    def observe(self) -> Observation:
        """Returns what is seen of the run by its own evaluations, observed anew."""
        return self._observe(self.system)

    def rate_maps(
        self, *, bins: int = 44, evaluation: str = "corrected", **settings: Any
    ) -> Float[np.ndarray, "units bins bins"]:
        """Returns the rate maps of all units, observed anew; NaN where unvisited.

        Args:
            bins: bins a side.
            evaluation: the kind of evaluation; ``settings`` are its fields, such as ``positions``.
        """
        node = {"kind": evaluation, "bins": [bins], **settings}
        observed = dataclasses.replace(self.system, evaluation=_evaluation(self.system, node))
        return np.asarray(self._observe(observed).maps[evaluation, bins])

    def _observe(self, system: System) -> Observation:
        lanes = stack_systems([system], 1)
        states = init_lanes(lanes)
        states = states._replace(weights=_lane_of(self.weights))
        return jax.tree.map(lambda leaf: np.asarray(leaf[0]), observe_lanes(lanes, states))


def load_run(store: Store | str | Path, run: str) -> KeptRun:
    """Returns a run of a store with its weights.

    Raises:
        StoreError: no such run, it has no weights, or this version of gridsweep would train another
            network from its settings.
    """
    opened = store if isinstance(store, Store) else Store.open(store)
    if not run or any(character not in "0123456789abcdef" for character in run):
        raise StoreError(f"found {run!r}, expected a run id: hexadecimal digits, as in the column run_id")
    rows = opened.runs(where=f"run_id = '{run}'")
    if rows.empty:
        raise StoreError(f"{opened.path}: has no run {run}; its run ids: SELECT run_id FROM runs")
    row = {str(name): _plain(value) for name, value in rows.iloc[0].items()}
    system = unflatten(row)
    if run_id(system) != run:
        raise StoreError(
            f"{run}: its settings make another network in this version of gridsweep ({run_id(system)})"
        )
    stored = opened.table("weights", where=f"run_id = '{run}'").to_pylist()
    if not stored and row["status"] == "completed" and system.total_updates:
        raise StoreError(
            f"{run}: its weights were not kept; a sweep keeps them with keep: {{weights: final}}"
        )
    weights: dict[str, Any] = {}
    for item in stored:
        *path, name = item["name"].split(".")
        inner = weights
        for step in path:
            inner = inner.setdefault(step, {})
        inner[name] = np.asarray(item["values"], np.float32).reshape(item["shape"])
    return KeptRun(run, system, weights, row)


def _evaluation(system: System, node: dict[str, Any]) -> Any:
    settings = {"system": {"kind": system.kind_name()}, "evaluation": [node]}
    return build(settings).evaluation


def _lane_of(weights: Any) -> Any:
    if isinstance(weights, dict):
        return {name: _lane_of(value) for name, value in weights.items()} or ()
    return jnp.asarray(weights)[None]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if value is None or value != value else value
