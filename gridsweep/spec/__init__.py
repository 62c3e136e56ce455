"""Sweep files: reading, checking, counting, and the identity of each run."""

from gridsweep.spec.build import Rejected, build
from gridsweep.spec.columns import flatten, unflatten
from gridsweep.spec.identity import SCIENCE_VERSION, run_id
from gridsweep.spec.load import load_sweep, make_sweep
from gridsweep.spec.mistakes import Mistake, SweepError
from gridsweep.spec.sweep import Run, Sweep
from gridsweep.spec.wandb import WandbSweep
from gridsweep.spec.wandb_export import export_wandb, wandb_yaml

__all__ = [
    "SCIENCE_VERSION",
    "Mistake",
    "Rejected",
    "Run",
    "Sweep",
    "SweepError",
    "WandbSweep",
    "build",
    "export_wandb",
    "flatten",
    "load_sweep",
    "make_sweep",
    "run_id",
    "unflatten",
    "wandb_yaml",
]
