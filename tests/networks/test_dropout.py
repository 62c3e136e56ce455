"""Dropout acts in training where it is asked to, is not there where a network is looked at, and is a lane's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.networks._base import Noise
from gridsweep.networks._dropout import CellDropout, DropoutNetwork, dropout_mask
from gridsweep.networks.gru import Gru
from gridsweep.networks.lstm import Lstm
from gridsweep.networks.rnn import Rnn
from gridsweep.networks.srnn import Srnn
from gridsweep.spec import Sweep, build, run_id
from gridsweep.systems.path_integrator import PathIntegrator
from gridsweep.train.lanes import advance_lanes, init_lanes, micro_batches
from tests.tiny import small_document, small_system

WALKS, STEPS, OUTPUTS, UNITS = 3, 4, 5, 6
every_kind = pytest.mark.parametrize("kind", [Rnn, Srnn, Lstm, Gru], ids=lambda kind: kind.kind_name())


def run(kind, noise):
    network = kind(units=UNITS, activation="tanh")
    weights = network.init(jax.random.key(0), OUTPUTS)
    starts = jax.random.normal(jax.random.key(1), (WALKS, OUTPUTS))
    inputs = jax.random.normal(jax.random.key(2), (STEPS, WALKS, 2))
    return network.bind(weights, OUTPUTS).activity(starts, inputs, noise)


@every_kind
def test_a_mask_of_ones_changes_nothing_and_each_mask_something(kind):
    channels = kind(units=UNITS).cell_inputs
    ones = CellDropout(jnp.ones((WALKS, channels)), jnp.ones((WALKS, UNITS)))
    plain = run(kind, Noise())
    np.testing.assert_allclose(run(kind, Noise(cell=ones)), plain, rtol=1e-5, atol=1e-6)
    for name in ones._fields:
        masked = ones._replace(**{name: getattr(ones, name).at[0].multiply(0.0)})
        found = run(kind, Noise(cell=masked))
        assert np.abs(found[:, 0] - plain[:, 0]).max() > 1e-3, name
        np.testing.assert_allclose(found[:, 1:], plain[:, 1:], rtol=1e-5, atol=1e-6)


def test_a_masked_vanilla_network_follows_its_equation():
    network = Rnn(units=UNITS, activation="tanh", input_dropout=0.4, recurrent_dropout=0.5)
    weights = jax.tree.map(np.asarray, network.init(jax.random.key(0), OUTPUTS))
    masks = jax.tree.map(np.asarray, network.draw_noise(jax.random.key(3), STEPS, WALKS).cell)
    starts, inputs = np.ones((WALKS, OUTPUTS), np.float32), np.ones((STEPS, WALKS, 2), np.float32)
    circuit = network.bind(weights, OUTPUTS)
    found = circuit.activity(jnp.asarray(starts), jnp.asarray(inputs), Noise(cell=masks))
    hidden = starts @ weights["encoder"]
    for step in range(STEPS):
        drive = (inputs[step] * masks.input) @ weights["input"]
        hidden = np.tanh(drive + (hidden * masks.recurrent) @ weights["recurrent"])
        np.testing.assert_allclose(found[step], hidden, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.9])
def test_a_mask_drops_its_share_and_keeps_the_mean(rate):
    mask = np.asarray(dropout_mask(jax.random.key(0), rate, (100, 400)))
    dropped = np.mean(mask == 0)
    assert abs(dropped - rate) <= 5 * np.sqrt(rate * (1 - rate) / mask.size)
    np.testing.assert_allclose(mask[mask > 0], 1 / (1 - rate), rtol=1e-6)


def test_a_rate_acts_unless_the_file_says_it_does_not():
    def made(network, **training):
        settings = small_system(PathIntegrator, network={"kind": "lstm", "units": 8, **network})
        settings["training"] = settings["training"] | training
        return build(settings)

    plain, dropping = made({}), made({"recurrent_dropout": 0.5})
    assert plain.training.dropout == "inactive"
    assert dropping.training.dropout == "active"
    published = made({"recurrent_dropout": 0.5}, dropout="inactive")
    without = made({"recurrent_dropout": 0.0}, dropout="active")
    assert run_id(published) == run_id(plain) == run_id(without) != run_id(dropping)
    seeded = build({**_settings(dropping), "system": {"kind": "path_integrator", "noise_seed": 5}})
    assert run_id(seeded) != run_id(dropping)  # its masks are other masks


def _settings(system):
    settings = small_system(PathIntegrator, network={"kind": "lstm", "units": 8, "recurrent_dropout": 0.5})
    assert build(settings) == system
    return settings


def test_rates_are_leaves_that_differ_between_lanes_of_one_program():
    rates = [0.0, 0.0, 0.5, 0.9]
    document = small_document(
        parameters={
            "network.recurrent_dropout": {"values": [0.0, 0.5, 0.9]},
            "training.dropout": {"value": "active"},
        }
    )
    document["base"]["network"] |= {"kind": "srnn"}
    zero, half, most = list(Sweep(document))
    systems = micro_batches([zero, zero, half, most], len(rates))[0]
    after = jax.tree.map(np.asarray, advance_lanes(systems, init_lanes(systems), 3)).weights["recurrent"]
    np.testing.assert_array_equal(after[0], after[1])
    assert not np.array_equal(after[0], after[2])
    assert not np.array_equal(after[2], after[3])
    document["parameters"] = {"training.dropout": {"value": "inactive"}}
    quiet = micro_batches(list(Sweep(document)), 1)[0]
    alone = jax.tree.map(np.asarray, advance_lanes(quiet, init_lanes(quiet), 3)).weights["recurrent"]
    np.testing.assert_allclose(alone[0], after[0], rtol=1e-4, atol=1e-6)


def test_every_network_with_rates_says_which_channels_it_drops():
    for kind in (Rnn, Srnn, Lstm, Gru):
        assert issubclass(kind, DropoutNetwork)
        noise = kind(units=UNITS).draw_noise(jax.random.key(0), STEPS, WALKS)
        assert noise.cell.input.shape == (WALKS, kind(units=UNITS).cell_inputs)
        assert noise.cell.recurrent.shape == (WALKS, UNITS)
