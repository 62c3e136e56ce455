"""The bias-free network against a loop over its equations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.networks.rnn import Rnn

PHI = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "linear": lambda x: x,
}


@pytest.fixture(scope="module")
def weights():
    return jax.jit(lambda key: Rnn(units=7).init(key, 5))(jax.random.key(0))


@pytest.mark.parametrize("activation", PHI)
def test_units_and_report_follow_the_equations(weights, activation):
    rng = np.random.default_rng(0)
    start, displacements_m = rng.normal(size=5).astype(np.float32), rng.normal(size=(6, 2)).astype(np.float32)
    circuit = Rnn(units=7, activation=activation).bind(weights, 5)
    found = circuit.activity(jnp.asarray(start), jnp.asarray(displacements_m))
    kernel = {name: np.asarray(leaf, float) for name, leaf in weights.items()}
    hidden = start @ kernel["encoder"]  # no activation on the initial state
    for step, displacement_m in enumerate(displacements_m):
        hidden = PHI[activation](displacement_m @ kernel["input"] + hidden @ kernel["recurrent"])
        np.testing.assert_allclose(found[step], hidden, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(circuit.readout(found)[-1], hidden @ kernel["decoder"], rtol=1e-4, atol=1e-5)


def test_there_is_no_bias_anywhere(weights):
    assert {name: leaf.shape for name, leaf in weights.items()} == {
        "encoder": (5, 7),
        "input": (2, 7),
        "recurrent": (7, 7),
        "decoder": (7, 5),
    }
    circuit = Rnn(units=7).bind(weights, 5)
    still = circuit.activity(jnp.zeros(5), jnp.zeros((3, 2)))
    np.testing.assert_array_equal(still, 0.0)
    np.testing.assert_array_equal(circuit.readout(still), 0.0)


def test_kernels_are_glorot_and_the_recurrent_one_is_as_asked():
    draw = jax.jit(lambda key: [Rnn(units=60, initializer=name).init(key, 40) for name in NAMES])
    for name, weights in zip(NAMES, draw(jax.random.key(1)), strict=True):
        for kernel in ("encoder", "input", "decoder"):
            limit = np.sqrt(6 / sum(weights[kernel].shape))
            assert np.abs(weights[kernel]).max() <= limit
            assert np.abs(weights[kernel]).max() > 0.9 * limit
        recurrent = np.asarray(weights["recurrent"], float)
        if name == "orthogonal":
            np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(60), atol=1e-5)
        else:
            assert recurrent.std() == pytest.approx(1 / np.sqrt(60), rel=0.05)
            assert (np.abs(recurrent).max() <= np.sqrt(6 / 120)) == (name == "glorot_uniform")


NAMES = ("glorot_uniform", "glorot_normal", "orthogonal")


def test_multiplications_are_those_of_input_recurrence_and_readout():
    assert Rnn(units=7).multiplications_per_step(5) == 2 * 7 + 7 * 7 + 7 * 5
