"""Cohorts that train nothing and leave rows all the same, to time everything around training.

Claims, plans, rows, commits and Ray are the real ones. Training and scoring are replaced, in the worker, by
random numbers of the right shapes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

import gridsweep.train
from benchmarks.sizes import SYNTHETIC_BINS as BINS
from benchmarks.sizes import SYNTHETIC_UNITS as UNITS
from gridsweep import scores
from gridsweep.drive.ray_tune import CohortTrainable
from gridsweep.spec import Run
from gridsweep.systems import Observation
from gridsweep.train.rows import Rows, rows_of_lane

POOL = 16  # networks' worth of random scores, reused


class SyntheticTraining:
    """Has the face of ``CohortTraining`` and is finished at once."""

    def __init__(self, runs: Sequence[Run], *, micro_batch: int | None = None):
        self.runs = tuple(runs)
        self.micro_batch = micro_batch or 1
        self.total_updates = self.done_updates = 0
        self.train_s = self.updates_per_s = 0.0
        self.history: list[dict[str, Any]] = []
        self.finished, self.diverged = True, 0

    def advance(self) -> None:
        """Trains nothing."""

    def rows(self, keep: dict[str, str]) -> Rows:
        """Returns the rows of all lanes, their scores drawn anew for each."""
        maps = np.zeros((UNITS, BINS, BINS), np.float32)
        visits = np.ones((BINS, BINS), np.float32)
        seen = Observation(
            {("corrected", BINS): maps},
            {("corrected", BINS): visits},
            {"corrected": {"loss": np.float32(1.0), "position_error_cm": np.float32(5.0)}},  # pyright: ignore
        )
        collected = Rows()
        for run in self.runs:
            collected.extend(
                rows_of_lane(run, observation=seen, weights=None, alive=True, diverged_update=-1, keep=keep)
            )
        return collected


class SyntheticTrainable(CohortTrainable):
    """The actor, with training and scoring replaced in its process."""

    def setup(self, config: dict[str, Any]) -> None:
        """Replaces them, and opens the first cohort."""
        replace_training()
        super().setup(config)


def replace_training() -> None:
    """Makes this process's cohorts synthetic."""
    real = scores.measure(np.random.default_rng(0).random((64, BINS, BINS)).astype(np.float32))
    rng = np.random.default_rng(0)
    pool = [
        {name: rng.choice(values, UNITS).astype(values.dtype) for name, values in real.items()}
        for _ in range(POOL)
    ]
    turn = iter(range(1_000_000_000))
    scores.measure = lambda *_, **__: pool[next(turn) % POOL]  # pyright: ignore
    scores.measure_network = lambda *_, **__: {}  # pyright: ignore
    gridsweep.train.CohortTraining = SyntheticTraining  # pyright: ignore
    gridsweep.train.restore_checkpoint = lambda *_: False  # pyright: ignore
