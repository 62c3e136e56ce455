"""What the stored scores say: pure functions from tables to tables, with intervals that respect networks.

``select_units`` reads from a store, ``survival`` ranks, ``difference``, ``area_between`` and
``permutation_test`` compare; all work as well on a DataFrame from anywhere else.
"""

from gridsweep.analysis.comparison import Area, PermutationTest, area_between, difference, permutation_test
from gridsweep.analysis.null import deal_null
from gridsweep.analysis.selection import Denominators, Selection, select_units

# A function takes the name of its module; `from gridsweep.analysis.survival import …` still finds the module.
from gridsweep.analysis.survival import SurvivalTable, fractions_above, survival, survival_function

__all__ = [
    "Area",
    "Denominators",
    "PermutationTest",
    "Selection",
    "SurvivalTable",
    "area_between",
    "deal_null",
    "difference",
    "fractions_above",
    "permutation_test",
    "select_units",
    "survival",
    "survival_function",
]
