"""PyTorch's momentum and weight decay, beside a plain loop."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gridsweep.optimizers.adam import Adam
from gridsweep.optimizers.rmsprop import Rmsprop
from gridsweep.optimizers.sgd import Sgd

GRADIENTS = np.random.default_rng(0).standard_normal((6, 3))
START = np.array([1.0, -2.0, 0.5])
RATE, DECAY = 0.05, 0.2


def descend(rule):
    transformation = rule.transformation(RATE)
    weights = jnp.asarray(START, jnp.float32)
    state = transformation.init(weights)
    for gradient in GRADIENTS:
        change, state = transformation.update(jnp.asarray(gradient, jnp.float32), state, weights)
        weights = optax.apply_updates(weights, change)
    return np.asarray(weights)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_gradient_descent_with_momentum_and_decay(momentum):
    weights, running = START, np.zeros(3)
    for gradient in GRADIENTS:
        running = momentum * running + gradient + DECAY * weights
        weights = weights - RATE * running
    np.testing.assert_allclose(descend(Sgd(momentum=momentum, coupled_decay=DECAY)), weights, rtol=1e-5)


def test_adam_rescales_a_decay_that_is_coupled():
    weights, mean, square = START, np.zeros(3), np.zeros(3)
    for number, gradient in enumerate(GRADIENTS, start=1):
        gradient = gradient + DECAY * weights
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        root = np.sqrt(square / (1 - 0.999**number)) + 1e-4
        weights = weights - RATE * mean / (1 - 0.9**number) / root
    found = descend(Adam(form="torch", epsilon=1e-4, coupled_decay=DECAY))
    np.testing.assert_allclose(found, weights, rtol=1e-4)


def test_rmsprop_with_momentum_and_decay():
    weights, running, square = START, np.zeros(3), np.zeros(3)
    for gradient in GRADIENTS:
        gradient = gradient + DECAY * weights
        square = 0.99 * square + 0.01 * gradient**2
        running = 0.9 * running + gradient / (np.sqrt(square) + 1e-4)
        weights = weights - RATE * running
    rule = Rmsprop(decay=0.99, momentum=0.9, epsilon=1e-4, coupled_decay=DECAY)
    np.testing.assert_allclose(descend(rule), weights, rtol=1e-4)
