"""Grid scores a core: ours beside the plain SciPy scorer, in one run, in turns; and what all scores cost.

    taskset -c 1 python benchmarks/scoring.py

The first table compares the grid scores, which are what the peer computes. The second adds the other
scores to them one by one, and then all: period and orientations, half-width, stripe and border score have
no peer, and share the autocorrelogram.

Rounds alternate between the two, so that both meet the same noise of a shared machine: "best" compares the
fastest round of each, "paired" is the median over rounds of the ratio inside a round. Ours scores 256 maps
a round and the peer a few of them; both are checked to agree. Threads are not limited here: pin the
process to one core. The second table counts processor time, which other processes disturb less.
"""

import argparse
import time

import numpy as np
from scipy import ndimage

from benchmarks.peers import scorer
from gridsweep.kinds import discover
from gridsweep.scores import Score, measure

UNITS = 256
GRID_ONLY = ("grid_score", "firing_rate")
ADDED = "{:>4} {:>12} {:>22} {:>12} {:>10}"
LINE = "{:>4} {:>12} {:>12} {:>7} {:>24} {:>12} {:>10}"


def main() -> None:
    """Prints one row for each number of bins."""
    arguments = argparse.ArgumentParser(description="Grid scores a core, ours beside SciPy.")
    arguments.add_argument("--bins", type=int, nargs="+", default=[20, 32, 44, 50])
    arguments.add_argument("--rounds", type=int, default=7)
    asked = arguments.parse_args()
    heads = ("bins", "peer ms/unit", "ours ms/unit", "best", "paired [range]", "first call s", "difference")
    print(LINE.format(*heads))
    for bins in asked.bins:
        print(row(bins, asked.rounds), flush=True)
    print()
    print(ADDED.format("bins", "beside", "ours cpu-ms/unit", "added", "of it"))
    for bins in asked.bins:
        for line in added_rows(bins, asked.rounds):
            print(line, flush=True)


def row(bins: int, rounds: int) -> str:
    """Returns the measured row of the table."""
    maps = make_maps(bins)
    subset = maps[: max(8, 8_000 // bins**2)]
    begin = time.perf_counter()
    ours = measure(maps, only=GRID_ONLY)
    first_s = time.perf_counter() - begin
    plain = np.array([scorer.score(rate_map) for rate_map in subset])
    found = np.stack([ours["grid_score_60"], ours["grid_score_90"]], axis=1)[: len(subset)]
    peer_ms, ours_ms = [], []
    for _ in range(rounds):
        peer_ms.append(timed_ms(lambda: [scorer.score(rate_map) for rate_map in subset]) / len(subset))
        ours_ms.append(timed_ms(lambda: measure(maps, only=GRID_ONLY)) / len(maps))
    ratios = np.array(peer_ms) / np.array(ours_ms)
    paired = f"{np.median(ratios):.1f} [{ratios.min():.1f}, {ratios.max():.1f}]"
    best = f"{min(peer_ms) / min(ours_ms):.1f}"
    times = f"{min(peer_ms):.2f}", f"{min(ours_ms):.3f}"
    return LINE.format(bins, *times, best, paired, f"{first_s:.1f}", f"{np.abs(plain - found).max():.1e}")


def added_rows(bins: int, rounds: int) -> list[str]:
    """Returns rows of the second table: the grid scores, each other score with them, all together."""
    maps = make_maps(bins)
    others = [name for name in discover("gridsweep.scores", Score) if name not in GRID_ONLY]
    sets = {"": GRID_ONLY} | {name: (*GRID_ONLY, name) for name in others} | {"all": None}
    for names in sets.values():
        measure(maps, only=names)  # compiles
    spent = {label: [] for label in sets}
    for _ in range(rounds):
        for label, names in sets.items():
            begin = time.process_time()
            measure(maps, only=names)
            spent[label].append(1e3 * (time.process_time() - begin) / len(maps))
    base = min(spent[""])
    return [
        ADDED.format(bins, label, f"{min(ms):.3f}", f"{min(ms) - base:+.3f}", f"{min(ms) / base - 1:+.0%}")
        for label, ms in spent.items()
    ]


def make_maps(bins: int) -> np.ndarray:
    """Returns rectified smooth noise; every eighth map silent, every eighth half unvisited."""
    rng = np.random.default_rng(bins)
    maps = np.maximum(ndimage.gaussian_filter(rng.normal(size=(UNITS, bins, bins)), (0, 2, 2)), 0.0)
    maps[0::8] = 0.0
    maps[1::8, : bins // 2] = np.nan
    return maps.astype(np.float32)


def timed_ms(work) -> float:
    """Returns how long the work takes."""
    begin = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - begin)


if __name__ == "__main__":
    main()
