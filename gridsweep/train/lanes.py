"""Many runs as one program: leaves stacked into lanes, systems' functions run over them.

Lanes go through the device in micro-batches of ``m``: 1 on a CPU, where a batch of one is fastest, and a
power of two on a GPU. The compiled functions know ``m`` and the tree's structure and nothing else, so a
cohort of any size, and the next cohort of the same program, compile nothing new. A lane's bits depend on
``m`` but not on its neighbours; the last micro-batch is padded with copies of its last lane.

Everything a lane does, its optimizer included, happens inside the vmap: outside it, one lane's NaN would
reach all others.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gridsweep.spec import Run
from gridsweep.systems import Observation, State, System

# Of a device's memory that a micro-batch may be predicted to take: the model is good to 15 % on a CPU, is not
# measured on a GPU, and the programs and the scores want some as well.
SHARE_OF_MEMORY = 0.7
UNKNOWN_WIDTH = 8  # lanes together on a GPU, of a system whose memory is not modelled
# Registers of 512 bits where the processor has them: XLA fills half of one unless asked. The same bits in
# 98 % of the time; elsewhere it means nothing.
_compiled = functools.partial(jax.jit, compiler_options={"xla_cpu_prefer_vector_width": 512})


def stack_systems(systems: Sequence[System], width: int) -> System:
    """Returns one tree whose leaves have a leading axis of ``width`` lanes, padded with the last one.

    Raises:
        ValueError: the trees differ in structure, so they are not one program.
    """
    if len({jax.tree.structure(system) for system in systems}) > 1:
        raise ValueError("these runs do not share a program: their per-cohort settings differ")
    padded = [*systems, *[systems[-1]] * (width - len(systems))]
    return jax.tree.map(lambda *leaves: np.stack([_leaf(leaf) for leaf in leaves]), *padded)


def micro_batches(runs: Sequence[Run], width: int) -> list[System]:
    """Returns the runs' trees stacked into micro-batches of ``width`` lanes."""
    systems = [run.system for run in runs]
    return [stack_systems(systems[start : start + width], width) for start in range(0, len(systems), width)]


def default_micro_batch(runs: Sequence[Run]) -> int:
    """Returns the number of lanes of a cohort computed together: 1 on a CPU, elsewhere what memory allows.

    That is the largest power of two at which the states of the whole cohort and the work of one micro-batch
    fit; 8 for a system whose memory is not modelled.
    """
    device = jax.devices()[0]
    if device.platform == "cpu":
        return 1
    room = ((device.memory_stats() or {}).get("bytes_limit") or 0) * SHARE_OF_MEMORY
    return micro_batch_that_fits(runs[0].system, lanes=len(runs), room_bytes=room)


def micro_batch_that_fits(system: System, *, lanes: int, room_bytes: float) -> int:
    """Returns the largest power of two of lanes that fit, no wider than the cohort needs, at least 1."""
    work_bytes = system.work_bytes()
    if work_bytes is None:
        return UNKNOWN_WIDTH
    state_bytes, width = system.state_bytes(), 1
    while width < lanes and max(lanes, 2 * width) * state_bytes + 2 * width * work_bytes <= room_bytes:
        width *= 2
    return width


def _leaf(value: Any) -> np.ndarray:
    """Returns a setting as the array it is inside a program: seeds are uint32, the rest float32."""
    return np.asarray(value, dtype=np.uint32 if isinstance(value, int) else np.float32)


def _over_lanes(function: Callable[..., Any], lanes: tuple[Any, ...], *shared: Any) -> Any:
    """Runs ``function`` for every lane. One lane alone is not vmapped: a batch of one costs time."""
    width = jax.tree.leaves(lanes[0])[0].shape[0]
    if width == 1:
        alone = function(*(jax.tree.map(lambda leaf: leaf[0], lane) for lane in lanes), *shared)
        return jax.tree.map(lambda leaf: leaf[None], alone)
    return jax.vmap(lambda *each: function(*each, *shared))(*lanes)


@_compiled
def init_lanes(systems: System) -> State:
    """Returns the states of stacked systems before their first update."""
    return _over_lanes(lambda system: system.init(system.keys()), (systems,))


def _advance(systems: System, states: State, updates: jax.Array) -> State:
    def one(system: System, state: State, updates: jax.Array) -> State:
        return system.advance(state, system.keys(), updates)

    return _over_lanes(one, (systems, states), updates)


_advance_jit = _compiled(_advance, donate_argnums=1)


def advance_lanes(systems: System, states: State, updates: int) -> State:
    """Returns the states ``updates`` updates later. The states given are used up (donated)."""
    return _advance_jit(systems, states, jnp.int32(updates))


@_compiled
def lane_metrics(systems: System, states: State) -> dict[str, jax.Array]:
    """Returns the metrics of each lane as it is, each of shape (lanes,)."""
    return _over_lanes(lambda system, state: system.metrics(state, system.keys()), (systems, states))


@_compiled
def observe_lanes(systems: System, states: State) -> Observation:
    """Returns what is seen of each lane, with a leading axis of lanes."""
    return _over_lanes(lambda system, state: system.observe(state, system.keys()), (systems, states))


def compilations() -> int:
    """Returns how many times this process has compiled the training step."""
    return _advance_jit._cache_size()  # pyright: ignore[reportAttributeAccessIssue]
