"""Driving with Ray Tune: one trial a cohort, one actor a core or a GPU, and nothing home-made above it.

Workers commit to the store themselves; only counts come back. Ray's own state is a cache that nobody
reads: ``Tuner.restore`` is never called, retries are ours, and each invocation makes a fresh experiment in
a scratch folder over the cohorts that are left. Import this inside ``ray_environment.prepared``.
"""

import contextlib
import dataclasses
import logging
import os
import platform
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import ray
from ray import tune

from gridsweep.drive.cores import available_cores, pin_to_free_core
from gridsweep.drive.environment import other_packages
from gridsweep.drive.failure import DiskFull, OtherLibraries
from gridsweep.drive.inline import claimed_in_words
from gridsweep.drive.left import Piece, claims_of, pieces_left, unclaimed
from gridsweep.drive.settle import settle
from gridsweep.drive.work import UNDER_WAY, CohortWork, Progress, Report
from gridsweep.store import Store
from gridsweep.store.attempts import record_attempt


@dataclasses.dataclass(frozen=True)
class Driver:
    """What this process shares with the callbacks that Tune copies and would otherwise pickle.

    Its name is in the claims of its workers: of those it is told when they die.
    """

    name: str
    store: Store
    report: Report
    stop: Callable[[], bool]
    spill: str = ""
    packages: dict[str, str] = dataclasses.field(default_factory=dict)
    no_room: list[str] = dataclasses.field(default_factory=list)  # what workers said of a full disk
    strange: list[str] = dataclasses.field(default_factory=list)  # what those of other libraries said


WAIT_S = 2.0
_driver: Driver | None = None


def run_with_ray(
    store: Store,
    run_ids: Iterable[str],
    *,
    scratch: Path,
    address: str = "local",
    slots: int | None = None,
    report: Report = lambda _: None,
    notice: Callable[[str], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    spill: Path | None = None,
) -> None:
    """Trains and commits what is left of the runs, on a Ray of our own or a cluster's.

    Args:
        store: where results go; its folder must be reachable from every node.
        run_ids: the networks asked for.
        scratch: a folder for Ray's own files, which nobody reads afterwards.
        address: ``local`` for a Ray of this command alone; anything else is handed to ``ray.init``.
        slots: cohorts trained at a time on a local Ray; None takes the cores of this machine.
        report: called for every chunk and every end of a cohort.
        notice: called with a line for every cohort that is split or given up.
        stop: asked often; True saves what is trained, releases every claim and returns.
        spill: where finished cohorts go for which the disk has no room.

    Raises:
        DiskFull: nothing new can be begun; what is committed is whole.
        OtherLibraries: a worker has others than this process; what it was sent is not trained.
    """
    global _driver
    from gridsweep.train.provenance import libraries

    run_ids = list(run_ids)
    spill_folder = str(spill.resolve()) if spill else ""
    _driver = Driver(secrets.token_hex(4), store, report, stop, spill_folder, libraries()["packages"])
    waiting = False
    with _connected(address, slots or len(available_cores()), scratch):
        while left := pieces_left(store, run_ids):
            free = unclaimed(claims_of(store), left)
            if free:
                _tune(_driver, free, scratch)
            for line in settle(store, run_ids):
                notice(line)
            if stop():
                return
            if _driver.strange:
                raise OtherLibraries(_driver.strange[-1])
            if _driver.no_room:
                raise DiskFull(_driver.no_room[-1])
            if pieces_left(store, run_ids) != left:
                continue
            # All claimed by other processes, or by workers that outlive a killed driver.
            if not free and not waiting:
                notice(f"waiting: {claimed_in_words(store, len(left))}")
            waiting = waiting or not free
            time.sleep(WAIT_S)


@contextlib.contextmanager
def _connected(address: str, slots: int, scratch: Path) -> Iterator[None]:
    options: dict[str, Any] = {}
    if address == "local":
        options = {"num_cpus": slots, "include_dashboard": False, "_temp_dir": str(scratch / "ray")}
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **options)
    try:
        yield
    finally:
        ray.shutdown()


def _tune(driver: Driver, pieces: list[tuple[Piece, str]], scratch: Path) -> None:
    """Runs one Tune experiment over cohorts that are unclaimed."""
    on_gpu = ray.cluster_resources().get("GPU", 0) > 0
    trainable = tune.with_resources(CohortTrainable, {"gpu": 1} if on_gpu else {"cpu": 1})
    tune.Tuner(
        trainable,
        param_space={
            "store": driver.store.address,
            "sender": driver.name,
            "spill": driver.spill,
            "packages": driver.packages,
            "cohort": tune.grid_search([{"piece": piece._asdict(), "over": over} for piece, over in pieces]),
        },
        tune_config=tune.TuneConfig(reuse_actors=True, trial_dirname_creator=lambda trial: trial.trial_id),
        run_config=tune.RunConfig(
            name=f"gridsweep-{secrets.token_hex(4)}",
            storage_path=str(scratch / "tune"),
            failure_config=tune.FailureConfig(max_failures=0),
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            stop=StopWhenAsked(),
            callbacks=[Reporter()],
            verbose=0,
        ),
    ).fit()


class StopWhenAsked(tune.Stopper):
    """Ends every trial once the caller asks for it, or a worker finds no room or is none of ours.

    The trainable's cleanup then saves and lets go.
    """

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        del trial_id, result
        return self.stop_all()

    def stop_all(self) -> bool:
        return _driver is not None and (_driver.stop() or bool(_driver.no_room or _driver.strange))


class Reporter(tune.Callback):
    """Hands on what trials report, and records what killed those that cannot report any more."""

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **_: Any
    ) -> None:
        del iteration, trials, trial
        if _driver is not None:
            progress = Progress(**{name: result[name] for name in Progress._fields})
            if progress.state == "disk":
                _driver.no_room.append(progress.message)
            if progress.state == "libraries":
                _driver.strange.append(progress.message)
            _driver.report(progress)

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
        del iteration, trials
        if _driver is not None:
            piece = Piece(**trial.config["cohort"]["piece"])
            claims_of(_driver.store).end_claim_of(piece.cohort_id, sender=_driver.name)
            message = "the worker process died: killed, out of memory, or its machine is gone"
            record_attempt(_driver.store, piece.cohort_id, message, reason="killed_worker")
            _driver.report(Progress(piece.cohort_id, piece.runs, 0, 0, 0.0, None, 0, "failed", message))


class CohortTrainable(tune.Trainable):
    """One actor: takes cohort after cohort, and compiles each program once. A thin shell of CohortWork."""

    def setup(self, config: dict[str, Any]) -> None:
        """Binds the process to a core before JAX starts, and opens the first cohort.

        A process of other libraries than its driver's opens none, and says so.
        """
        self._work: CohortWork | None = None
        if not os.environ.get("CUDA_VISIBLE_DEVICES"):
            pin_to_free_core()
        from gridsweep.train.compile_cache import use_compile_cache

        use_compile_cache()
        self._strange = other_packages(config["packages"])
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Takes the next cohort in the same process."""
        self.cleanup()
        self._begin(new_config)
        return True

    def _begin(self, config: dict[str, Any]) -> None:
        self._piece = Piece(**config["cohort"]["piece"])
        if self._strange:
            return
        self._work = CohortWork(
            Store.open(config["store"]),
            self._piece,
            sender=config["sender"],
            over=config["cohort"]["over"],
            spill=Path(config["spill"]) if config["spill"] else None,
        )

    def step(self) -> dict[str, Any]:
        """Trains one chunk; the last one scores and commits."""
        progress = self._work.step() if self._work else self._refusal()
        return {**progress._asdict(), "done": progress.state not in UNDER_WAY}

    def cleanup(self) -> None:
        """Saves a cohort that is stopped on its way, and releases its claim."""
        if self._work:
            self._work.interrupt()

    def _refusal(self) -> Progress:
        differs = "\n".join(f"  {line}" for line in self._strange)
        message = (
            f"a worker on {platform.node()} has other libraries than the driver and trained nothing:\n"
            f"{differs}\ninstall the same lock on every node"
        )
        return Progress(self._piece.cohort_id, self._piece.runs, 0, 0, 0.0, None, 0, "libraries", message)
