"""The update-gate network between affine layers against a loop over its equations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.networks.ugrnn import Ugrnn
from tests.networks.loops import OUTPUTS, PHI, UNITS, any_weights, assert_follows, sigmoid


@pytest.mark.parametrize("activation", PHI)
def test_units_and_report_follow_the_equations(activation):
    def step(w, phi, m, h):
        whole = np.concatenate([w["input"], w["recurrent"]])
        a = np.concatenate([m, h]) @ whole + w["bias"]
        keep, candidate = sigmoid(a[:UNITS] + 1), phi(a[UNITS:])
        h = keep * h + (1 - keep) * candidate
        return h, h

    assert_follows(Ugrnn(units=UNITS, activation=activation), step)


@pytest.mark.parametrize(("decay_tensor", "name"), [("recurrent_kernel", "recurrent"), ("bias", "bias")])
def test_weight_decay_sees_the_rows_that_read_h_or_the_bias_as_published(decay_tensor, name):
    network = Ugrnn(units=UNITS, decay_tensor=decay_tensor)
    weights = jax.tree.map(jnp.asarray, any_weights(network))
    np.testing.assert_array_equal(network.bind(weights, OUTPUTS).decayed(), weights[name])


def test_its_two_kernels_are_drawn_as_one_and_do_not_heed_the_initializer():
    names = ("glorot_uniform", "orthogonal")
    draw = jax.jit(lambda key: [Ugrnn(units=40, initializer=name).init(key, OUTPUTS) for name in names])
    one, other = draw(jax.random.key(0))
    jax.tree.map(np.testing.assert_array_equal, one, other)
    limit = np.sqrt(6 / (80 + 80))  # of a matrix of 2 x units rows and columns
    for kernel in (one["input"], one["recurrent"]):
        assert 0.9 * limit < np.abs(kernel).max() <= limit
    assert not np.array_equal(one["input"], one["recurrent"])
    np.testing.assert_array_equal(one["bias"], np.zeros(80))


def test_an_initializer_without_effect_makes_no_other_network():
    assert Ugrnn(initializer="orthogonal").canonical() == Ugrnn().canonical()
    assert Ugrnn(decay_tensor="bias").canonical() != Ugrnn().canonical()
    assert Ugrnn(initializer_family="torch").canonical() != Ugrnn().canonical()


def test_multiplications_are_those_of_layers_and_cell():
    assert Ugrnn(units=7).multiplications_per_step(5) == 2 * 14 + 7 * 14 + 7 * 7 + 7 * 5
