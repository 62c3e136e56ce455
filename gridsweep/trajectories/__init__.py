"""How a walker moves (``random_walk``)."""

from gridsweep.trajectories._base import Trajectory, Walk

__all__ = ["Trajectory", "Walk"]
