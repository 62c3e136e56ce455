"""The LSTM between affine layers against a loop over its equations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.networks.lstm import Lstm
from tests.networks.loops import OUTPUTS, PHI, UNITS, affine, any_weights, assert_follows, sigmoid


@pytest.mark.parametrize("activation", PHI)
def test_units_and_report_follow_the_equations(activation):
    def begin(w, start):
        return affine(w["encoder"], start), affine(w["encoder_of_c"], start)

    def step(w, phi, m, state):
        h, c = state
        a = m @ w["input"] + h @ w["recurrent"] + w["bias"]
        i, f, candidate, o = (a[block * UNITS : (block + 1) * UNITS] for block in range(4))
        c = sigmoid(f) * c + sigmoid(i) * phi(candidate)
        h = sigmoid(o) * phi(c)
        return (h, c), h

    assert_follows(Lstm(units=UNITS, activation=activation), step, begin)


def test_the_forget_gate_of_a_new_network_starts_open():
    weights = jax.jit(lambda key: Lstm(units=UNITS).init(key, OUTPUTS))(jax.random.key(0))
    expected = np.zeros((4, UNITS))
    expected[1] = 1.0
    np.testing.assert_array_equal(weights["bias"].reshape(4, UNITS), expected)


def test_start_and_memory_have_encoders_of_their_own():
    weights = any_weights(Lstm(units=UNITS))
    for name in ("encoder", "encoder_of_c"):
        assert jax.tree.map(np.shape, weights[name]) == {"kernel": (OUTPUTS, UNITS), "bias": (UNITS,)}


def test_weight_decay_sees_the_recurrent_kernel_of_all_gates():
    network = Lstm(units=UNITS)
    weights = jax.tree.map(jnp.asarray, any_weights(network))
    decayed = network.bind(weights, OUTPUTS).decayed()
    assert decayed.shape == (UNITS, 4 * UNITS)
    np.testing.assert_array_equal(decayed, weights["recurrent"])


def test_multiplications_are_those_of_layers_and_cell():
    assert Lstm(units=7).multiplications_per_step(5) == 2 * 28 + 7 * 28 + 7 * 7 + 7 * 5
