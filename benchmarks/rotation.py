"""Resident workers that work in turn, so that all of them meet the same noise of a shared machine.

A contestant is one or more worker processes, each bound to its own core with one thread. A round gives every
contestant one chunk of work: A B C, A B C, … Its workers work at the same time; while one contestant works
the others wait, and cost nothing. "Best" compares the fastest chunk of each, the closest to a quiet machine;
"paired" is the median over rounds of the ratio inside a round. Processor time is kept beside wall time: on a
machine whose cores are shared out unseen, it is the steadier of the two.

A worker is a module with ``serve``: it reads a line of JSON that says what to build, then a number of
updates a line, and answers each with a line of JSON: ``{"wall_s": …, "cpu_s": …}``.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}


class Contestant(NamedTuple):
    """What is timed: a worker module, what it is told to build, and by which Python."""

    name: str
    module: str
    task: dict[str, Any]
    python: str = sys.executable


class Chunk(NamedTuple):
    """One chunk of all workers of a contestant."""

    updates: int  # network-updates of all workers together
    wall_s: float
    cpu_s: float  # of all workers together

    @property
    def per_wall_s(self) -> float:
        """Network-updates a second of wall time."""
        return self.updates / self.wall_s

    def per_cpu_s(self, workers: int) -> float:
        """Network-updates a second of processor time, on as many cores as there are workers."""
        return self.updates / self.cpu_s * workers


def serve(build: Callable[[dict[str, Any]], Callable[[int], None]]) -> None:
    """Answers a rotation: builds what the first line says, then works as many updates as each line says."""
    work = build(json.loads(sys.stdin.readline()))
    work(1)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        work(int(line))
        measured = {"wall_s": time.perf_counter() - wall_s, "cpu_s": time.process_time() - cpu_s}
        print(json.dumps(measured), flush=True)


def rotate(
    contestants: Sequence[Contestant], *, rounds: int, chunk_s: float, cores: Sequence[int]
) -> dict[str, list[Chunk]]:
    """Returns the chunks of each contestant, by its name; one worker a core of ``cores``."""
    crews = {contestant.name: _Crew(contestant, cores) for contestant in contestants}
    try:
        for crew in crews.values():
            crew.settle(chunk_s)
        chunks: dict[str, list[Chunk]] = {name: [] for name in crews}
        for _ in range(rounds):
            for name, crew in crews.items():
                chunks[name].append(crew.work())
    finally:
        for crew in crews.values():
            crew.dismiss()
    return chunks


def paired(of: Sequence[Chunk], against: Sequence[Chunk], workers: int) -> tuple[float, float]:
    """Returns the median over rounds of the ratio of rates, by wall and by processor time."""
    pairs = list(zip(of, against, strict=True))
    wall = [one.per_wall_s / other.per_wall_s for one, other in pairs]
    cpu = [one.per_cpu_s(workers) / other.per_cpu_s(workers) for one, other in pairs]
    return float(np.median(wall)), float(np.median(cpu))


class _Crew:
    """The workers of one contestant."""

    def __init__(self, contestant: Contestant, cores: Sequence[int]):
        self.contestant = contestant
        self._updates = 1
        self._workers = [self._start(core) for core in cores]
        for worker in self._workers:
            self._tell(worker, json.dumps(contestant.task))
        for worker in self._workers:
            self._hear(worker)

    def settle(self, chunk_s: float) -> None:
        """Finds how many updates take about ``chunk_s``, on a machine as busy as it is."""
        self._updates = 1
        while (chunk := self.work()).wall_s < chunk_s / 2:
            self._updates = max(self._updates + 1, int(self._updates * min(8.0, chunk_s / chunk.wall_s)))

    def work(self) -> Chunk:
        """Returns what one chunk took; the slowest worker's wall time is that of the crew."""
        for worker in self._workers:
            self._tell(worker, str(self._updates))
        answers = [self._hear(worker) for worker in self._workers]
        networks = self.contestant.task.get("networks", 1)
        return Chunk(
            updates=self._updates * networks * len(answers),
            wall_s=max(answer["wall_s"] for answer in answers),
            cpu_s=sum(answer["cpu_s"] for answer in answers),
        )

    def dismiss(self) -> None:
        """Ends the workers: they stop at the end of their input."""
        for worker in self._workers:
            assert worker.stdin is not None
            worker.stdin.close()
            worker.wait(timeout=60)

    def _start(self, core: int) -> subprocess.Popen[str]:
        bind = (lambda: os.sched_setaffinity(0, {core})) if hasattr(os, "sched_setaffinity") else None
        return subprocess.Popen(
            [self.contestant.python, "-m", self.contestant.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | ONE_THREAD,
            preexec_fn=bind,
        )

    def _tell(self, worker: subprocess.Popen[str], line: str) -> None:
        assert worker.stdin is not None
        worker.stdin.write(line + "\n")
        worker.stdin.flush()

    def _hear(self, worker: subprocess.Popen[str]) -> dict[str, Any]:
        assert worker.stdout is not None
        line = worker.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.contestant.name}: its worker ended with exit code {worker.wait()}")
        return json.loads(line)
