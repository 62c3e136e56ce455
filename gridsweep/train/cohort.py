"""Training one cohort: lanes advanced chunk by chunk, recorded as they go, scored at the end.

How the work is cut into chunks never changes a number, so chunks are as long as the caller's patience:
a few seconds, after which progress can be shown, a checkpoint written, or the work given up.
"""

import time
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from gridsweep.spec import Run
from gridsweep.systems import State, System
from gridsweep.train.compile_cache import on_even_core
from gridsweep.train.lanes import (
    advance_lanes,
    default_micro_batch,
    init_lanes,
    lane_metrics,
    micro_batches,
    observe_lanes,
)
from gridsweep.train.rows import Rows, rows_of_lane

HISTORY_ROWS = 50  # lines of history a run leaves, evenly spaced, the last at its end
PATIENCE_S = 2.0


class CohortTraining:
    """A cohort on its way from seeds to rows."""

    def __init__(self, runs: Sequence[Run], *, micro_batch: int | None = None):
        """Draws initial weights; nothing is trained yet.

        Args:
            runs: runs of one program, in order of their lanes.
            micro_batch: lanes computed together; None takes what suits the device.
        """
        self.runs = tuple(runs)
        self.micro_batch = micro_batch or default_micro_batch(self.runs)
        self.total_updates = self.runs[0].system.total_updates
        self.done_updates = 0
        self.train_s = 0.0
        self.history: list[dict[str, Any]] = []
        self._systems: list[System] = micro_batches(self.runs, self.micro_batch)
        self._states: list[State] = [init_lanes(systems) for systems in self._systems]
        self._log_every = max(1, -(-self.total_updates // HISTORY_ROWS))
        self._rate = 0.0  # updates a second of the whole cohort, as last measured
        if self.total_updates:
            # Both compile, so that no compilation is in the rates. Workers that begin together would compile
            # the same program at the same time: half of them begin with the other and find this one cached.
            for compiles in (self._record, self._compile)[:: 1 if on_even_core() else -1]:
                compiles()

    @property
    def finished(self) -> bool:
        """Whether every lane has had its updates."""
        return self.done_updates >= self.total_updates

    @property
    def updates_per_s(self) -> float:
        """Network-updates a second, over all lanes, since this object began."""
        return self.done_updates * len(self.runs) / self.train_s if self.train_s else 0.0

    @property
    def diverged(self) -> int:
        """How many lanes have gone non-finite so far."""
        return int(sum(np.count_nonzero(~np.asarray(alive)) for alive in self._by_lane("alive")))

    def advance(self, patience_s: float = PATIENCE_S) -> None:
        """Trains for about ``patience_s`` seconds, or to the next line of history."""
        if self.finished:
            return
        next_line = min(self.total_updates, (self.done_updates // self._log_every + 1) * self._log_every)
        updates = next_line - self.done_updates
        if self._rate:
            updates = min(updates, max(1, int(self._rate * patience_s)))
        started = time.perf_counter()
        self._train(updates)
        elapsed_s = time.perf_counter() - started
        self._rate = updates / elapsed_s
        self.train_s += elapsed_s
        self.done_updates += updates
        if self.done_updates == next_line:
            self._record()

    def states(self) -> list[State]:
        """Returns the state of every micro-batch, each leaf with a leading axis of lanes."""
        return self._states

    def restore(self, states: Sequence[State], history: list[dict[str, Any]], train_s: float) -> None:
        """Continues from states that :meth:`states` returned, in this or another process."""
        self._states = [jax.tree.map(jax.numpy.asarray, state) for state in states]
        self.done_updates = int(np.asarray(self._states[0].update)[0])
        self.history = list(history)
        self.train_s = train_s

    def rows(self, keep: dict[str, str]) -> Rows:
        """Returns every row this cohort leaves behind: observed, scored, with statuses."""
        collected = Rows()
        lane = 0
        for systems, states in zip(self._systems, self._states, strict=True):
            observation = jax.tree.map(np.asarray, observe_lanes(systems, states))
            weights = jax.tree.map(np.asarray, (states.weights, states.alive, states.diverged_update))
            for place in range(min(self.micro_batch, len(self.runs) - lane)):
                collected.extend(
                    rows_of_lane(
                        self.runs[lane],
                        observation=jax.tree.map(lambda leaf, at=place: leaf[at], observation),
                        weights=jax.tree.map(lambda leaf, at=place: leaf[at], weights[0]),
                        alive=bool(weights[1][place]),
                        diverged_update=int(weights[2][place]),
                        keep=keep,
                    )
                )
                lane += 1
        collected.add("history", self.history)
        return collected

    def _compile(self) -> None:
        self._train(0)

    def _train(self, updates: int) -> None:
        for number, systems in enumerate(self._systems):
            self._states[number] = advance_lanes(systems, self._states[number], updates)
        jax.block_until_ready(self._states)

    def _by_lane(self, field: str) -> list[np.ndarray]:
        return [
            np.asarray(getattr(states, field))[: len(self.runs) - number * self.micro_batch]
            for number, states in enumerate(self._states)
        ]

    def _record(self) -> None:
        """Adds a line of history for every lane as it is now."""
        measured = [lane_metrics(*pair) for pair in zip(self._systems, self._states, strict=True)]
        columns = {
            name: np.concatenate([np.asarray(metrics[name]) for metrics in measured]) for name in measured[0]
        }
        for lane, run in enumerate(self.runs):
            line: dict[str, Any] = {"run_id": run.run_id, "update": self.done_updates}
            for name, values in columns.items():
                line[name] = float(values[lane]) if np.isfinite(values[lane]) else None
            line["updates_per_s"] = self._rate
            self.history.append(line)
