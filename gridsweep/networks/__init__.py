"""Recurrent architectures: one per file."""

from gridsweep.networks._base import Circuit, Network

__all__ = ["Circuit", "Network"]
