"""The path integrator: what is random in it, what its loss is, and that it learns."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.maps.rate_map import bin_numbers
from gridsweep.spec import Sweep, build
from gridsweep.systems._base import STREAMS
from gridsweep.systems._looking import look
from gridsweep.systems.path_integrator import PathIntegrator
from gridsweep.train.lanes import advance_lanes, init_lanes, lane_metrics, micro_batches, observe_lanes
from tests.tiny import SMALL, small_document, small_system

WIDTH = 4


@pytest.fixture(scope="module")
def systems():
    """Four lanes: two widths of fields, two seeds."""
    document = small_document(seeds=2, parameters={"target.field_width_m": {"values": [0.3, 0.6]}})
    return micro_batches(list(Sweep(document)), WIDTH)[0]


@pytest.fixture(scope="module")
def one():
    return build(small_system(PathIntegrator))


def host(tree):
    return jax.tree.map(np.asarray, tree)


def test_streams_are_numbered_once_and_for_ever():
    assert STREAMS == {"centre": 1, "init": 2, "trajectory": 3, "evaluation": 4, "noise": 5}


def test_keys_come_from_seeds_alone(one):
    wide = dataclasses.replace(one, target=dataclasses.replace(one.target, field_width_m=0.5))
    for stream, number in STREAMS.items():
        place = list(STREAMS).index(stream)
        expected = jax.random.key_data(jax.random.fold_in(jax.random.key(0), number))
        np.testing.assert_array_equal(jax.random.key_data(one.keys()[place]), expected)
        np.testing.assert_array_equal(jax.random.key_data(wide.keys()[place]), expected)
        other = dataclasses.replace(one, **{f"{stream}_seed": 5}).keys()
        changed = [
            not np.array_equal(*map(jax.random.key_data, pair))
            for pair in zip(one.keys(), other, strict=True)
        ]
        assert changed == [name == stream for name in STREAMS]


def test_runs_that_differ_in_one_setting_share_weights_and_walks(systems):
    weights = host(init_lanes(systems).weights)
    for leaf in jax.tree.leaves(weights):
        np.testing.assert_array_equal(leaf[0], leaf[2])  # the same seed, another width of fields
        assert not np.array_equal(leaf[0], leaf[1])


def test_each_update_sees_fresh_walks_that_only_the_seed_decides(one):
    other = dataclasses.replace(one, training=dataclasses.replace(one.training, learning_rate=0.5))
    walks = jax.jit(lambda system, update: system.training_walks(system.keys(), update))
    first, again, second = walks(one, jnp.int32(0)), walks(other, jnp.int32(0)), walks(one, jnp.int32(1))
    assert first.position_m.shape == (SMALL["batch_size"], SMALL["steps"], 2)
    np.testing.assert_array_equal(first.position_m, again.position_m)
    assert not np.isin(np.asarray(first.start_m), np.asarray(second.start_m)).any()


def test_the_penalty_is_the_decay_times_the_squares_of_the_recurrent_kernel(one):
    state = jax.jit(lambda system: system.init(system.keys()))(one)
    expected = 1e-4 * np.sum(np.asarray(state.weights["recurrent"], float) ** 2)
    assert float(one.penalty(state.weights)) == pytest.approx(expected, rel=1e-5)


def test_training_follows_the_gradient_of_loss_and_penalty(systems):
    before = init_lanes(systems)
    kept, metrics = host(before.weights), host(lane_metrics(systems, before))
    small = dataclasses.replace(
        systems, training=dataclasses.replace(systems.training, learning_rate=np.float32([1e-6] * WIDTH))
    )
    after = advance_lanes(small, before, 1)
    system = jax.tree.map(lambda leaf: leaf[0], systems)

    @jax.jit
    def objective(system, weights):
        keys = system.keys()
        cells = system.target.draw(keys.centres, system.arena)
        walks = system.training_walks(keys, jnp.int32(0))
        return jax.value_and_grad(system.batch_loss)(weights, cells, walks)

    loss, gradient = objective(system, jax.tree.map(lambda leaf: leaf[0], kept))
    assert float(loss) == pytest.approx(float(metrics["loss"][0] + metrics["penalty"][0]), rel=1e-5)
    for name in kept:
        # The first step of Adam is the rate times the sign of the gradient, where that is well above epsilon.
        moved = np.asarray(after.weights[name][0]) - kept[name][0]
        clear = np.abs(gradient[name]) > 1e-4
        np.testing.assert_array_equal(np.sign(moved[clear]), -np.sign(np.asarray(gradient[name])[clear]))


def test_networks_learn(systems):
    quick = dataclasses.replace(
        systems, training=dataclasses.replace(systems.training, learning_rate=np.float32([1e-2] * WIDTH))
    )
    states = init_lanes(quick)
    before = host(lane_metrics(quick, states))
    states = advance_lanes(quick, states, 400)
    seen = host(observe_lanes(quick, states))
    after = seen.metrics["corrected"]
    assert (after["loss"] < before["loss"] - 0.1).all()
    assert (after["loss"] >= after["loss_floor"] - 1e-4).all()
    assert (after["position_error_cm"] < before["position_error_cm"]).all()
    assert (after["position_error_floor_cm"] <= after["position_error_cm"] + 5).all()
    assert (after["positions"] >= SMALL["positions"]).all()
    np.testing.assert_array_equal(states.update, 400)


def test_rate_maps_are_the_mean_activity_where_the_walkers_were(systems):
    states = init_lanes(systems)
    seen = host(observe_lanes(systems, states))
    system, weights = jax.tree.map(lambda leaf: leaf[1], (systems, states.weights))
    evaluation = system.evaluation[0]
    batches, walks = evaluation.batches(SMALL["batch_size"], SMALL["steps"])

    @jax.jit
    def activity_and_places(system, weights, number):
        keys = system.keys()
        cells = system.target.draw(keys.centres, system.arena)
        drawn = system.walks(jax.random.fold_in(keys.evaluation, number), walks, SMALL["steps"])
        return look(system, weights, cells, drawn)["activity"].swapaxes(0, 1), drawn.position_m

    found = [activity_and_places(system, weights, number) for number in range(batches)]
    activity = np.concatenate([np.asarray(pair[0]).reshape(-1, SMALL["units"]) for pair in found]).astype(
        float
    )
    position_m = np.concatenate([np.asarray(pair[1]).reshape(-1, 2) for pair in found])
    bins = np.asarray(bin_numbers(jnp.asarray(position_m), 2.2, 8))
    maps, visits = seen.maps["corrected", 8][1], seen.visits["corrected", 8][1].reshape(-1)
    for number in range(64):
        here = bins == number
        assert visits[number] == np.count_nonzero(here)
        if here.any():
            np.testing.assert_allclose(
                maps.reshape(-1, 64)[:, number], activity[here].mean(axis=0), rtol=1e-4, atol=1e-6
            )
        else:
            assert np.isnan(maps.reshape(-1, 64)[:, number]).all()


def test_the_operations_of_an_update_grow_with_everything_in_it():
    def operations(**changes):
        settings = small_system(PathIntegrator)
        for part, fields in changes.items():
            settings[part] = settings[part] | fields
        return build(settings).operations_per_update()

    plain = operations()
    assert plain > 0
    assert operations(training={"batch_size": 8}) == 2 * plain
    assert operations(network={"units": 16}) > 2 * plain
    assert operations(training={"steps": 6}) > 1.5 * plain
    assert operations(training={"updates": 100}) == plain
