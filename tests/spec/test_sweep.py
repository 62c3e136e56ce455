"""A sweep's runs: how many, which, and in what order."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsweep.kinds import Uniform
from gridsweep.spec import Sweep
from tests.tiny import small_document

WIDTHS = {"target.field_width_m": {"values": [0.2, 0.3]}}


def sweep(**changes):
    return Sweep(small_document(**changes), where="f.yaml")


def test_axes_count_up_like_digits_and_seeds_are_the_last_of_them():
    runs = list(sweep(seeds=2, parameters=WIDTHS | {"network.units": {"values": [4, 8]}}))
    assert [(run.system.target.field_width_m, run.system.network.units, run.system.seed) for run in runs] == [
        (width_m, units, seed) for width_m in (0.2, 0.3) for units in (4, 8) for seed in (0, 1)
    ]


def test_seeds_may_be_listed():
    assert [run.system.seed for run in sweep(seeds=[7, 3])] == [7, 3]
    assert [run.system.seed for run in sweep()] == [0]


@given(numbers=st.lists(st.integers(0, 11), max_size=6))
def test_a_run_is_made_from_its_number_alone(numbers):
    whole = sweep(seeds=3, parameters=WIDTHS | {"network.units": {"values": [4, 8]}})
    ids = [run.run_id for run in whole]
    fresh = sweep(seeds=3, parameters=WIDTHS | {"network.units": {"values": [4, 8]}})
    assert [fresh[number].run_id for number in numbers] == [ids[number] for number in numbers]


def test_a_document_is_left_as_it_was_given():
    document = small_document(
        parameters={
            "target": {"values": ["difference_of_softmaxes", {"kind": "gaussian"}]},
            "target.field_width_m": {"value": 0.3},
        },
        seeds=2,
    )
    before = copy.deepcopy(document)
    list(Sweep(document))
    assert document == before


def test_a_kind_may_be_given_by_its_name_alone():
    short = Sweep(
        {"base": {"target": "gaussian", "training": {"optimizer": "sgd"}, "evaluation": "published"}}
    )
    long = Sweep(
        {
            "base": {
                "target": {"kind": "gaussian"},
                "training": {"optimizer": {"kind": "sgd"}},
                "evaluation": [{"kind": "published"}],
            }
        }
    )
    assert short[0] == long[0]
    assert Sweep({"base": {"system": "filtered_noise"}})[0].system.kind_name() == "filtered_noise"


def test_a_swept_node_keeps_what_it_does_not_set():
    parameters = {"training": {"values": [{"learning_rate": 0.5}, {"optimizer": {"first_decay": 0.5}}]}}
    training = {"batch_size": 4, "steps": 3, "updates": 3, "optimizer": {"kind": "adam", "epsilon": 1e-4}}
    first, second = sweep(base=small_document()["base"] | {"training": training}, parameters=parameters)
    assert (first.system.training.learning_rate, first.system.training.batch_size) == (0.5, 4)
    assert first.system.training.optimizer.epsilon == second.system.training.optimizer.epsilon == 1e-4
    assert second.system.training.optimizer.first_decay == 0.5


def test_a_whole_node_is_set_before_its_leaves_whatever_their_order():
    parameters = {
        "target.field_width_m": {"values": [0.5]},
        "target": {"values": [{"kind": "gaussian", "field_width_m": 0.1}]},
    }
    assert sweep(parameters=parameters)[0].system.target.field_width_m == 0.5


def test_a_width_may_be_swept_between_numbers_and_laws_for_each_cell():
    parameters = {"target.field_width_m": {"values": [0.2, {"uniform": [0.1, 0.3]}]}}
    assert [run.system.target.field_width_m for run in sweep(parameters=parameters)] == [
        0.2,
        Uniform(0.1, 0.3),
    ]
    target = {"kind": "gaussian", "field_width_m": {"uniform": [0.1, 0.2]}}
    spread = small_document()["base"] | {"target": target}
    parameters = {"target.field_width_m": {"values": [{"uniform": [0.1, 0.4]}, 0.3]}}
    assert [run.system.target.field_width_m for run in sweep(base=spread, parameters=parameters)] == [
        Uniform(0.1, 0.4),
        0.3,
    ]


def test_each_target_is_trained_with_its_usual_loss():
    document = small_document(parameters={"target": {"values": ["gaussian", "cartesian"]}})
    del document["base"]["loss"]
    assert [run.system.loss.kind_name() for run in Sweep(document)] == ["cross_entropy", "mse"]


def test_systems_may_stand_side_by_side_each_with_its_own_settings():
    listed = sweep(
        method="list",
        seeds=2,
        runs=[
            {"network.units": 4},
            {"system": {"kind": "filtered_noise", "units": 9}},
            {"system.kind": "filtered_noise"},
        ],
    )
    runs = list(listed)
    assert [run.system.kind_name() for run in runs] == ["path_integrator"] * 2 + ["filtered_noise"] * 4
    assert runs[0].system.network.units == 4
    assert runs[2].system.units == 9


def test_a_random_sweep_draws_from_its_laws_and_repeats_each_draw_for_every_seed():
    parameters = {
        "training.learning_rate": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-2},
        "network.units": {"distribution": "int_uniform", "min": 4, "max": 6},
        "target.field_width_m": {"values": [0.2, 0.3]},
    }
    runs = list(sweep(method="random", run_cap=20, seeds=2, parameters=parameters))
    assert len(runs) == 40
    rates = [run.system.training.learning_rate for run in runs]
    assert rates[::2] == rates[1::2]
    assert len(set(rates)) == 20
    assert {run.system.network.units for run in runs} == {4, 5, 6}
    assert {run.system.target.field_width_m for run in runs} == {0.2, 0.3}


def test_excluded_combinations_are_left_out_however_their_values_are_written():
    axes = {
        "network.units": {"values": [4, 8]},
        "target": {"values": ["gaussian", {"kind": "difference_of_softmaxes"}]},
    }
    left = sweep(
        seeds=2,
        parameters=axes,
        exclude=[{"network.units": 4.0, "target": "difference_of_softmaxes"}, {"system.seed": 1}],
    )
    assert [(run.system.network.units, run.system.target.kind_name()) for run in left] == [
        (4, "gaussian"),
        (8, "gaussian"),
        (8, "difference_of_softmaxes"),
    ]


def test_what_varies_is_what_has_several_values():
    assert sweep(parameters=WIDTHS | {"network.units": {"value": 8}}).varied() == ["target.field_width_m"]


@pytest.mark.parametrize("system", [{}, {"centre_seed": 0}, {"init_seed": 1, "evaluation_seed": 7}])
def test_runs_told_by_their_seeds_have_the_ids_they_have_when_made(system):
    document = small_document(
        base={"system": system},
        parameters={"target.field_width_m": {"values": [0.1, 0.2]}, "network.units": {"values": [8, 16]}},
        seeds=[4, 0, 1, 9],
        exclude=[{"network.units": 8, "system.seed": 0}],
    )
    sweep = Sweep(document)
    together = list(sweep.by_seed())
    assert [len(ids) for _, ids in together] == [3, 4, 3, 4]
    assert [run_id for _, ids in together for run_id in ids] == [run.run_id for run in sweep]
    assert [first for first, _ in together] == [sweep[number] for number in (0, 3, 7, 10)]
