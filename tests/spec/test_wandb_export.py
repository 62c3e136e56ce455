"""Our sweeps in W&B's words come to the same networks, or an error says which setting has no word there."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsweep.spec import Sweep, SweepError, WandbSweep, export_wandb
from gridsweep.spec.document import parse_document
from gridsweep.spec.wandb_export import wandb_yaml

BASE = {
    "target": {"kind": "gaussian", "place_cells": 16},
    "network": {"kind": "ugrnn", "units": 8, "decay_tensor": "bias"},
    "training": {"batch_size": 4, "steps": 4, "updates": 7_500},
}


def sweep(base=None, **document):
    parts = {name: BASE.get(name, {}) | (base or {}).get(name, {}) for name in {**BASE, **(base or {})}}
    return Sweep({"base": parts} | document, "sweeps/mine.yaml")


def back(ours):
    return WandbSweep(parse_document(wandb_yaml(export_wandb(ours)), "exported"), "exported")


def ids(of):
    return {run.run_id for run in of}


width = st.floats(0.05, 1.0).map(lambda value: round(value, 6))
ranges = st.tuples(width, st.floats(1.1, 3.0)).map(lambda ends: {"uniform": [ends[0], ends[0] * ends[1]]})
AXES = {
    "network.kind": st.sampled_from(["rnn", "srnn", "lstm", "gru", "ugrnn"]),
    "network.activation": st.sampled_from(["relu", "tanh", "sigmoid", "linear"]),
    "network.initializer": st.sampled_from(["glorot_uniform", "glorot_normal", "orthogonal"]),
    "network.units": st.integers(1, 5_000),
    "target.place_cells": st.integers(4, 600),
    "target.field_width_m": st.one_of(width, ranges),
    "target.fields_per_cell": st.integers(1, 4),
    "training.optimizer": st.sampled_from(["adam", "adamw", "rmsprop", "sgd", "adagrad"]),
    "training.learning_rate": st.floats(1e-6, 1.0),
    "training.weight_decay": st.one_of(st.just(0), st.floats(1e-9, 1.0)),
    "training.batch_size": st.integers(1, 500),
    "training.steps": st.integers(1, 100),
    "training.updates": st.integers(1, 10**7),
}  # fmt: skip
axes = st.lists(st.sampled_from(sorted(AXES)), min_size=1, max_size=3, unique=True).flatmap(
    lambda keys: st.fixed_dictionaries(
        {
            key: st.lists(AXES[key], min_size=1, max_size=3, unique_by=repr).map(lambda v: {"values": v})
            for key in keys
        }
    )
)


@settings(max_examples=25)
@given(parameters=axes, seeds=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=2, unique=True))
def test_a_grid_comes_back_with_the_same_networks(parameters, seeds):
    ours = sweep(parameters=parameters, seeds=seeds)
    assert ids(back(ours)) == ids(ours)


@settings(max_examples=25)
@given(parameters=axes, seed=st.integers(0, 2**32 - 1), runs=st.integers(1, 5))
def test_a_random_search_comes_back_with_the_same_draws(parameters, seed, runs):
    ours = sweep(method="random", run_cap=runs, sampling_seed=seed, parameters=parameters)
    assert [run.run_id for run in back(ours)] == [run.run_id for run in ours]


def test_the_one_seed_of_a_random_search_comes_back():
    parameters = {"network.units": {"values": [4, 5, 6]}}
    ours = sweep(method="random", run_cap=4, seeds=[7], parameters=parameters)
    assert [run.run_id for run in back(ours)] == [run.run_id for run in ours]


@pytest.mark.parametrize(
    "target",
    [
        {"kind": "cartesian"}, {"kind": "high_dim_cartesian", "place_cells": 16}, {"kind": "polar", "angle": "atan"},
        {"kind": "high_dim_polar", "place_cells": 16}, {"kind": "gaussian", "normalisation": "none"},
        {"kind": "difference_of_softmaxes", "surround_ratio": 3.0},
        {"kind": "difference_of_softmaxes", "surround_ratio": 2.0, "surround_convention": "variance"},
        {"kind": "difference_of_softmaxes", "surround_ratio": {"uniform": [1.5, 2.5]}},
        {"kind": "difference_of_softmaxes", "fields_per_cell": 12, "extra_fields_mean": 2.0},
        {"kind": "difference_of_gaussians", "decoder": "three_smallest"}, {"kind": "softmax_of_differences"},
        {"kind": "general_difference_of_gaussians", "amplitude_inhibitory": 0.4},
    ],
    ids=lambda target: ",".join(map(str, target.values())),
)  # fmt: skip
def test_every_target_comes_back(target):
    base = {"target": target} | ({"loss": {"kind": "mse"}} if target.get("normalisation") == "none" else {})
    ours = Sweep({"base": BASE | base}, "mine")
    assert ids(back(ours)) == ids(ours)


def test_a_torus_with_plain_distances_and_a_list_that_is_a_grid_come_back():
    torus = sweep({"arena": {"kind": "torus", "distance": "plain"}})
    assert ids(back(torus)) == ids(torus)
    listed = sweep(method="list", runs=[{"network.units": 4}, {"network.units": 5}], seeds=2)
    assert ids(back(listed)) == ids(listed)


@pytest.mark.parametrize(
    ("base", "document", "message"),
    [
        ({"trajectory": {"time_step_s": 0.01}}, {}, "trajectory.time_step_s: found 0.01, and .* only 0.02"),
        ({"network": {"decay_tensor": "recurrent_kernel"}}, {}, "network.decay_tensor: found recurrent_kernel, .*bias"),
        ({"network": {"initializer_family": "torch"}}, {}, "network.initializer_family: found torch, .* only keras"),
        ({"training": {"optimizer": {"kind": "adam", "epsilon": 1e-8}}}, {}, "training.optimizer.epsilon: found 1e-08"),
        ({"arena": {"kind": "torus"}}, {}, "arena.distance: found minimum_image, and .* only plain"),
        ({"system": {"centre_seed": 5}}, {}, "system.centre_seed: found 5, and .* only 0"),
        ({}, {"parameters": {"network.units": {"values": [4, 5]}, "training.steps": {"values": [3, 4]}},
              "zip": ["network.units", "training.steps"]}, "parameters: its 2 networks are no grid"),
        ({}, {"method": "random", "run_cap": 2, "parameters": {"training.learning_rate":
              {"distribution": "uniform", "min": 0.1, "max": 0.2}}}, 'parameters: "training.learning_rate": a law'),
        ({}, {"method": "random", "run_cap": 2, "parameters": {"network": {"values": [{"units": 4}, {"activation": "tanh"}]}}},
         'parameters: "network": sets Ng and activation together'),
        ({}, {"method": "random", "run_cap": 2, "seeds": 2, "parameters": {"network.units": {"values": [4, 5]}}},
         "seeds: each draw with several seeds"),
    ],
)  # fmt: skip
def test_what_the_published_program_has_no_word_for_is_named(base, document, message):
    with pytest.raises(SweepError, match=message) as raised:
        export_wandb(sweep(base, **document))
    assert str(raised.value).startswith("sweeps/mine.yaml, ")


def test_the_null_has_no_word_there():
    with pytest.raises(SweepError, match=r"system\.kind: found filtered_noise"):
        export_wandb(Sweep({"base": {"system": {"kind": "filtered_noise"}}}))


def test_numbers_are_written_so_that_every_yaml_reads_numbers():
    text = wandb_yaml(export_wandb(sweep({"training": {"learning_rate": 1e-5, "weight_decay": 0}})))
    assert "values: [1.0e-05]" in text
    for word in re.findall(r"\[(.*)\]", text):
        assert not re.search(r"(?<![\d.])\d+e", word)
