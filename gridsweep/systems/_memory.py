"""What a lane of a path integrator holds in memory at its worst, told from its settings alone.

A lane's state is its weights and what the optimizer keeps. At work it holds, beside that, the larger of

* what the backward pass of an update wants: so many numbers for each step and walk, which depends on the
  cell (``Network.held_numbers``), a few steps of the report with its target, some of the gradient;
* what the optimizer wants: as much again as the state;
* what the evaluation wants: the activity along walks, with the report and the target, of the walks of other
  lengths, and several times over of a batch of its own, which is looked at in several ways.

The shares are measured: by XLA's own account of compiled programs (``memory_analysis``), on a CPU, at several
sizes. ``tests/plan/test_memory.py`` compares them for every network; on a GPU they are not measured.
"""

from typing import TYPE_CHECKING

from gridsweep.evaluations.published import STEPS as PUBLISHED_STEPS
from gridsweep.systems._looking import WALKS_OF_OTHER_LENGTH
from gridsweep.systems._time_loss import NUMBERS_AT_ONCE

if TYPE_CHECKING:
    from gridsweep.systems.path_integrator import PathIntegrator

FLOAT_BYTES = 4
GRADIENT_SHARE = 0.4  # of the weights, while the activity is still held
REPORTS_IN_TRAINING = 3.0  # pieces of time of the report, its target and their gradient
REPORTS_IN_LOOKING = 0.73  # reports of all walks that are looked at: of the network and the target
BATCHES_IN_LOOKING = 4.0  # of the evaluation, held beside the walks of other lengths
ROUNDED_COPY = 0.5  # of the activity, for products in bfloat16


def training_bytes(system: "PathIntegrator", state_bytes: int, weight_bytes: int) -> float:
    """Returns what an update of one lane holds beside the state."""
    training, outputs = system.training, system.target.outputs
    rows = FLOAT_BYTES * training.steps * training.batch_size
    held, _ = system.network.held_numbers()
    held += ROUNDED_COPY * system.network.units * (training.precision == "bfloat16")
    at_once = max(NUMBERS_AT_ONCE, training.batch_size * outputs)
    piece = FLOAT_BYTES * min(at_once, training.steps * training.batch_size * outputs)
    backward = held * rows + GRADIENT_SHARE * weight_bytes + REPORTS_IN_TRAINING * piece
    return max(backward, state_bytes, 2 * weight_bytes)


def looking_bytes(system: "PathIntegrator") -> float:
    """Returns what the evaluations of one lane hold beside the state: the largest of them."""
    trained, rows = system.training.steps, []
    for evaluation in system.evaluation:
        steps = evaluation.walk_steps(trained)
        _, walks = evaluation.batches(system.training.batch_size, trained)
        others = [length for length in (trained, PUBLISHED_STEPS) if length != steps]
        rows.append(BATCHES_IN_LOOKING * walks * steps + WALKS_OF_OTHER_LENGTH * max(others, default=0))
    _, held = system.network.held_numbers()
    a_row = held + REPORTS_IN_LOOKING * system.target.outputs
    return FLOAT_BYTES * max(rows) * a_row
