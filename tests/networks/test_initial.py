"""Weights are drawn by the habits of Keras or of PyTorch, and nothing else differs between the two."""

import jax
import numpy as np
import pytest

from gridsweep.networks.gru import Gru
from gridsweep.networks.lstm import Lstm
from gridsweep.networks.rnn import Rnn
from gridsweep.networks.srnn import Srnn
from gridsweep.networks.ugrnn import Ugrnn

UNITS, OUTPUTS = 40, 90
KINDS = {kind.kind_name(): kind for kind in (Rnn, Srnn, Lstm, Gru, Ugrnn)}
LAYERS = ("encoder", "encoder_of_c", "projection", "dense", "decoder")
SUM_OF_TWO = {("lstm", "bias")}  # PyTorch's two biases of a cell act as one


@pytest.fixture(scope="module", params=KINDS)
def drawn(request):
    """(kind, its weights by the habits of Keras, by those of PyTorch)."""
    networks = [KINDS[request.param](units=UNITS, initializer_family=name) for name in ("keras", "torch")]
    draw = jax.jit(lambda key: [network.init(key, OUTPUTS) for network in networks])
    return request.param, *draw(jax.random.key(0))


def tensors(weights):
    """(name of the layer or of the cell's tensor, is it a bias, tensor, inputs of the layer)."""
    for name, value in weights.items():
        if isinstance(value, dict):
            inputs = value["kernel"].shape[0]
            yield name, False, np.asarray(value["kernel"]), inputs
            yield name, True, np.asarray(value["bias"]), inputs
        else:
            yield name, "bias" in name, np.asarray(value), value.shape[0]


def test_both_make_the_same_shapes(drawn):
    _, keras, torch = drawn
    assert jax.tree.map(np.shape, keras) == jax.tree.map(np.shape, torch)


def test_keras_starts_biases_at_zero_and_kernels_glorot_uniform(drawn):
    kind, keras, _ = drawn
    for name, is_bias, tensor, _ in tensors(keras):
        if is_bias and (kind, name) != ("lstm", "bias"):  # whose forget gate starts open
            np.testing.assert_array_equal(tensor, 0.0)
        elif not is_bias and kind != "ugrnn":  # whose kernels are two halves of one
            limit = np.sqrt(6 / sum(tensor.shape))
            assert 0.9 * limit < np.abs(tensor).max() <= limit, name


def test_torch_draws_cells_by_their_units_and_layers_by_their_inputs(drawn):
    kind, _, torch = drawn
    for name, _, tensor, inputs in tensors(torch):
        limit = (inputs if name in LAYERS else UNITS) ** -0.5
        limit *= 2 if (kind, name) in SUM_OF_TWO else 1
        assert 0.7 * limit < np.abs(tensor).max() <= limit, name
        assert np.abs(tensor.mean()) < 0.5 * limit


def test_the_first_recurrent_kernels_differ_by_the_square_root_of_three(drawn):
    _, keras, torch = drawn
    if keras["recurrent"].shape == (UNITS, UNITS):  # without gates
        assert keras["recurrent"].std() / torch["recurrent"].std() == pytest.approx(np.sqrt(3), rel=0.05)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_an_initializer_means_nothing_by_the_habits_of_torch(kind):
    one = kind(initializer="orthogonal", initializer_family="torch")
    assert one.canonical() == kind(initializer_family="torch").canonical()
    assert one.canonical() != kind().canonical()
