"""What a network is asked to report: one encoding of place per file."""

from gridsweep.targets._base import Target

__all__ = ["Target"]
