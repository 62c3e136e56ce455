"""The vanilla network between affine layers against a loop over its equations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.networks.srnn import Srnn
from tests.networks.loops import OUTPUTS, PHI, UNITS, any_weights, assert_follows


@pytest.mark.parametrize("activation", PHI)
def test_units_and_report_follow_the_equations(activation):
    def step(w, phi, m, h):
        h = phi(m @ w["input"] + h @ w["recurrent"])
        return h, h

    assert_follows(Srnn(units=UNITS, activation=activation), step)


def test_the_recurrence_has_no_bias_and_the_layers_do():
    shapes = jax.tree.map(np.shape, any_weights(Srnn(units=UNITS)))
    assert shapes == {
        "encoder": {"kernel": (OUTPUTS, UNITS), "bias": (UNITS,)},
        "projection": {"kernel": (2, UNITS), "bias": (UNITS,)},
        "input": (UNITS, UNITS),
        "recurrent": (UNITS, UNITS),
        "dense": {"kernel": (UNITS, UNITS), "bias": (UNITS,)},
        "decoder": {"kernel": (UNITS, OUTPUTS), "bias": (OUTPUTS,)},
    }


def test_weight_decay_sees_the_recurrent_kernel():
    network = Srnn(units=UNITS)
    weights = jax.tree.map(jnp.asarray, any_weights(network))
    np.testing.assert_array_equal(network.bind(weights, OUTPUTS).decayed(), weights["recurrent"])


def test_multiplications_are_those_of_layers_and_cell():
    assert Srnn(units=7).multiplications_per_step(5) == 2 * 7 + 7 * 7 + 7 * 7 + 7 * 5
