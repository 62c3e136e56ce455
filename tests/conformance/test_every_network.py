"""What holds for every network: shapes, weights as plain dictionaries, walks that do not mix, causality."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from gridsweep.kinds import discover
from gridsweep.networks import Network
from gridsweep.networks._base import ACTIVATIONS
from gridsweep.trajectories import Walk

UNITS, OUTPUTS, STEPS = 6, 5, 4
every_network = pytest.mark.parametrize(
    "kind", discover(Network.package, Network).values(), ids=lambda k: k.kind_name()
)


every_initializer = pytest.mark.parametrize(
    ("kind", "initializer"),
    [
        pytest.param(kind, initializer, id=f"{kind.kind_name()}-{initializer}")
        for kind in discover(Network.package, Network).values()
        for initializer in kind.declarations()["initializer"].choices
    ],
)


@functools.cache
def initialise(kind, **settings):
    """A compiled ``key -> weights``."""
    return jax.jit(lambda key: small_network(kind, **settings).init(key, OUTPUTS))


def small_network(kind, **settings):
    """A network with few units in every layer."""
    sizes = {name: UNITS for name, said in kind.declarations().items() if said.unit == "units"}
    return kind(**sizes, **settings)


def small(kind, **settings):
    return small_network(kind, **settings), initialise(kind)(jax.random.key(0))


def batch():
    starts = jax.random.normal(jax.random.key(1), (3, OUTPUTS))
    return starts, jax.random.normal(jax.random.key(2), (3, STEPS, 2))


def walk_along(displacement_m):
    """A walk that looks where it goes."""
    x_m, y_m = displacement_m[:, 0], displacement_m[:, 1]
    heading_rad = jnp.arctan2(y_m, x_m)
    return Walk(jnp.zeros(2), jnp.zeros(()), displacement_m, jnp.cumsum(displacement_m, axis=0), heading_rad)


@functools.partial(jax.jit, static_argnums=0)
def run(network, weights, starts, displacements_m):
    circuit = network.bind(weights, OUTPUTS)
    inputs = jax.vmap(lambda displacement_m: network.inputs(walk_along(displacement_m)))(displacements_m)
    activity = jax.vmap(circuit.activity)(starts, inputs)
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


@every_initializer
def test_every_initializer_draws_finite_weights_from_the_key_alone(kind, initializer):
    draw = initialise(kind, initializer=initializer)
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
    inputs = network.inputs(walk_along(displacements_m[0]))
    alone = network.bind(weights, OUTPUTS).activity(starts[0], inputs)
    np.testing.assert_allclose(before[0][0], alone, rtol=1e-5, atol=1e-6)


@every_network
def test_a_network_does_not_know_where_it_will_go(kind):
    network, weights = small(kind)
    starts, displacements_m = batch()
    before, _ = run(network, weights, starts, displacements_m)
    after, _ = run(network, weights, starts, displacements_m.at[:, 2:].multiply(-2.0))
    np.testing.assert_array_equal(before[:, :2], after[:, :2])
    assert not np.array_equal(before[:, 2:], after[:, 2:])


@every_network
def test_what_is_decayed_is_weights_up_to_a_factor(kind):
    network = small_network(kind)
    shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), OUTPUTS))
    keys = iter(jax.random.split(jax.random.key(0), len(jax.tree.leaves(shapes))))
    weights = jax.tree.map(lambda leaf: jax.random.normal(next(keys), leaf.shape), shapes)
    decayed = jax.tree.leaves(network.bind(weights, OUTPUTS).decayed())
    assert decayed
    for tensor in decayed:
        unit = tensor / jnp.linalg.norm(tensor)
        same = [
            leaf
            for leaf in jax.tree.leaves(weights)
            if leaf.shape == tensor.shape and np.allclose(leaf / jnp.linalg.norm(leaf), unit, atol=1e-6)
        ]
        assert same
