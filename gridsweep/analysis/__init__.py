"""What the stored scores say: pure functions from tables to tables, with intervals that respect networks.

``select_units`` reads from a store, ``survival`` ranks; both work as well on a DataFrame from anywhere else.
"""

from gridsweep.analysis.null import deal_null
from gridsweep.analysis.selection import Selection, select_units
from gridsweep.analysis.survival import SurvivalTable, fractions_above, survival_function

__all__ = [
    "Selection",
    "SurvivalTable",
    "deal_null",
    "fractions_above",
    "select_units",
    "survival_function",
]
