"""The memory model: within 15 % of what XLA says of the compiled programs, for every network."""

import jax
import jax.numpy as jnp
import pytest

from gridsweep.kinds import discover
from gridsweep.networks import Network
from gridsweep.plan.memory import peak_bytes
from gridsweep.spec import Run
from gridsweep.spec.build import build
from gridsweep.systems._base import tree_bytes
from gridsweep.systems._memory import looking_bytes, training_bytes
from gridsweep.train.lanes import _advance, micro_batch_that_fits, stack_systems
from tests.tiny import small_runs

MODELLED = [
    name for name, kind in discover(Network.package, Network).items() if "held_in_training" in vars(kind)
]


# What a network is usually asked for, where that is not a population of place cells.
COMPANY = {
    "lstm_dense": {
        "network": {"kind": "lstm_dense", "units": 256, "dense_units": 512, "dense_dropout": 0.5},
        "target": {"kind": "gaussian_and_heading"},
    },
    "noisy_rate": {"target": {"kind": "cartesian"}, "trajectory": {"kind": "brownian"}},
}


def system_with(network, precision="float32", target=None, **training):
    training = {"batch_size": 100, "steps": 20, "updates": 5, "precision": precision} | training
    return build(
        {
            "network": {"kind": network, "units": 256},
            "target": {"kind": "gaussian", "place_cells": 256},
            "training": training,
            **COMPANY.get(network, {}),
            **({"target": target} if target else {}),
            "evaluation": {"kind": "corrected", "positions": 20_000, "bins": [20]},
        }
    )


def shapes(system):
    stacked = stack_systems([system], 1)
    return stacked, jax.eval_shape(jax.vmap(lambda one: one.init(one.keys())), stacked)


def predicted_bytes(system):
    state = jax.eval_shape(lambda: system.init(system.keys()))
    return training_bytes(system, tree_bytes(state), tree_bytes(state.weights)) + tree_bytes(state)


def measured_bytes(function, *operands, **how):
    said = jax.jit(function, **how).lower(*operands).compile().memory_analysis()
    return said.argument_size_in_bytes + said.temp_size_in_bytes


def check_training(system):
    systems, states = shapes(system)
    measured = measured_bytes(_advance, systems, states, jnp.int32(1), donate_argnums=1)
    assert predicted_bytes(system) == pytest.approx(measured, rel=0.15)


def test_training_takes_what_is_predicted():
    check_training(system_with("rnn"))


@pytest.mark.slow
@pytest.mark.parametrize("network", MODELLED)
@pytest.mark.parametrize("changes", [{}, {"batch_size": 20, "steps": 5}, {"precision": "bfloat16"}])
def test_training_of_every_network_takes_what_is_predicted(network, changes):
    check_training(system_with(network, **changes))


def check_looking(system):
    systems, states = shapes(system)
    observe = jax.vmap(lambda one, state: one.observe(state, one.keys()))
    measured = measured_bytes(observe, systems, states)
    assert looking_bytes(system) + system.state_bytes() == pytest.approx(measured, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("network", MODELLED)
@pytest.mark.parametrize("steps", [20, 100])
def test_looking_at_every_network_takes_what_is_predicted(network, steps):
    check_looking(system_with(network, steps=steps))


# Two numbers a place, or one for each cell; the lookup decoder's table has one size for all of them.
@pytest.mark.slow
@pytest.mark.parametrize("target", ["cartesian", "polar", "high_dim_cartesian", "high_dim_polar"])
def test_looking_at_and_training_towards_every_size_of_target_takes_what_is_predicted(target):
    cells = {"place_cells": 256} if target.startswith("high_dim") else {}
    system = system_with("rnn", target={"kind": target} | cells)
    check_looking(system)
    check_training(system)


# As long as the published walks: then nothing is walked beside the evaluation's own.
@pytest.mark.slow
def test_looking_at_walks_of_the_published_length_takes_what_is_predicted():
    check_looking(system_with("rnn", steps=50))


def test_the_state_is_counted_exactly():
    run = small_runs()[0]
    state = run.system.init(run.system.keys())
    assert run.system.state_bytes() == sum(leaf.nbytes for leaf in jax.tree.leaves(state))


def test_a_cohort_keeps_all_its_states_and_works_on_some():
    system = system_with("rnn")
    run = Run("0" * 16, system)
    one, many = (peak_bytes(run, lanes=lanes, width=1) for lanes in (1, 9))
    assert many - one == 8 * system.state_bytes()
    assert peak_bytes(run, lanes=9, width=4) - many == 3 * system.work_bytes()


def test_the_micro_batch_is_the_largest_power_of_two_that_fits():
    run = Run("0" * 16, system_with("rnn"))
    for width in (1, 2, 8, 64):
        just = peak_bytes(run, lanes=64, width=width)
        assert micro_batch_that_fits(run.system, lanes=64, room_bytes=just) == width
        assert micro_batch_that_fits(run.system, lanes=64, room_bytes=just - 1) == max(1, width // 2)
    assert micro_batch_that_fits(run.system, lanes=5, room_bytes=1e15) == 8
