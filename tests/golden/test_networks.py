"""Our networks and our optimizers against the published ones, on one stored batch."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gridsweep.losses.cross_entropy import CrossEntropy
from gridsweep.networks.gru import Gru
from gridsweep.networks.lstm import Lstm
from gridsweep.networks.rnn import Rnn
from gridsweep.networks.ugrnn import Ugrnn
from gridsweep.optimizers.adagrad import Adagrad
from gridsweep.optimizers.adam import Adam
from gridsweep.optimizers.rmsprop import Rmsprop
from gridsweep.optimizers.sgd import Sgd

WEIGHT_DECAY = 1e-4  # of the stored losses and gradients
KINDS = {kind.kind_name(): kind for kind in (Rnn, Lstm, Gru, Ugrnn)}
AS_PUBLISHED = {"ugrnn": {"decay_tensor": "bias"}}  # what our defaults do otherwise
every_stored_network = pytest.mark.parametrize(
    ("name", "activation"), [(name, activation) for name in KINDS for activation in ("relu", "tanh")]
)


@pytest.fixture(scope="module")
def batch(published):
    """(encodings of the starts, displacements, activity asked for)."""
    return tuple(
        jnp.asarray(published[f"net/{name}"]) for name in ("initial_place", "velocity_m_per_step", "target")
    )


def under_our_names(name, tensors):
    """Published tensors of a network, by their names, as a tree of our weights."""

    def affine(layer):
        return {part: tensors[f"{layer}.{part}"] for part in ("kernel", "bias")}

    if name == "rnn":
        return {
            "encoder": tensors["encoder.kernel"],
            "input": tensors["cell.kernel"],
            "recurrent": tensors["cell.recurrent_kernel"],
            "decoder": tensors["decoder.kernel"],
        }
    layers = {"projection": affine("M"), "dense": affine("dense"), "decoder": affine("decoder")}
    if name == "ugrnn":
        rows_of_m, rows_of_h = np.split(tensors["cell.weight"], 2)
        cell = {"input": rows_of_m, "recurrent": rows_of_h, "bias": tensors["cell.bias"]}
        return layers | cell | {"encoder": affine("encoder")}
    cell = {"input": tensors["cell.kernel"], "recurrent": tensors["cell.recurrent_kernel"]}
    if name == "lstm":
        encoders = {"encoder": affine("encoder1"), "encoder_of_c": affine("encoder2")}
        return layers | cell | encoders | {"bias": tensors["cell.bias"]}
    input_bias, recurrent_bias = tensors["cell.bias"]
    biases = {"input_bias": input_bias, "recurrent_bias": recurrent_bias}
    return layers | cell | biases | {"encoder": affine("encoder")}


def stored_tensors(published, name, activation, sort):
    """The published weights or gradients, by their names."""
    start = f"net/{name}_{activation}/{sort}/"
    return {key.removeprefix(start): value for key, value in published.items() if key.startswith(start)}


def stored_network(published, name, activation):
    """Our kind, and the published weights under our names."""
    weights = under_our_names(name, stored_tensors(published, name, activation, "weight"))
    settings = {"units": weights["recurrent"].shape[0], "activation": activation}
    return KINDS[name](**settings, **AS_PUBLISHED.get(name, {})), jax.tree.map(jnp.asarray, weights)


def report(network, weights, starts, displacements_m, outputs):
    """(activity of the scored units, logits) of a batch."""
    circuit = network.bind(weights, outputs)
    activity = jax.vmap(circuit.activity)(starts, displacements_m)
    return activity, jax.vmap(circuit.readout)(activity)


def loss_on(network, batch):
    starts, displacements_m, wanted = batch
    outputs = wanted.shape[-1]

    def loss(weights):
        _, logits = report(network, weights, starts, displacements_m, outputs)
        data = jnp.mean(jax.vmap(CrossEntropy().per_step)(logits, wanted))
        return data + WEIGHT_DECAY * jnp.sum(network.bind(weights, outputs).decayed() ** 2)

    return jax.jit(jax.value_and_grad(loss))


@every_stored_network
def test_the_published_tensors_are_our_weights(published, batch, name, activation):
    network, weights = stored_network(published, name, activation)
    drawn = jax.eval_shape(lambda: network.init(jax.random.key(0), batch[-1].shape[-1]))
    assert jax.tree.map(jnp.shape, weights) == jax.tree.map(jnp.shape, drawn)
    stored = stored_tensors(published, name, activation, "weight").values()
    assert sum(leaf.size for leaf in jax.tree.leaves(weights)) == sum(tensor.size for tensor in stored)


@every_stored_network
def test_units_and_logits_are_the_published_ones(published, batch, name, activation):
    network, weights = stored_network(published, name, activation)
    starts, displacements_m, wanted = batch
    with jax.default_matmul_precision("highest"):
        activity, logits = report(network, weights, starts, displacements_m, wanted.shape[-1])
    np.testing.assert_allclose(activity, published[f"net/{name}_{activation}/g"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(logits, published[f"net/{name}_{activation}/logits"], rtol=0, atol=1e-5)


@every_stored_network
def test_loss_and_gradients_are_the_published_ones(published, batch, name, activation):
    network, weights = stored_network(published, name, activation)
    with jax.default_matmul_precision("highest"):
        loss, gradient = loss_on(network, batch)(weights)
    assert loss == pytest.approx(float(published[f"net/{name}_{activation}/loss"]), abs=1e-5)
    tensors = stored_tensors(published, name, activation, "grad")
    largest = {key: np.full_like(tensor, np.abs(tensor).max()) for key, tensor in tensors.items()}
    expected, scale = under_our_names(name, tensors), under_our_names(name, largest)
    for (path, found), wanted, bound in zip(
        jax.tree.leaves_with_path(gradient), jax.tree.leaves(expected), jax.tree.leaves(scale), strict=True
    ):
        assert np.all(np.abs(found - wanted) <= 1e-4 * bound), jax.tree_util.keystr(path)


@pytest.mark.parametrize("rule", [Adam(), Rmsprop(), Sgd(), Adagrad()], ids=lambda rule: rule.kind_name())
def test_updates_follow_the_published_optimizers(published, batch, rule):
    name = f"optimizer/{rule.kind_name()}"
    network, weights = stored_network(published, "rnn", "relu")
    transformation = rule.transformation(float(published[f"{name}/learning_rate"]))
    loss_and_gradient = loss_on(network, batch)
    start, state, losses = weights, transformation.init(weights), []
    with jax.default_matmul_precision("highest"):
        for _ in published[f"{name}/loss"]:
            loss, gradient = loss_and_gradient(weights)
            change, state = transformation.update(gradient, state, weights)
            weights = optax.apply_updates(weights, change)
            losses.append(float(loss))
    np.testing.assert_allclose(losses, published[f"{name}/loss"], rtol=0, atol=1e-5)
    for ours in ("decoder", "recurrent"):
        expected = published[f"{name}/{ours}_kernel_after_8_steps"] - start[ours]
        found = weights[ours] - start[ours]
        assert np.abs(found - expected).max() <= 1e-3 * np.abs(expected).max(), ours
