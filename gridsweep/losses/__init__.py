"""How far an output is from its target: one loss per file."""

from gridsweep.losses._base import Loss

__all__ = ["Loss"]
