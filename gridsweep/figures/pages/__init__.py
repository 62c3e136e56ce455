"""Pages to look through a store with: maps by score, one unit, one network, one sweep.

Unlike a figure, a page is about runs that are named, not about a claim. Each is a function of a store that
returns a drawing, its axes and a table, as figures do.
"""

from gridsweep.figures.pages.maps import maps_page
from gridsweep.figures.pages.network import network_page
from gridsweep.figures.pages.sweep import sweep_page
from gridsweep.figures.pages.unit import unit_page

__all__ = ["maps_page", "network_page", "sweep_page", "unit_page"]
