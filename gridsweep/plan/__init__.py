"""What a sweep asks for, what is left of it, how it is cut into cohorts, and what it will cost."""

from gridsweep.plan.cohorts import Cohort, PlannedRun, cohort_id, group_into_cohorts
from gridsweep.plan.planning import Expansion, Plan, expand, make_plan

__all__ = [
    "Cohort",
    "Expansion",
    "Plan",
    "PlannedRun",
    "cohort_id",
    "expand",
    "group_into_cohorts",
    "make_plan",
]
