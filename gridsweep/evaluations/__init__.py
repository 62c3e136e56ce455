"""How a trained network is looked at (``corrected``, ``published``)."""

from gridsweep.evaluations._base import Evaluation

__all__ = ["Evaluation"]
