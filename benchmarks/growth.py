"""How cost grows: with units, batch, steps and lanes of training, bins of scoring, runs of planning.

    taskset -c 0 python -m benchmarks.growth

Processor time of one process, best of several rounds. Everything else stays at the middle setting: an RNN of
128 units, 512 place cells, 50 walks of 20 steps, one lane; scores of 256 maps; a sweep of many seeds and few
other settings. Writes ``benchmarks/results/growth.csv`` and draws it to ``docs/performance/growth.png``.
"""

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import engine, table
from benchmarks.scoring import UNITS, make_maps
from benchmarks.sizes import Size, synthetic_sweep
from gridsweep.plan import make_plan
from gridsweep.scores import measure
from gridsweep.spec import make_sweep

MIDDLE = Size(units=128, place_cells=512, batch=50, steps=20)
AXES = {
    "units": (32, 64, 128, 256, 512, 1024, 2048),
    "batch": (10, 25, 50, 100, 200, 400),
    "steps": (5, 10, 20, 40, 80),
    "lanes": (1, 2, 4, 8, 16, 32),
    "bins": (16, 20, 32, 44, 64),
    "runs": (1_000, 10_000, 100_000, 1_000_000),
}
UNIT_OF = {"bins": "ms a unit scored", "runs": "s a plan"}
HEADS = {"axis": 6, "value": 10, "cost": 10, "unit": 22, "of_straight": 11}
FIGURE = Path(__file__).resolve().parent.parent / "docs" / "performance" / "growth.png"


def main() -> None:
    """Prints, keeps and draws a row for each value of each axis."""
    parser = argparse.ArgumentParser(description="How cost grows.")
    parser.add_argument("--axes", nargs="+", choices=list(AXES), default=list(AXES))
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    table.show(HEADS)
    for axis in asked.axes:
        first = None
        for value in AXES[axis]:
            cost = COSTS.get(axis, _training)(axis, value, asked.rounds)
            first = first or (value, cost)
            straight = first[1] * (1 if axis == "lanes" else value / first[0])
            unit = UNIT_OF.get(axis, "ms a network-update")
            rows.append(
                {"axis": axis, "value": value, "cost": cost, "unit": unit, "of_straight": cost / straight}
            )
            table.show(HEADS, rows[-1])
    table.keep("growth", rows)
    draw(rows)


def _training(axis: str, value: int, rounds: int) -> float:
    lanes = value if axis == "lanes" else 1
    size = MIDDLE if axis == "lanes" else MIDDLE._replace(**{axis: value})
    work = engine.build({"size": size, "network": "rnn", "precision": "float32", "networks": lanes})
    work(1)
    updates = max(1, math.ceil(0.3 / _best_s(lambda: work(1), 2)))
    return 1e3 * _best_s(lambda: work(updates), rounds) / updates / lanes


def _scoring(axis: str, value: int, rounds: int) -> float:
    del axis
    maps = make_maps(value)
    measure(maps)
    return 1e3 * _best_s(lambda: measure(maps), rounds) / UNITS


def _planning(axis: str, value: int, rounds: int) -> float:
    del axis
    document = synthetic_sweep(value)

    def work() -> None:
        make_plan(make_sweep(document, where="synthetic", name="synthetic"), slots=2)

    return _best_s(work, rounds if value < 1_000_000 else 1)


COSTS: dict[str, Callable[[str, int, int], float]] = {"bins": _scoring, "runs": _planning}


def _best_s(work: Callable[[], object], rounds: int) -> float:
    """Returns the least processor time of a piece of work."""
    spent = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


def draw(rows: list[dict[str, Any]], path: Path = FIGURE) -> None:
    """Draws a panel an axis: cost against value, and the straight line through the first point."""
    import matplotlib.pyplot as plt

    from gridsweep.figures.style import house_style

    axes_drawn = list(dict.fromkeys(row["axis"] for row in rows))
    with house_style(7.0):
        figure, panels = plt.subplots(2, 3, figsize=(7.0, 4.2), layout="constrained")
        for panel, axis in zip(panels.flat, axes_drawn, strict=False):
            chosen = [row for row in rows if row["axis"] == axis]
            x, y = [float(row["value"]) for row in chosen], [float(row["cost"]) for row in chosen]
            straight = [y[0] * (1 if axis == "lanes" else value / x[0]) for value in x]
            panel.set_xscale("log")
            panel.set_yscale("linear" if axis == "lanes" else "log")
            panel.plot(x, straight, color="0.6", linestyle="--", linewidth=0.8)
            panel.plot(x, y, color="#0072b2", marker="o", markersize=3, linewidth=1.2)
            if axis == "lanes":
                panel.set_ylim(0, 1.5 * max(y))
            panel.set_xlabel(axis)
            panel.set_ylabel(chosen[0]["unit"])
            shown = x if len(x) <= 5 else x[::2]
            panel.set_xticks(shown, [f"{value:,.0f}" for value in shown])
            panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            panel.minorticks_off()
        for panel in panels.flat[len(axes_drawn) :]:
            panel.remove()
        figure.suptitle("Processor time of one core; dashed: straight through the first point (lanes: level)")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=200)
        plt.close(figure)


if __name__ == "__main__":
    main()
