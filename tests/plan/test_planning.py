"""Plans: cohorts share a program, nothing is planned twice, and what a plan says is what it comes to."""

import jax
from hypothesis import given
from hypothesis import strategies as st

from gridsweep.plan import cohort_id, expand, group_into_cohorts, make_plan
from gridsweep.plan.cohorts import MOST_LANES, lanes_for
from gridsweep.spec import Sweep, make_sweep
from tests.tiny import small_document

AXES = {
    "target.field_width_m": {"values": [0.2, 0.3]},
    "training.learning_rate": {"values": [1e-3, 2e-3]},
    "network.activation": {"values": ["relu", "tanh"]},
}


def sweep(**changes):
    return Sweep(small_document(parameters=AXES, seeds=3, **changes))


def test_runs_that_differ_in_lane_settings_only_are_one_program():
    plan = make_plan(sweep(), lanes=64)
    assert plan.programs == 2  # the activation
    assert [len(cohort.members) for cohort in plan.cohorts] == [12, 12]
    for cohort in plan.cohorts:
        systems = [sweep()[member.row].system for member in cohort.members]
        assert len({jax.tree.structure(system) for system in systems}) == 1


@given(lanes=st.integers(1, 20))
def test_every_run_is_in_exactly_one_cohort_of_at_most_so_many_lanes(lanes):
    members = list(expand(sweep()).runs)
    cohorts = group_into_cohorts(members, lanes=lanes, slots=2, lane_s=1.0)
    assert sorted(member.row for cohort in cohorts for member in cohort.members) == list(range(24))
    assert all(len(cohort.members) <= lanes for cohort in cohorts)


@given(runs=st.integers(1, 20_000), slots=st.integers(1, 64), lane_s=st.floats(0.0, 1e6))
def test_chosen_lanes_are_about_ten_minutes_and_leave_each_slot_four_cohorts(runs, slots, lane_s):
    lanes = lanes_for(runs, slots=slots, lane_s=lane_s)
    assert 1 <= lanes <= MOST_LANES
    assert lanes == 1 or lanes * lane_s <= 600
    assert lanes == 1 or runs / lanes > 4 * slots - 4 * slots / lanes - 1 or lanes == MOST_LANES


def test_a_cohort_is_called_after_its_runs_whatever_their_order():
    members = list(expand(sweep()).runs)
    assert cohort_id(members) == cohort_id(members[::-1]) != cohort_id(members[1:])


def test_what_is_committed_or_planned_is_not_planned_again():
    ids = [planned.run_id for planned in expand(sweep()).runs]
    plan = make_plan(sweep(), committed=ids[:5], planned=ids[:9], lanes=4)
    summary = plan.summary()
    assert (summary["committed"], summary["waiting"], summary["to_plan"]) == (5, 4, 15)
    again = {member.run_id for cohort in plan.cohorts for member in cohort.members}
    assert again == set(ids[9:])


def test_the_stored_plan_makes_the_same_runs_again():
    document = make_plan(sweep(), lanes=5).document()
    remade = make_sweep(document["spec"], where="plan", name=document["sweep"])
    for cohort in document["cohorts"]:
        assert [remade[row].run_id for row in cohort["rows"]] == cohort["runs"]
    assert sorted(document["members"]) == sorted(
        run for cohort in document["cohorts"] for run in cohort["runs"]
    )


def test_the_estimate_grows_with_the_work():
    short, long = (make_plan(sweep(keep={"rate_maps": maps})) for maps in ("none", "all"))
    assert long.bytes > short.bytes
    assert short.operations == sum(
        member.program.system.operations_per_update() * member.program.system.total_updates
        for member in short.expansion.runs
    )
