"""Our bias-free network and our optimizers against the published ones, on one stored batch."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gridsweep.losses.cross_entropy import CrossEntropy
from gridsweep.networks.rnn import Rnn
from gridsweep.optimizers.adam import Adam
from gridsweep.optimizers.rmsprop import Rmsprop
from gridsweep.optimizers.sgd import Sgd

WEIGHT_DECAY = 1e-4  # of the stored losses and gradients
PUBLISHED_NAME = {
    "encoder": "encoder.kernel",
    "input": "cell.kernel",
    "recurrent": "cell.recurrent_kernel",
    "decoder": "decoder.kernel",
}


@pytest.fixture(scope="module")
def published(golden_folder):
    with np.load(golden_folder / "targets_and_networks.npz", allow_pickle=False) as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def batch(published):
    """(encodings of the starts, displacements, activity asked for)."""
    return tuple(
        jnp.asarray(published[f"net/{name}"]) for name in ("initial_place", "velocity_m_per_step", "target")
    )


def stored_network(published, activation):
    """Our kind, and the published weights under our names."""
    weights = {
        ours: jnp.asarray(published[f"net/rnn_{activation}/weight/{theirs}"])
        for ours, theirs in PUBLISHED_NAME.items()
    }
    return Rnn(units=weights["recurrent"].shape[0], activation=activation), weights


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


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_units_and_logits_are_the_published_ones(published, batch, activation):
    network, weights = stored_network(published, activation)
    starts, displacements_m, wanted = batch
    with jax.default_matmul_precision("highest"):
        activity, logits = report(network, weights, starts, displacements_m, wanted.shape[-1])
    np.testing.assert_allclose(activity, published[f"net/rnn_{activation}/g"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(logits, published[f"net/rnn_{activation}/logits"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_loss_and_gradients_are_the_published_ones(published, batch, activation):
    network, weights = stored_network(published, activation)
    with jax.default_matmul_precision("highest"):
        loss, gradient = loss_on(network, batch)(weights)
    assert loss == pytest.approx(float(published[f"net/rnn_{activation}/loss"]), abs=1e-5)
    for ours, theirs in PUBLISHED_NAME.items():
        expected = published[f"net/rnn_{activation}/grad/{theirs}"]
        assert np.abs(gradient[ours] - expected).max() <= 1e-4 * np.abs(expected).max(), ours


@pytest.mark.parametrize("rule", [Adam(), Rmsprop(), Sgd()], ids=lambda rule: rule.kind_name())
def test_updates_follow_the_published_optimizers(published, batch, rule):
    name = f"optimizer/{rule.kind_name()}"
    network, weights = stored_network(published, "relu")
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
