"""What a lane of a path integrator holds in memory at its worst, told from its settings alone.

A lane's state is its weights and what the optimizer keeps. At work it holds, beside that, the larger of

* what the backward pass of an update wants: so many numbers for each unit, step and walk, which depends on
  the cell (``Network.held_in_training``), a few steps of the report with its target, some of the gradient;
* what the optimizer wants: as much again as the state;
* what a batch of the evaluation wants: the activity along its walks, with the report and the target.

The shares are measured: by XLA's own account of compiled programs (``memory_analysis``), on a CPU, at several
sizes. ``tests/plan/test_memory.py`` compares them for every network; on a GPU they are not measured.
"""

from typing import TYPE_CHECKING

from gridsweep.systems._looking import WALKS_OF_OTHER_LENGTH
from gridsweep.systems._time_loss import NUMBERS_AT_ONCE

if TYPE_CHECKING:
    from gridsweep.systems.path_integrator import PathIntegrator

FLOAT_BYTES = 4
GRADIENT_SHARE = 0.4  # of the weights, while the activity is still held
REPORTS_IN_TRAINING = 3.0  # pieces of time of the report, its target and their gradient
REPORTS_IN_LOOKING = 1.9  # reports of a whole batch: of the network and the target
ROUNDED_COPY = 0.5  # of the activity, for products in bfloat16
LONGEST_STEPS = 50  # walks of this length are looked at whatever was trained


def training_bytes(system: "PathIntegrator", state_bytes: int, weight_bytes: int) -> float:
    """Returns what an update of one lane holds beside the state."""
    training, outputs = system.training, system.target.outputs
    activity = FLOAT_BYTES * training.steps * training.batch_size * system.network.units
    held = system.network.held_in_training + ROUNDED_COPY * (training.precision == "bfloat16")
    piece = FLOAT_BYTES * max(NUMBERS_AT_ONCE, training.batch_size * outputs)
    backward = held * activity + GRADIENT_SHARE * weight_bytes + REPORTS_IN_TRAINING * piece
    return max(backward, state_bytes, 2 * weight_bytes)


def looking_bytes(system: "PathIntegrator") -> float:
    """Returns what the evaluations of one lane hold beside the state: of the largest batch of each."""
    rows = []
    for evaluation in system.evaluation:
        _, walks = evaluation.batches(system.training.batch_size, system.training.steps)
        rows.append(walks * evaluation.walk_steps(system.training.steps))
    rows.append(WALKS_OF_OTHER_LENGTH * max(LONGEST_STEPS, system.training.steps))
    a_row = system.network.held_in_looking * system.network.units + REPORTS_IN_LOOKING * system.target.outputs
    return FLOAT_BYTES * max(rows) * a_row
