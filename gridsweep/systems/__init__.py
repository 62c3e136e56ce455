"""What can be simulated or trained, and so stand in a survival plot: one system per file."""

from gridsweep.systems._base import Keys, Observation, State, System

__all__ = ["Keys", "Observation", "State", "System"]
