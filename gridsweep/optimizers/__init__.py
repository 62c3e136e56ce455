"""How weights follow gradients: one rule per file."""

from gridsweep.optimizers._base import Optimizer

__all__ = ["Optimizer"]
