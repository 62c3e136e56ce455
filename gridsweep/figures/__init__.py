"""Figures, one a file, named as their command: ``gridsweep figure survival`` draws ``survival.py``.

A figure takes a store and an ``Ask`` (which networks, which style, which size) and returns the drawing, its
axes and a table of exactly what is drawn; ``save`` writes all three. ``FIGURES["fig5"](store)`` draws figure
5 of the paper. A new figure is one new file with a ``FIGURE`` in it. Matplotlib is imported when something is
drawn.
"""

from gridsweep.figures._ask import Ask, NoRuns
from gridsweep.figures._entry import Figure, Verdict, discover_figures
from gridsweep.figures._paper import write_report
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.files import save

FIGURES: dict[str, Figure] = discover_figures(__name__)

# A function takes the name of its module; `from gridsweep.figures.survival import …` still finds the module.
from gridsweep.figures.survival import survival  # noqa: E402

__all__ = ["FIGURES", "Ask", "Drawn", "Figure", "NoRuns", "Verdict", "save", "survival", "write_report"]
