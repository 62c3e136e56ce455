"""Stage F: a lane's bits do not depend on its neighbours, its place, a kill in the middle, or a neighbour's NaN.

Drawn at random: how many lanes are computed together, which run is in which lane beside which others, after how
many updates the process dies, and which lane is spoiled. A death is a checkpoint on disk, and another object
that goes on from it. Every lane is compared, to the last bit, with the same run trained in one piece beside
others at the same width.
"""

import random
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from gridsweep.spec import Run, Sweep
from gridsweep.train import CohortTraining, restore_checkpoint, save_checkpoint
from gridsweep.train.lanes import advance_lanes, init_lanes, micro_batches
from tests.tiny import small_document

UPDATES = 6
WIDTHS = (2, 4, 8)


@dataclass
class Drawn:
    """What was drawn and found.

    Args:
        lanes: how many lanes were compared after a kill.
        different: lanes with other bits than the run in one piece.
        beside_nan: lanes compared beside a spoiled one.
        touched: of these, lanes that were not as without it.
        unnoticed: spoiled lanes that were not recorded as diverged.
        first: the first that was wrong, in words.
    """

    lanes: int = 0
    different: int = 0
    beside_nan: int = 0
    touched: int = 0
    unnoticed: int = 0
    first: str = ""


def draw_lanes(folder: Path, *, draws: int, seed: int, widths: Sequence[int] = WIDTHS) -> Drawn:
    """Draws so many cohorts that are killed, and as many in which a lane is spoiled."""
    rng, found, runs = random.Random(seed), Drawn(), pool()
    whole = {width: _in_one_piece(runs, width) for width in widths}
    for draw in range(draws):
        width, killed_at = rng.choice(list(widths)), rng.randint(0, UPDATES)
        company = [rng.randrange(len(runs)) for _ in range(width)]
        lanes = _killed(folder / str(draw), [runs[number] for number in company], width, killed_at)
        for place, number in enumerate(company):
            found.lanes += 1
            if not same_bits(lanes[place], whole[width][number]):
                found.different += 1
                found.first = found.first or f"draw {draw}: lane {place} of {width}, killed at {killed_at}"
        spoiled, at = rng.randrange(width), rng.randint(0, UPDATES - 1)
        lanes, alive = _spoiled([runs[number] for number in company], width, spoiled, at)
        found.unnoticed += bool(alive[spoiled])
        for place, number in enumerate(company):
            if place == spoiled:
                continue
            found.beside_nan += 1
            if not same_bits(lanes[place], whole[width][number]):
                found.touched += 1
                found.first = found.first or f"draw {draw}: lane {place} beside a NaN in lane {spoiled}"
    return found


def pool() -> list[Run]:
    """Returns runs of one program that differ in every way in which lanes may."""
    document = small_document(
        seeds=6,
        parameters={
            "target.field_width_m": {"values": [0.12, 0.4]},
            "training.learning_rate": {"values": [1e-3, 3e-2]},
            "training.weight_decay": {"values": [1e-4, 1e-2]},
        },
        zip=["target.field_width_m", "training.learning_rate", "training.weight_decay"],
    )
    document["base"]["training"]["updates"] = UPDATES
    return list(Sweep(document))


def same_bits(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> bool:
    """Whether two lanes are equal to the last bit: NaN is equal to NaN of the same bits, 0 is not -0."""
    return all(a.tobytes() == b.tobytes() for a, b in zip(found, expected, strict=True))


def _in_one_piece(runs: Sequence[Run], width: int) -> list[list[np.ndarray]]:
    """Returns every run trained in one call, in cohorts of neighbours."""
    lanes = []
    for systems in micro_batches(runs, width):
        lanes += _lanes(advance_lanes(systems, init_lanes(systems), UPDATES), width)
    return lanes[: len(runs)]


def _killed(folder: Path, runs: Sequence[Run], width: int, killed_at: int) -> list[list[np.ndarray]]:
    """Returns the lanes of a cohort that was trained so far, saved, restored elsewhere and finished."""
    training = CohortTraining(runs, micro_batch=width)
    while training.done_updates < killed_at:
        training.advance()
    save_checkpoint(training, folder)
    training = CohortTraining(runs, micro_batch=width)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert restore_checkpoint(training, folder)
    while not training.finished:
        training.advance()
    return _lanes(training.states()[0], width)


def _spoiled(
    runs: Sequence[Run], width: int, spoiled: int, at: int
) -> tuple[list[list[np.ndarray]], np.ndarray]:
    """Returns the lanes of a cohort one of which got a NaN after so many updates, and which are alive."""
    (systems,) = micro_batches(runs, width)
    states = advance_lanes(systems, init_lanes(systems), at)
    weights = jax.tree.map(lambda leaf: leaf.at[spoiled].set(np.nan), states.weights)
    states = advance_lanes(systems, states._replace(weights=weights), UPDATES - at)
    return _lanes(states, width), np.asarray(states.alive)


def _lanes(states, width: int) -> list[list[np.ndarray]]:
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(states)]
    return [[leaf[lane] for leaf in leaves] for lane in range(width)]
