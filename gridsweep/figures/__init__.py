"""Figures, one a file, named as their command: ``gridsweep figure survival`` draws ``survival.py``.

A figure takes a store, or a selection made by ``gridsweep.analysis``, and returns the drawing together with
a table of exactly what was drawn; ``save`` writes both. Matplotlib is imported when something is drawn.
"""

from collections.abc import Callable

from gridsweep.figures.drawn import Drawn
from gridsweep.figures.files import save
from gridsweep.figures.survival import survival

# A function takes the name of its module; `from gridsweep.figures.survival import …` still finds the module.
FIGURES: dict[str, Callable[..., Drawn]] = {"survival": survival}

__all__ = ["FIGURES", "Drawn", "save", "survival"]
