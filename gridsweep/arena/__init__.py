"""Where a walker may be (``box``, ``torus``)."""

from gridsweep.arena._base import Arena, Wall

__all__ = ["Arena", "Wall"]
