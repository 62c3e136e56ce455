"""Runs become lanes, lanes are trained, checkpointed and scored."""

from gridsweep.train.checkpoint import BadCheckpoint, restore_checkpoint, save_checkpoint
from gridsweep.train.cohort import CohortTraining
from gridsweep.train.compile_cache import programs_made
from gridsweep.train.provenance import provenance
from gridsweep.train.rows import Rows

__all__ = [
    "BadCheckpoint",
    "CohortTraining",
    "Rows",
    "programs_made",
    "provenance",
    "restore_checkpoint",
    "save_checkpoint",
]
