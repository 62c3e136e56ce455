"""A page to look through a whole store with: one HTML file that needs nothing but a browser.

Survival curves, the networks behind them, and the maps of a network's units, linked: settings filter all of
them, a click on a curve picks its networks, a click on a network shows its maps. The page asks nobody for
anything; what it shows is in the file. Eleven million scores would not fit, so each network comes as a count
of its units between thresholds (``gridsweep.analysis.tallies``): all that a survival curve over units of many
networks needs, and exact at those thresholds. Maps come for a bounded number of units (``kept_maps``).

The page is written by hand, in plain JavaScript. A plotting library is one to four megabytes of somebody
else's code in every file, and would draw the curves: the smaller part.
"""

from gridsweep.figures.report.page import html
from gridsweep.figures.report.payload import MapsWanted, payload

__all__ = ["MapsWanted", "html", "payload"]
