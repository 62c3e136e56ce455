"""Runs become lanes, lanes are trained, checkpointed and scored."""

from gridsweep.train.checkpoint import BadCheckpoint, restore_checkpoint, save_checkpoint
from gridsweep.train.cohort import CohortTraining
from gridsweep.train.provenance import provenance
from gridsweep.train.rows import Rows

__all__ = ["BadCheckpoint", "CohortTraining", "Rows", "provenance", "restore_checkpoint", "save_checkpoint"]
