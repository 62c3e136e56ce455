"""The worker of this project: lanes of one program, advanced as a cohort advances them."""

from collections.abc import Callable
from typing import Any

import jax

from benchmarks.rotation import serve
from benchmarks.sizes import Size, settings
from gridsweep.spec.build import build as build_system
from gridsweep.train.compile_cache import use_compile_cache
from gridsweep.train.lanes import advance_lanes, init_lanes, stack_systems


def build(task: dict[str, Any]) -> Callable[[int], None]:
    """Returns a function that trains ``networks`` networks, each for so many updates.

    Args:
        task: ``size``, ``network``, ``precision``, ``networks``, and ``micro_batch`` lanes at a time.
    """
    use_compile_cache()
    lanes, width = task.get("networks", 1), task.get("micro_batch", 1)
    said = settings(Size(*task["size"]), network=task["network"], precision=task["precision"])
    systems = [build_system(said | {"system": {"seed": seed}}) for seed in range(lanes)]
    stacked = [stack_systems(systems[start : start + width], width) for start in range(0, lanes, width)]
    states = [init_lanes(some) for some in stacked]

    def work(updates: int) -> None:
        for number, some in enumerate(stacked):
            states[number] = advance_lanes(some, states[number], updates)
        jax.block_until_ready(states)

    return work


if __name__ == "__main__":
    serve(build)
