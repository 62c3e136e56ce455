"""Grid scores a core: ours beside the plain SciPy scorer, in one run, in turns; and what all scores cost.

    taskset -c 1 python -m benchmarks.scoring --keep

The first table compares the grid scores, which are what the peer computes. The second adds the other
scores to them one by one, and then all: period and orientations, half-width, stripe and border score have
no peer, and share the autocorrelogram.

Rounds alternate between the two, so that both meet the same noise of a shared machine: "best" compares the
fastest round of each, "paired" is the median over rounds of the ratio inside a round, with its range. Ours
scores 256 maps a round and the peer a few of them; both are checked to agree. Processor time, which other
processes disturb less than wall time. Threads are not limited here: pin the process to one core.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

from benchmarks import table
from benchmarks.peers import scorer
from gridsweep.kinds import discover
from gridsweep.scores import Score, measure

UNITS = 256
GRID_ONLY = ("grid_score", "firing_rate")
BESIDE = {
    "bins": 4, "peer_ms_a_unit": 14, "ours_ms_a_unit": 14, "best": 7, "paired": 7, "least": 7, "most": 7,
    "first_call_s": 12, "largest_difference": 18,
}  # fmt: skip
ADDED = {"bins": 4, "beside": 12, "ours_ms_a_unit": 14, "added_ms": 9, "added_share": 11}


def main() -> None:
    """Prints one row for each number of bins."""
    arguments = argparse.ArgumentParser(description="Grid scores a core, ours beside SciPy.")
    arguments.add_argument("--bins", type=int, nargs="+", default=[20, 32, 44, 50])
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--keep", action="store_true", help="write benchmarks/results/scoring*.csv")
    asked = arguments.parse_args()
    for name, heads, measured in (("scoring", BESIDE, beside_peer), ("scoring_added", ADDED, added)):
        table.show(heads)
        rows = []
        for bins in asked.bins:
            for row in measured(bins, asked.rounds):
                rows.append(row)
                table.show(heads, row)
        if asked.keep:
            table.keep(name, rows)


def beside_peer(bins: int, rounds: int) -> list[dict[str, Any]]:
    """Returns the row of the first table."""
    maps = make_maps(bins)
    subset = maps[: max(8, 8_000 // bins**2)]
    begin = time.perf_counter()
    ours = measure(maps, only=GRID_ONLY)
    first_s = time.perf_counter() - begin
    plain = np.array([scorer.score(rate_map) for rate_map in subset])
    found = np.stack([ours["grid_score_60"], ours["grid_score_90"]], axis=1)[: len(subset)]
    peer_ms, ours_ms = [], []
    for _ in range(rounds):
        peer_ms.append(spent_ms(lambda: [scorer.score(rate_map) for rate_map in subset]) / len(subset))
        ours_ms.append(spent_ms(lambda: measure(maps, only=GRID_ONLY)) / len(maps))
    ratios = np.array(peer_ms) / np.array(ours_ms)
    return [
        {
            "bins": bins,
            "peer_ms_a_unit": min(peer_ms),
            "ours_ms_a_unit": min(ours_ms),
            "best": min(peer_ms) / min(ours_ms),
            "paired": float(np.median(ratios)),
            "least": float(ratios.min()),
            "most": float(ratios.max()),
            "first_call_s": first_s,
            "largest_difference": float(np.abs(plain - found).max()),
        }
    ]


def added(bins: int, rounds: int) -> list[dict[str, Any]]:
    """Returns rows of the second table: the grid scores, each other score with them, all together."""
    maps = make_maps(bins)
    others = [name for name in discover("gridsweep.scores", Score) if name not in GRID_ONLY]
    sets = {"": GRID_ONLY} | {name: (*GRID_ONLY, name) for name in others} | {"all": None}
    for names in sets.values():
        measure(maps, only=names)  # compiles
    spent: dict[str, list[float]] = {label: [] for label in sets}
    for _ in range(rounds):
        for label, names in sets.items():
            spent[label].append(spent_ms(lambda names=names: measure(maps, only=names)) / len(maps))
    base = min(spent[""])
    return [
        {
            "bins": bins,
            "beside": label,
            "ours_ms_a_unit": min(ms),
            "added_ms": min(ms) - base,
            "added_share": min(ms) / base - 1,
        }
        for label, ms in spent.items()
    ]


def make_maps(bins: int) -> np.ndarray:
    """Returns rectified smooth noise; every eighth map silent, every eighth half unvisited."""
    rng = np.random.default_rng(bins)
    maps = np.maximum(ndimage.gaussian_filter(rng.normal(size=(UNITS, bins, bins)), (0, 2, 2)), 0.0)
    maps[0::8] = 0.0
    maps[1::8, : bins // 2] = np.nan
    return maps.astype(np.float32)


def spent_ms(work: Callable[[], object]) -> float:
    """Returns the processor time that the work takes."""
    begin = time.process_time()
    work()
    return 1e3 * (time.process_time() - begin)


if __name__ == "__main__":
    main()
