"""The update rules against loops over the equations of spec d.2: where epsilon stands is what is tested."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gridsweep.optimizers.adam import Adam
from gridsweep.optimizers.rmsprop import Rmsprop
from gridsweep.optimizers.sgd import Sgd

RATE = 0.01
GRADIENTS = np.random.default_rng(0).normal(size=(8, 5)) * np.array([1e-7, 1e-3, 1.0, 30.0, 0.0])


def ours(rule):
    """The weights after each of the gradients."""
    transformation = rule.transformation(RATE)
    weights = jnp.zeros(5)
    state, path = transformation.init(weights), []
    for gradient in GRADIENTS:
        change, state = transformation.update(jnp.float32(gradient), state, weights)
        weights = optax.apply_updates(weights, change)
        path.append(np.asarray(weights))
    return np.array(path)


def slow_adam(first_decay=0.9, second_decay=0.999, epsilon=1e-7):
    mean = square = weights = np.zeros(5)
    for number, gradient in enumerate(GRADIENTS, start=1):
        mean = first_decay * mean + (1 - first_decay) * gradient
        square = second_decay * square + (1 - second_decay) * gradient**2
        correction = np.sqrt(1 - second_decay**number) / (1 - first_decay**number)
        weights = weights - RATE * correction * mean / (np.sqrt(square) + epsilon)
        yield weights


def slow_rmsprop(decay=0.9, epsilon=1e-7):
    square = weights = np.zeros(5)
    for gradient in GRADIENTS:
        square = decay * square + (1 - decay) * gradient**2
        weights = weights - RATE * gradient / (np.sqrt(square) + epsilon)
        yield weights


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Adam(), slow_adam()),
        (Adam(first_decay=0.5, second_decay=0.9, epsilon=1e-4), slow_adam(0.5, 0.9, 1e-4)),
        (Rmsprop(), slow_rmsprop()),
        (Rmsprop(decay=0.99, epsilon=1e-3), slow_rmsprop(0.99, 1e-3)),
        (Sgd(), -RATE * np.cumsum(GRADIENTS, axis=0)),
    ],
    ids=["adam", "adam-settings", "rmsprop", "rmsprop-settings", "sgd"],
)
def test_weights_follow_the_equations(rule, expected):
    np.testing.assert_allclose(ours(rule), np.array(list(expected)), rtol=2e-4, atol=1e-9)


def test_epsilon_is_not_where_optax_has_it():
    stock = optax.adam(RATE, eps=1e-7)
    weights, state = jnp.zeros(5), stock.init(jnp.zeros(5))
    change, _ = jax.jit(stock.update)(jnp.float32(GRADIENTS[0]), state, weights)
    assert abs(change[0] - ours(Adam())[0, 0]) > 1e-3, "small gradients tell the forms apart"
