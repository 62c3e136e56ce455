"""Adagrad, AdamW and the PyTorch forms against loops over the equations of spec d.2."""

import numpy as np
import pytest
from jax import numpy as jnp

from gridsweep.optimizers.adagrad import Adagrad
from gridsweep.optimizers.adam import Adam
from gridsweep.optimizers.adamw import Adamw
from gridsweep.optimizers.rmsprop import Rmsprop
from gridsweep.spec import Rejected, build
from tests.tiny import small_document

RATE = 0.01
START = np.array([0.5, -2.0, 1.0, 0.0, 3.0])
GRADIENTS = np.random.default_rng(0).normal(size=(8, 5)) * np.array([1e-7, 1e-3, 1.0, 30.0, 0.0])


def ours(rule):
    """The weights after each of the gradients."""
    transformation = rule.transformation(RATE)
    weights = jnp.float32(START)
    state, path = transformation.init(weights), []
    for gradient in GRADIENTS:
        change, state = transformation.update(jnp.float32(gradient), state, weights)
        weights = weights + change
        path.append(np.asarray(weights))
    return np.array(path)


def slow_adagrad(initial=0.1, epsilon=1e-7):
    total, weights = initial, START
    for gradient in GRADIENTS:
        total = total + gradient**2
        weights = weights - RATE * gradient / (np.sqrt(total) + epsilon)
        yield weights


def slow_adam(decay=0.0, epsilon=1e-8):
    mean = square = np.zeros(5)
    weights = START
    for number, gradient in enumerate(GRADIENTS, start=1):
        weights = weights * (1 - RATE * decay)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        root = np.sqrt(square / (1 - 0.999**number))
        weights = weights - RATE * mean / (1 - 0.9**number) / (root + epsilon)
        yield weights


def slow_rmsprop(decay, epsilon, momentum):
    square = held = np.zeros(5)
    weights = START
    for gradient in GRADIENTS:
        square = decay * square + (1 - decay) * gradient**2
        held = momentum * held + gradient / (np.sqrt(square) + epsilon)
        weights = weights - RATE * held
        yield weights


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Adagrad(), slow_adagrad()),
        (Adagrad(initial_sum=1.0, epsilon=1e-3), slow_adagrad(1.0, 1e-3)),
        (Adam(form="torch", epsilon=1e-8), slow_adam()),
        (Adam(form="torch", epsilon=1e-4), slow_adam(epsilon=1e-4)),
        (Adamw(), slow_adam(0.01)),
        (Adamw(decoupled_decay=0.5, epsilon=1e-5), slow_adam(0.5, 1e-5)),
        (Rmsprop(decay=0.99, epsilon=1e-4, momentum=0.9), slow_rmsprop(0.99, 1e-4, 0.9)),
    ],
    ids=[
        "adagrad",
        "adagrad-settings",
        "adam-torch",
        "adam-torch-epsilon",
        "adamw",
        "adamw-settings",
        "rmsprop-torch",
    ],
)
def test_weights_follow_the_equations(rule, expected):
    np.testing.assert_allclose(ours(rule), np.array(list(expected)), rtol=1e-5, atol=2e-6)


def test_the_forms_of_adam_differ_where_gradients_are_as_small_as_epsilon():
    keras, torch = (ours(Adam(form=form))[-1] for form in ("keras", "torch"))
    assert abs(keras[0] - torch[0]) > 1e-3
    assert abs(keras[2] - torch[2]) < 1e-5


@pytest.mark.parametrize(("said", "epsilon"), [({}, 1e-8), ({"epsilon": 1e-6}, 1e-6)])
def test_the_pytorch_form_brings_its_epsilon_unless_one_is_given(said, epsilon):
    assert optimizer({"kind": "adam", "form": "torch"} | said).epsilon == epsilon
    assert optimizer({"kind": "adam"}).epsilon == 1e-7


def test_a_form_that_is_not_known_is_refused():
    with pytest.raises(Rejected, match="expected one of keras, torch"):
        optimizer({"kind": "adam", "form": "jax"})


def optimizer(settings):
    base = small_document()["base"]
    base["training"]["optimizer"] = settings
    return build(base).training.optimizer
