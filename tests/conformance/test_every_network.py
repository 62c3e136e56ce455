"""What holds for every network: shapes, weights as plain dictionaries, walks that do not mix, causality."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from gridsweep.kinds import discover
from gridsweep.networks import Network
from gridsweep.networks._base import ACTIVATIONS, INITIALIZERS

UNITS, OUTPUTS, STEPS = 6, 5, 4
every_network = pytest.mark.parametrize(
    "kind", discover(Network.package, Network).values(), ids=lambda k: k.kind_name()
)


@functools.cache
def initialise(kind, initializer="glorot_uniform"):
    """A compiled ``key -> weights``."""
    return jax.jit(lambda key: kind(units=UNITS, initializer=initializer).init(key, OUTPUTS))


def small(kind, **settings):
    return kind(units=UNITS, **settings), initialise(kind)(jax.random.key(0))


def batch():
    starts = jax.random.normal(jax.random.key(1), (3, OUTPUTS))
    return starts, jax.random.normal(jax.random.key(2), (3, STEPS, 2))


@functools.partial(jax.jit, static_argnums=0)
def run(network, weights, starts, displacements_m):
    circuit = network.bind(weights, OUTPUTS)
    activity = jax.vmap(circuit.activity)(starts, displacements_m)
    return activity, jax.vmap(circuit.readout)(activity)


@every_network
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_network_reports_from_its_units_after_each_step(kind, activation):
    network, weights = small(kind, activation=activation)
    activity, output = run(network, weights, *batch())
    assert activity.shape == (3, STEPS, UNITS)
    assert output.shape == (3, STEPS, OUTPUTS)
    assert np.isfinite(activity).all()
    assert np.isfinite(output).all()
    assert isinstance(network.multiplications_per_step(OUTPUTS), int)
    assert network.multiplications_per_step(OUTPUTS) >= UNITS * OUTPUTS


@every_network
def test_weights_are_a_plain_dictionary_and_come_back_through_bind(kind):
    network, weights = small(kind)
    assert isinstance(weights, dict)
    leaves = jax.tree.leaves(weights)
    assert leaves
    assert all(leaf.dtype == jnp.float32 for leaf in leaves)
    back = nnx.to_pure_dict(nnx.state(network.bind(weights, OUTPUTS), nnx.Param))
    assert jax.tree.structure(back) == jax.tree.structure(weights)
    for found, expected in zip(jax.tree.leaves(back), leaves, strict=True):
        np.testing.assert_array_equal(found, expected)


@every_network
@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_every_initializer_draws_finite_weights_from_the_key_alone(kind, initializer):
    draw = initialise(kind, initializer)
    once, again, other = (jax.tree.leaves(draw(jax.random.key(seed))) for seed in (0, 0, 1))
    for first, second in zip(once, again, strict=True):
        assert np.isfinite(first).all()
        np.testing.assert_array_equal(first, second)
    assert not all(np.array_equal(first, second) for first, second in zip(once, other, strict=True))


@every_network
def test_a_walk_is_followed_the_same_in_any_company(kind):
    network, weights = small(kind)
    starts, displacements_m = batch()
    before = run(network, weights, starts, displacements_m)
    after = run(network, weights, starts.at[1:].multiply(-3.0), displacements_m.at[1:].add(1.0))
    for first, second in zip(before, after, strict=True):
        np.testing.assert_array_equal(first[0], second[0])
    assert not np.array_equal(before[0][1], after[0][1])
    alone = network.bind(weights, OUTPUTS).activity(starts[0], displacements_m[0])
    np.testing.assert_allclose(before[0][0], alone, rtol=1e-5, atol=1e-6)


@every_network
def test_a_network_does_not_know_where_it_will_go(kind):
    network, weights = small(kind)
    starts, displacements_m = batch()
    before, _ = run(network, weights, starts, displacements_m)
    after, _ = run(network, weights, starts, displacements_m.at[:, 2:].multiply(-1.0))
    np.testing.assert_array_equal(before[:, :2], after[:, :2])
    assert not np.array_equal(before[:, 2:], after[:, 2:])


@every_network
def test_what_is_decayed_is_one_of_the_weights(kind):
    network, weights = small(kind)
    decayed = network.bind(weights, OUTPUTS).decayed()
    same = [
        leaf
        for leaf in jax.tree.leaves(weights)
        if leaf.shape == decayed.shape and bool((leaf == decayed).all())
    ]
    assert same
