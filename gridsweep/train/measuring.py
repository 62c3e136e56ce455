"""How fast this device trains: network-updates a second by size, network, precision and lanes. Without Ray.

Programs are those of a cohort: targets, walks and optimizer included, lanes computed together. The ceiling is
the best square matrix product in the same precision, measured on the same device just before.
"""

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gridsweep import scores
from gridsweep.spec.build import build
from gridsweep.train.lanes import advance_lanes, init_lanes, stack_systems

EDGE = 4096  # of the matrices of the ceiling, on a GPU
EDGE_ON_CPU = 512
ROUNDS = 3
MAPS, BINS = 1024, 44


@dataclass(frozen=True)
class Combinations:
    """What is measured: every combination of units, networks, precisions and lanes, on the same task.

    Args:
        units: recurrent units.
        networks: kinds.
        precisions: of the matrix products.
        lanes: networks computed together.
        place_cells: of the target, a difference of softmaxes.
        batch_size: walks.
        steps: of a walk.
        updates: in the chunk that is timed; the best of three chunks counts.
    """

    units: Sequence[int]
    networks: Sequence[str]
    precisions: Sequence[str]
    lanes: Sequence[int]
    place_cells: int
    batch_size: int
    steps: int
    updates: int


def measure_device(asked: Combinations) -> Iterator[dict[str, Any]]:
    """Returns a row for each combination, as it is measured; ``failed`` says why one has no rate."""
    task = {"batch_size": asked.batch_size, "steps": asked.steps}
    for precision in asked.precisions:
        ceiling = product_rate(precision)
        for width, network, together in itertools.product(asked.units, asked.networks, asked.lanes):
            settings = {
                "network": {"kind": network, "units": width},
                "target": {"kind": "difference_of_softmaxes", "place_cells": asked.place_cells},
                "training": task | {"precision": precision},
            }
            said = {"precision": precision, "units": width, "network": network, "lanes": together}
            yield {"who": "ours"} | said | _rate(settings, together, asked.updates, ceiling)


def device_name() -> str:
    """Returns the device and the version of JAX that drives it."""
    return f"{jax.devices()[0].device_kind}, jax {jax.__version__}"


def product_rate(precision: str) -> float:
    """Returns the floating-point operations a second of a square matrix product, the best of a few."""
    edge = EDGE_ON_CPU if jax.default_backend() == "cpu" else EDGE
    operand = jnp.bfloat16 if precision == "bfloat16" else jnp.float32
    with jax.default_matmul_precision("tensorfloat32" if precision == "tf32" else "highest"):
        product = jax.jit(lambda x, y: jnp.dot(x, y, preferred_element_type=jnp.float32))
        keys = jax.random.key(0), jax.random.key(1)
        left, right = (jax.random.normal(key, (edge, edge)).astype(operand) for key in keys)
        product(left, right).block_until_ready()
        best_s = min(_timed_s(lambda: product(left, right)) for _ in range(4 * ROUNDS))
    return 2 * edge**3 / best_s


def scoring_s() -> float:
    """Returns the seconds that scoring 1,024 units on 44 bins takes, compilation apart."""
    maps = np.random.default_rng(0).random((MAPS, BINS, BINS)).astype(np.float32)
    scores.measure(maps)
    return _timed_s(lambda: scores.measure(maps))


def _rate(settings: dict[str, Any], lanes: int, updates: int, ceiling: float) -> dict[str, Any]:
    systems = [build(settings | {"system": {"seed": seed}}) for seed in range(lanes)]
    width = 1 if jax.default_backend() == "cpu" else lanes
    stacked = [stack_systems(systems[start : start + width], width) for start in range(0, lanes, width)]
    try:
        states = [init_lanes(some) for some in stacked]

        def chunk(some: int) -> Any:
            for number, batch in enumerate(stacked):
                states[number] = advance_lanes(batch, states[number], some)
            return jax.tree.leaves(states)[-1]

        chunk(1).block_until_ready()
        best_s = min(_timed_s(lambda: chunk(updates)) for _ in range(ROUNDS))
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return {"failed": "out of memory"}
    per_s = lanes * updates / best_s
    peak = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    return {
        "updates_per_s": per_s,
        "us_per_update": 1e6 / per_s,
        "of_ceiling": per_s * systems[0].operations_per_update() / ceiling,
        "peak_bytes": peak,  # of the process so far; None where the device does not tell
    }


def _timed_s(work: Any) -> float:
    began = time.perf_counter()
    jnp.asarray(jax.tree.leaves(work())[0]).block_until_ready()
    return time.perf_counter() - began
