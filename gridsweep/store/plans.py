"""Plans: what a sweep set out to train, written once before anything runs and never changed.

A plan says which runs are in which cohort. Resuming is then arithmetic: the cohorts of the plans
less the cohorts of the ledger. Extending a sweep adds a plan; nothing edits one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gridsweep.store.errors import PlanRaced, StoreDamaged, StoreError, naming
from gridsweep.store.fs import FS, put_if_absent
from gridsweep.store.layout import Layout, check_id, check_slug, plan_number
from gridsweep.store.sealed import BrokenSeal, seal, unseal


@dataclass(frozen=True)
class PlanFile:
    """A plan and its number. The store relies on ``sweep``, ``spec``, ``cohorts`` and nothing else."""

    number: int
    document: dict[str, Any]

    @property
    def sweep(self) -> str:
        return self.document["sweep"]

    @cached_property
    def cohorts(self) -> dict[str, tuple[str, ...]]:
        """Run ids of each cohort, in the order of their lanes."""
        return {cohort["cohort_id"]: tuple(cohort["runs"]) for cohort in self.document["cohorts"]}

    @cached_property
    def retires(self) -> tuple[str, ...]:
        """Cohorts of earlier plans whose runs this plan packs anew, one by one: nobody trains them again."""
        return tuple(self.document.get("retires", ()))

    @cached_property
    def members(self) -> tuple[str, ...]:
        """Runs that belong to the sweep.

        A network in two sweeps is trained once, so a plan may list under ``members`` runs that
        are in no cohort of its own. Without that key the members are the runs of its cohorts.
        """
        listed = self.document.get("members", ())
        return tuple(dict.fromkeys([*listed, *(run for runs in self.cohorts.values() for run in runs)]))


class Plans:
    """The plans of one store. A plan never changes, so each file is read once."""

    def __init__(self, fs: FS, layout: Layout) -> None:
        self._fs = fs
        self._layout = layout
        self._known: dict[int, PlanFile] = {}
        self._pinned = False

    def pin(self, numbers: Collection[int] | None = None) -> None:
        """Reads the plans once more and from then on stays with those, or with some of them."""
        self.all()
        if numbers is not None:
            self._known = {number: plan for number, plan in self._known.items() if number in numbers}
        self._pinned = True

    def all(self) -> list[PlanFile]:
        """Returns every plan by number. Raises StoreDamaged for one that cannot be read."""
        if self._pinned:
            return [self._known[number] for number in sorted(self._known)]
        with naming("listing the plans"):
            names = self._fs.names(self._layout.plans)
        numbers = sorted(filter(None, map(plan_number, names)))
        for number in numbers:
            if number not in self._known:
                self._known[number] = read_plan(self._fs, self._layout, number)
        return [self._known[number] for number in numbers]

    def retired(self) -> dict[str, int]:
        """Returns the cohorts that a later plan took apart, with that plan's number."""
        return {cohort_id: plan.number for plan in self.all() for cohort_id in plan.retires}

    def get(self, number: int) -> PlanFile:
        """Returns one plan, or raises StoreError naming the plans there are."""
        if number not in self._known:
            known = [plan.number for plan in self.all()]
            if number not in known:
                raise StoreError(f"plan {number}: the store has {_listed(known)}")
        return self._known[number]

    def add(self, document: Mapping[str, Any], *, after: int | None = None) -> int:
        """Writes a plan under the next free number and returns the number.

        Two processes that start the same sweep make the same document: a plan that is there
        already is not written again, its number is returned.

        Args:
            document: at least sweep, spec, cohorts.
            after: number of the newest plan the caller took into account, 0 for none. If there
                is a newer one by now, raises PlanRaced, so that the caller can plan again.
        """
        document = check_plan(document)
        data = _sealed(document)
        while True:
            plans = self.all()
            newest = plans[-1].number if plans else 0
            if (same := next((plan.number for plan in plans if plan.document == document), None)) is not None:
                return same
            if after is not None and newest != after:
                raise PlanRaced(f"plan {newest} was added meanwhile; the caller knew plans up to {after}")
            self._check_against(plans, document)
            with naming(f"adding plan {newest + 1}"):
                if put_if_absent(self._fs, self._layout.staging, self._layout.plan(newest + 1), data):
                    return newest + 1

    def _check_against(self, plans: list[PlanFile], document: Mapping[str, Any]) -> None:
        cohorts = PlanFile(0, dict(document)).cohorts
        for plan in plans:
            for cohort_id in cohorts.keys() & plan.cohorts.keys():
                if set(cohorts[cohort_id]) != set(plan.cohorts[cohort_id]):
                    raise StoreError(f"cohort {cohort_id}: plan {plan.number} has it with other runs")


def read_plan(fs: FS, layout: Layout, number: int) -> PlanFile:
    """Returns the plan of a number. Raises StoreDamaged if the file is not what was written."""
    path = layout.plan(number)
    with naming("reading a plan"):
        data = fs.read(path)
    try:
        return PlanFile(number, check_plan(unseal(data)))
    except (BrokenSeal, StoreError, TypeError, AttributeError) as error:
        raise StoreDamaged(f"{path}: {error}; see `gridsweep verify`") from error


def check_plan(document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the document, or raises StoreError with everything the store cannot rely on in it."""
    missing = [key for key in ("sweep", "spec", "cohorts") if key not in document]
    if missing:
        raise StoreError(f"plan: has no {', '.join(missing)}")
    check_slug(document["sweep"], "plan: sweep")
    cohort_of: dict[str, str] = {}
    for cohort in document["cohorts"]:
        cohort_id = check_id(cohort.get("cohort_id"), "plan: cohort_id")
        if not cohort.get("runs"):
            raise StoreError(f"plan: cohort {cohort_id} has no runs")
        for run_id in cohort["runs"]:
            if (other := cohort_of.get(check_id(run_id, f"plan: a run of cohort {cohort_id}"))) is not None:
                raise StoreError(f"plan: run {run_id} is in cohort {other} and again in {cohort_id}")
            cohort_of[run_id] = cohort_id
    if len({cohort["cohort_id"] for cohort in document["cohorts"]}) != len(document["cohorts"]):
        raise StoreError("plan: a cohort is listed twice")
    for cohort_id in document.get("retires", ()):
        check_id(cohort_id, "plan: a cohort it retires")
    for run_id in document.get("members", ()):
        check_id(run_id, "plan: a member")
    return dict(document)


def _sealed(document: Mapping[str, Any]) -> bytes:
    try:
        return seal(document, in_order=True)  # the axes of a sweep count up in the order they stand in
    except ValueError as error:
        raise StoreError(f"plan: {error}") from error


def _listed(numbers: list[int]) -> str:
    return f"plans {numbers[0]} to {numbers[-1]}" if numbers else "no plans"
