"""How a walker moves (``random_walk``)."""

from gridsweep.trajectories._base import Trajectory, Walk, standing_at

__all__ = ["Trajectory", "Walk", "standing_at"]
