"""What a run is called depends on what trains, on all of it, and on nothing else."""

import copy
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsweep.spec import Sweep, build, flatten, run_id, unflatten
from tests.tiny import small_document

SETTINGS = {
    "system": {"kind": "path_integrator", "seed": 3},
    "arena": {"kind": "box"},
    "target": {
        "kind": "difference_of_softmaxes",
        "place_cells": 16,
        "field_width_m": 0.12,
        "surround_ratio": 2.0,
    },
    "network": {"kind": "rnn", "units": 8},
    "training": {"learning_rate": 1e-3, "batch_size": 4, "steps": 4, "updates": 10},
}


def changed(path, value):
    settings = copy.deepcopy(SETTINGS)
    *parts, name = path.split(".")
    node = settings
    for part in parts:
        node = node.setdefault(part, {})
    node[name] = value
    return run_id(build(settings))


ORIGINAL = run_id(build(SETTINGS))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("arena", {"kind": "torus"}), ("arena.side_m", 2.3), ("target.kind", "gaussian"), ("target.place_cells", 17),
        ("target.field_width_m", 0.13), ("target.field_width_m", {"uniform": [0.1, 0.2]}), ("target.surround_ratio", 2.1),
        ("target.normalisation", "none"), ("loss", {"kind": "mse"}), ("network.units", 9), ("network.activation", "tanh"),
        ("network.initializer", "orthogonal"), ("training.learning_rate", 2e-3), ("training.weight_decay", 0.0),
        ("training.batch_size", 5), ("training.steps", 5), ("training.updates", 11), ("training.optimizer", "sgd"),
        ("training.optimizer", {"kind": "adam", "epsilon": 1e-8}), ("trajectory", {"kind": "random_walk", "time_step_s": 0.01}),
        ("system.seed", 4), ("system.centre_seed", 4), ("system.init_seed", 4), ("system.trajectory_seed", 4),
    ],
)  # fmt: skip
def test_whatever_changes_numbers_changes_the_id(path, value):
    if (path, value) == ("target.kind", "gaussian"):
        settings = copy.deepcopy(SETTINGS)
        settings["target"] = {"kind": "gaussian", "place_cells": 16, "field_width_m": 0.12}
        assert run_id(build(settings)) != ORIGINAL
        return
    assert changed(path, value) != ORIGINAL


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("evaluation", ["published"]), ("evaluation", [{"kind": "corrected", "bins": [20]}]),
        ("system.evaluation_seed", 9), ("system.noise_seed", 9), ("training.learning_rate", 0.001),
        ("training.weight_decay", 1e-4), ("arena.side_m", 2.2), ("target.place_cells", 16.0),
    ],
)  # fmt: skip
def test_whatever_does_not_leaves_it(path, value):
    assert changed(path, value) == ORIGINAL


def test_ids_are_sixteen_hex_digits():
    assert re.fullmatch(r"[0-9a-f]{16}", ORIGINAL)


@given(st.floats(1.01, 20.0))
def test_a_surround_is_the_same_written_as_ratio_of_widths_or_of_variances(ratio):
    one = changed("target", SETTINGS["target"] | {"surround_ratio": ratio})
    other = changed(
        "target", SETTINGS["target"] | {"surround_ratio": ratio**2, "surround_convention": "variance"}
    )
    assert one == other


@given(st.integers(0, 2**32 - 1))
def test_the_streams_seeds_follow_the_seed_unless_they_are_set(seed):
    streams = {f"{stream}_seed": seed for stream in ("centre", "init", "trajectory")}
    one = copy.deepcopy(SETTINGS) | {"system": {"kind": "path_integrator", "seed": seed}}
    other = copy.deepcopy(SETTINGS) | {"system": {"kind": "path_integrator", "seed": 0, **streams}}
    assert run_id(build(one)) == run_id(build(other))


@given(st.permutations(list(SETTINGS)))
def test_the_order_of_keys_means_nothing(order):
    assert run_id(build({name: SETTINGS[name] for name in order})) == ORIGINAL


@given(
    width=st.floats(0.01, 2.2)
    | st.tuples(st.floats(0.01, 1.0), st.floats(1.01, 2.2)).map(lambda b: {"uniform": list(b)}),
    rate=st.floats(1e-6, 10.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_run_comes_back_from_its_columns(width, rate, seed):
    settings = copy.deepcopy(SETTINGS)
    settings["target"]["field_width_m"] = width
    settings["training"]["learning_rate"] = rate
    settings["system"]["seed"] = seed
    system = build(settings)
    assert run_id(unflatten(flatten(system))) == run_id(system)


def test_a_random_sweep_is_drawn_again_the_same_and_run_i_does_not_depend_on_how_many():
    parameters = {
        "training.learning_rate": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-2},
        "network.units": {"values": [4, 8]},
    }
    few = Sweep(small_document(method="random", run_cap=4, sampling_seed=5, parameters=parameters))
    many = Sweep(small_document(method="random", run_cap=9, sampling_seed=5, parameters=parameters))
    other = Sweep(small_document(method="random", run_cap=4, sampling_seed=6, parameters=parameters))
    assert [run.run_id for run in few] == [many[number].run_id for number in range(4)]
    assert {run.run_id for run in few}.isdisjoint(run.run_id for run in other)


def test_a_setting_that_only_some_swept_kinds_have_makes_no_double_of_the_others():
    parameters = {
        "target": {"values": [{"kind": "gaussian"}, {"kind": "difference_of_softmaxes"}]},
        "target.surround_ratio": {"values": [1.5, 2.0, 3.0]},
    }
    runs = list(Sweep(small_document(parameters=parameters)))
    assert (len(runs), len({run.run_id for run in runs})) == (6, 4)


def test_zip_ties_axes_and_exclude_leaves_combinations_out():
    axes = {"network.units": {"values": [4, 8, 16]}, "training.learning_rate": {"values": [0.1, 0.2, 0.3]}}
    tied = Sweep(small_document(parameters=axes, zip=["network.units", "training.learning_rate"]))
    assert [(run.system.network.units, run.system.training.learning_rate) for run in tied] == [
        (4, 0.1),
        (8, 0.2),
        (16, 0.3),
    ]
    some = Sweep(
        small_document(parameters=axes, exclude=[{"network.units": 4, "training.learning_rate": 0.1}])
    )
    assert len(some) == 8
