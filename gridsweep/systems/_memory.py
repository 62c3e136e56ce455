"""What a lane of a path integrator holds in memory at its worst, told from its settings alone.

A lane's state is its weights and what the optimizer keeps. At work it holds, beside that, the larger of

* what the backward pass of an update wants: so many numbers for each step and walk, which depends on the
  cell (``Network.held_numbers``), a few steps of the report with its target, some of the gradient;
* what the optimizer wants: as much again as the state;
* what the evaluation wants: the cell's run, or the report with its target, along walks of another length; its
  own batch, which is looked at in several ways; and the lookup decoder, whose table of all places against
  some reports has one size whatever the network is.

The shares are measured: by XLA's own account of compiled programs (``memory_analysis``), on a CPU, at several
sizes. ``tests/plan/test_memory.py`` compares them for every network; on a GPU they are not measured.
"""

from typing import TYPE_CHECKING

from gridsweep.evaluations.published import STEPS as PUBLISHED_STEPS
from gridsweep.systems._looking import WALKS_OF_OTHER_LENGTH
from gridsweep.systems._lookup import PLACES_A_SIDE, ROWS_AT_ONCE
from gridsweep.systems._time_loss import NUMBERS_AT_ONCE

if TYPE_CHECKING:
    from gridsweep.systems.path_integrator import PathIntegrator

FLOAT_BYTES = 4
GRADIENT_SHARE = 0.4  # of the weights, while the activity is still held
REPORTS_IN_TRAINING = 3.0  # pieces of time of the report, its target and their gradient
TARGETS_IN_TRAINING = 1.0  # numbers a step and walk for each output of the network
REPORTS_IN_LOOKING = 1.0  # likewise, of the walks of another length: of the network and the target
REPORTS_OF_BATCH = 1.75  # likewise, of the evaluation's own batch beside those
REPORTS_OF_BATCH_ALONE = 3.6  # and where there are no walks of another length
ROUNDED_COPY = 0.5  # of the activity, for products in bfloat16


def training_bytes(system: "PathIntegrator", state_bytes: int, weight_bytes: int) -> float:
    """Returns what an update of one lane holds beside the state."""
    training, outputs = system.training, system.target.outputs
    rows = FLOAT_BYTES * training.steps * training.batch_size
    held = system.network.held_numbers().in_training + TARGETS_IN_TRAINING * outputs
    held += ROUNDED_COPY * system.network.units * (training.precision == "bfloat16")
    at_once = max(NUMBERS_AT_ONCE, training.batch_size * outputs)
    piece = FLOAT_BYTES * min(at_once, training.steps * training.batch_size * outputs)
    backward = held * rows + GRADIENT_SHARE * weight_bytes + REPORTS_IN_TRAINING * piece
    return max(backward, state_bytes, 2 * weight_bytes)


def looking_bytes(system: "PathIntegrator") -> float:
    """Returns what the evaluations of one lane hold beside the state: the largest of them."""
    network, outputs, trained = system.network, system.target.outputs, system.training.steps
    held = network.held_numbers()
    of_other = max(held.in_looking, network.scored_units + REPORTS_IN_LOOKING * outputs)
    numbers = []
    for evaluation in system.evaluation:
        steps = evaluation.walk_steps(trained)
        _, walks = evaluation.batches(system.training.batch_size, trained)
        others = [length for length in (trained, PUBLISHED_STEPS) if length != steps]
        other = WALKS_OF_OTHER_LENGTH * max(others, default=0) * of_other
        of_batch = held.of_batch + (REPORTS_OF_BATCH if other else REPORTS_OF_BATCH_ALONE) * outputs
        # The run of the cell along its own batch comes before anything is held beside it.
        numbers.append(max(other + walks * steps * of_batch, walks * steps * of_other))
    places = PLACES_A_SIDE**2
    return FLOAT_BYTES * (max(numbers) + places * (ROWS_AT_ONCE + system.target.heads[0]))
