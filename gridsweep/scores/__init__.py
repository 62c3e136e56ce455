"""Measures of rate maps, one per file, ``measure``, which takes them all, and what they say of a network."""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from gridsweep.kinds import discover
from gridsweep.scores._base import Look, Score
from gridsweep.scores._network import measure_network, network_columns

__all__ = [
    "Look",
    "Score",
    "measure",
    "measure_network",
    "network_columns",
    "nullable_columns",
    "unit_columns",
]

# Units scored together. On a CPU the work of a chunk should stay in the cache of one core.
CHUNK_UNITS = {"cpu": 16}
CHUNK_UNITS_ELSEWHERE = 256

# Units handed to the device in one call. Its scratch memory is claimed once a call: on a CPU, once a chunk
# would cost as much as the scores of small maps.
CALL_UNITS = 256

LEAST_BINS = 4  # fewer leave the innermost ring without a pixel


def measure(
    maps: np.ndarray | Array, side_m: float = 2.2, only: Sequence[str] | None = None
) -> dict[str, Shaped[np.ndarray, " units"]]:
    """Returns every score of every map, by column; NaN where a map has no such number.

    Scores are computed in float64 whatever the maps are: in float32 they are off by up to 3e-2. Units are
    taken in chunks of one size, so that a program is compiled once for each number of bins, and each unit
    scores the same in any company.

    Args:
        maps: (units, bins, bins) of any type, first axis x; NaN where nobody has been, which the
            autocorrelogram counts as zero rate.
        side_m: side of the box that the bins cover.
        only: the scores wanted, by the names of their files; all when None.

    Raises:
        ValueError: the shape is not (units, bins, bins), a map holds an infinity, or there is no such score.
    """
    names = _known(only)
    maps = _check(np.asarray(maps))
    bins = maps.shape[-1]
    size = CHUNK_UNITS.get(jax.default_backend(), CHUNK_UNITS_ELSEWHERE)
    values = []
    with jax.enable_x64(True):
        for start in range(0, max(1, len(maps)), CALL_UNITS):
            some = maps[start : start + CALL_UNITS]
            chunks = np.zeros((CALL_UNITS, bins, bins))
            chunks[: len(some)] = some
            found = _measure_chunks(
                chunks.reshape(-1, size, bins, bins), -(-len(some) // size), side_m, names
            )
            found = jax.device_get(found)
            values.append({column: value.ravel()[: len(some)] for column, value in found.items()})
    return {column: np.concatenate([part[column] for part in values]) for column in values[0]}


@functools.partial(jax.jit, static_argnames="names")
def _measure_chunks(
    chunks: Float[Array, "chunks units bins bins"],
    filled: Int[Array, ""],
    side_m: Float[Array, ""],
    names: tuple[str, ...],
) -> dict[str, Shaped[Array, "chunks units"]]:
    """Returns every column for the first ``filled`` chunks; zeros for the others."""

    def measure_chunk(maps: Float[Array, "units bins bins"]) -> dict[str, Shaped[Array, " units"]]:
        look = Look(maps, side_m)
        scores = _scores()
        return {column: value for name in names for column, value in scores[name].measure(look).items()}

    def fill(number, values):
        found = measure_chunk(chunks[number])
        return {column: value.at[number].set(found[column]) for column, value in values.items()}

    shapes = jax.eval_shape(measure_chunk, chunks[0])
    empty = {column: jnp.zeros((len(chunks), *shape.shape), shape.dtype) for column, shape in shapes.items()}
    return jax.lax.fori_loop(0, filled, fill, empty)


def unit_columns() -> tuple[str, ...]:
    """Returns the columns that ``measure`` gives, those of every score."""
    return tuple(column for score in _scores().values() for column in score.columns)


def nullable_columns() -> frozenset[str]:
    """Returns the columns in which NaN says that a map has no such number."""
    return frozenset(column for score in _scores().values() for column in score.nullable)


@functools.cache
def _scores() -> dict[str, Score]:
    """Returns one of each score in this folder, after checking that no two claim the same column."""
    scores = {name: score() for name, score in discover("gridsweep.scores", Score).items()}
    columns = [column for score in scores.values() for column in score.columns]
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise TypeError(f"gridsweep.scores: more than one score has the column {', '.join(twice)}")
    return scores


def _known(only: Sequence[str] | None) -> tuple[str, ...]:
    known = _scores()
    if unknown := sorted(set(only or ()) - known.keys()):
        raise ValueError(f"measure: there is no score {', '.join(unknown)}; there are {', '.join(known)}")
    return tuple(name for name in known if only is None or name in only)


def _check(maps: np.ndarray) -> Float[np.ndarray, "units bins bins"]:
    """Returns the maps in float64, or says what is wrong with them."""
    if maps.ndim != 3 or maps.shape[1] != maps.shape[2] or maps.shape[1] < LEAST_BINS:
        raise ValueError(
            f"measure: found maps of shape {maps.shape}, expected (units, bins, bins), square and of at "
            f"least {LEAST_BINS} bins"
        )
    maps = maps.astype(np.float64)
    if infinite := np.flatnonzero(np.isinf(maps).any(axis=(1, 2))).tolist():
        raise ValueError(
            f"measure: found infinite rates in map {infinite[0]} ({len(infinite)} of {len(maps)} maps have "
            "some), expected finite rates, or NaN where nobody has been"
        )
    return maps
