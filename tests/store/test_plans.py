import pytest

from gridsweep.store import PlanRaced, Store, StoreDamaged, StoreError
from gridsweep.store.fs import FS
from tests.store.synthetic import hex_id, plan_document


def test_plans_are_numbered_as_they_come_and_read_back_as_they_were(store):
    first, second = plan_document("width"), plan_document("depth")
    assert [store.add_plan(first), store.add_plan(second)] == [1, 2]
    again = Store.open(store.path)
    assert [(plan.number, plan.sweep, plan.document) for plan in again.plans()] == [
        (1, "width", first),
        (2, "depth", second),
    ]
    assert list(again.plan(1).cohorts) == [cohort["cohort_id"] for cohort in first["cohorts"]]


def test_the_same_plan_is_not_written_twice(store):
    assert [store.add_plan(plan_document()) for _ in range(3)] == [1, 1, 1]


def test_a_lost_race_for_a_number_takes_the_next_one(store):
    other = Store.open(store.path)

    class Beaten(FS):
        def link(self, source, target):
            if target.name == "0001.json":
                other.add_plan(plan_document("first"))
            return super().link(source, target)

    assert Store.open(store.path, fs=Beaten()).add_plan(plan_document("second")) == 2
    assert [plan.sweep for plan in store.plans()] == ["first", "second"]


def test_a_caller_who_has_not_seen_the_newest_plan_is_told(store):
    assert store.add_plan(plan_document("first"), after=0) == 1
    with pytest.raises(PlanRaced, match=r"plan 1 was added meanwhile; the caller knew plans up to 0"):
        store.add_plan(plan_document("second"), after=0)
    assert store.add_plan(plan_document("second"), after=1) == 2


def test_members_are_the_runs_of_the_cohorts_and_those_listed_beside(store):
    document = plan_document(cohorts=1) | {"members": [hex_id("elsewhere")]}
    store.add_plan(document)
    assert store.plans()[0].members == (hex_id("elsewhere"), *document["cohorts"][0]["runs"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sweep": "No/Slug"}, "plan: sweep: found 'No/Slug'"),
        ({"cohorts": [{"cohort_id": "x", "runs": ["0" * 16]}]}, "plan: cohort_id: found 'x'"),
        ({"cohorts": [{"cohort_id": "0" * 16, "runs": []}]}, "cohort 0000000000000000 has no runs"),
        ({"cohorts": [{"cohort_id": "0" * 16, "runs": ["../x"]}]}, "a run of cohort 0{16}: found '../x'"),
        (
            {"cohorts": [{"cohort_id": c * 16, "runs": ["f" * 16]} for c in "01"]},
            "run f{16} is in cohort 0{16} and again in 1{16}",
        ),
        ({"cohorts": [{"cohort_id": "0" * 16, "runs": [c * 16]} for c in "ab"]}, "a cohort is listed twice"),
        ({"members": ["x"]}, "plan: a member: found 'x'"),
        ({"spec": float("nan")}, "plan: "),
    ],
)
def test_a_plan_the_store_cannot_rely_on_is_refused(store, change, message):
    with pytest.raises(StoreError, match=message):
        store.add_plan(plan_document() | change)
    assert store.plans() == []


def test_a_plan_without_what_the_store_needs_is_refused(store):
    with pytest.raises(StoreError, match="plan: has no spec, cohorts"):
        store.add_plan({"sweep": "width"})


def test_a_cohort_has_the_same_runs_in_every_plan(store):
    document = plan_document(cohorts=1)
    store.add_plan(document)
    changed = {"cohorts": [document["cohorts"][0] | {"runs": [hex_id("other")]}]}
    with pytest.raises(StoreError, match=r"cohort \w+: plan 1 has it with other runs"):
        store.add_plan(document | {"spec": {}} | changed)


def test_a_torn_plan_is_damage_and_names_the_file(store):
    store.add_plan(plan_document())
    path = store.layout.plan(1)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreDamaged, match=r"0001.json: .*cut short"):
        Store.open(store.path).plans()
