"""The GRU between affine layers against a loop over its equations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.networks.gru import Gru
from tests.networks.loops import OUTPUTS, PHI, UNITS, any_weights, assert_follows, sigmoid


@pytest.mark.parametrize("activation", PHI)
def test_units_and_report_follow_the_equations(activation):
    def step(w, phi, m, h):
        x = m @ w["input"] + w["input_bias"]
        y = h @ w["recurrent"] + w["recurrent_bias"]
        z, r, candidate = (slice(block * UNITS, (block + 1) * UNITS) for block in range(3))
        keep, reset = sigmoid(x[z] + y[z]), sigmoid(x[r] + y[r])
        h = keep * h + (1 - keep) * phi(x[candidate] + reset * y[candidate])
        return h, h

    assert_follows(Gru(units=UNITS, activation=activation), step)


def test_input_and_recurrence_have_biases_of_their_own_that_start_at_zero():
    weights = jax.jit(lambda key: Gru(units=UNITS).init(key, OUTPUTS))(jax.random.key(0))
    for name in ("input_bias", "recurrent_bias"):
        np.testing.assert_array_equal(weights[name], np.zeros(3 * UNITS))


def test_weight_decay_sees_the_recurrent_kernel_of_all_gates():
    network = Gru(units=UNITS)
    weights = jax.tree.map(jnp.asarray, any_weights(network))
    decayed = network.bind(weights, OUTPUTS).decayed()
    assert decayed.shape == (UNITS, 3 * UNITS)
    np.testing.assert_array_equal(decayed, weights["recurrent"])


def test_multiplications_are_those_of_layers_and_cell():
    assert Gru(units=7).multiplications_per_step(5) == 2 * 21 + 7 * 21 + 7 * 7 + 7 * 5
