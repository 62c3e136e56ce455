"""The LSTM before a dense layer: the published sizes, what is dropped when, and what the cell is told."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.networks._base import Ports
from gridsweep.networks.lstm_dense import LstmDense
from gridsweep.spec import build, run_id
from gridsweep.spec.wandb_disentangling import translate
from gridsweep.systems._looking import look
from gridsweep.systems.path_integrator import PathIntegrator
from gridsweep.trajectories.slowing_walk import SlowingWalk
from tests.tiny import small_system

PUBLISHED = Ports(starts=(256, 12), heads=(256, 12))
POSITION_HEAD = 512 * 2 + 2  # declared by the reproduction, used for a target of positions alone
PORTS = Ports(starts=(5, 3), heads=(5, 3))


def sizes(network):
    shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), PUBLISHED))
    return {name: sum(map(math.prod, shapes_of(leaf))) for name, leaf in shapes.items()}


def shapes_of(tree):
    return [leaf.shape for leaf in jax.tree.leaves(tree)]


def test_the_reproduction_has_the_published_number_of_weights():
    found = sizes(LstmDense(units=512, dense_units=512, initializer_family="torch"))
    assert found["encoder"] == 262_144 + 12_288
    assert found["input"] + found["recurrent"] + found["bias"] == 1_058_816
    assert (found["dense"], found["decoder"]) == (262_656, 137_484)
    assert sum(found.values()) + POSITION_HEAD == 1_734_414


def test_the_notebook_has_the_published_number_of_weights():
    assert sum(sizes(LstmDense(units=128, dense_units=512)).values()) == 339_724


def test_banino_s_network_has_no_bias_in_its_dense_layer_and_one_in_its_encoder():
    settings = {"dense_bias": False, "encoder": "affine", "initializer_family": "sonnet"}
    found = sizes(LstmDense(units=128, dense_units=256, **settings))
    assert found["dense"] == 128 * 256
    assert found["encoder"] == (268 + 1) * 256


@pytest.mark.parametrize(
    ("family", "of_place", "of_heading"),
    [
        ("torch", 256**-0.5, 12**-0.5),  # U(+-1/sqrt(inputs of the block))
        ("keras", (6 / (256 + 128)) ** 0.5, (6 / (12 + 128)) ** 0.5),  # Glorot, of the block
    ],
)
def test_each_block_of_the_start_is_drawn_as_a_layer_of_its_own(family, of_place, of_heading):
    network = LstmDense(units=128, initializer_family=family)
    kernel = jax.jit(lambda: network.init(jax.random.key(0), PUBLISHED)["encoder"]["kernel"])()
    for rows, limit in ((kernel[:256], of_place), (kernel[256:], of_heading)):
        assert np.abs(rows).max() == pytest.approx(limit, rel=0.01)
        assert np.std(rows) == pytest.approx(limit / 3**0.5, rel=0.05)


def test_only_the_forget_gate_of_keras_starts_open():
    def first(**settings):
        network = LstmDense(units=4, **settings)
        return np.asarray(jax.jit(lambda: network.init(jax.random.key(0), PORTS)["bias"])())

    bias = first()
    np.testing.assert_array_equal(bias, [[0] * 4 + [1] * 4 + [0] * 8])
    two = first(initializer_family="torch")
    assert two.shape == (2, 16)
    assert np.abs(two).max() <= 0.5


@pytest.fixture(scope="module")
def tiny():
    network = LstmDense(units=4, dense_units=6, dense_dropout=0.5)
    return network, jax.jit(lambda: network.init(jax.random.key(0), PORTS))()


def test_the_dense_layer_is_linear_in_the_recurrent_units_and_dropped_only_in_the_report(tiny):
    network, weights = tiny
    circuit = network.bind(weights, PORTS)
    start, inputs = jnp.ones((2, 8)), jax.random.normal(jax.random.key(1), (3, 2, 3))
    noise = network.draw_noise(jax.random.key(2), 3, 2)
    hidden, dense = circuit.recurrent_activity(start, inputs), circuit.activity(start, inputs, noise)
    layer, heads = weights["dense"], weights["decoder"]
    np.testing.assert_allclose(dense, hidden @ layer["kernel"] + layer["bias"][None, None], rtol=1e-5)
    np.testing.assert_array_equal(dense, circuit.activity(start, inputs))
    expected = (dense * noise.readout) @ heads["kernel"] + heads["bias"][None, None]
    np.testing.assert_allclose(circuit.readout(dense, noise.readout), expected, rtol=1e-5, atol=1e-6)
    assert noise.readout.shape == (3, 2, 6)
    assert set(np.unique(noise.readout)) == {0.0, 2.0}
    assert len(np.unique(noise.readout.reshape(6, 6), axis=0)) > 1, "each step and walk has its own mask"


def test_rates_of_dropout_differ_between_lanes_of_one_program():
    rates = jnp.array([0.0, 0.2, 0.6])

    def dropped(rate):
        network = LstmDense(dense_units=100, dense_dropout=rate)
        return jnp.mean(network.draw_noise(jax.random.key(0), 20, 10).readout == 0)

    np.testing.assert_allclose(jax.jit(jax.vmap(dropped))(rates), rates, atol=0.02)


def test_what_decays_is_chosen(tiny):
    network, weights = tiny
    np.testing.assert_array_equal(network.bind(weights, PORTS).decayed(), weights["recurrent"])
    heads = LstmDense(units=4, dense_units=6, decay_tensor="readout_kernels").bind(weights, PORTS).decayed()
    np.testing.assert_array_equal(heads, weights["decoder"]["kernel"])


def test_the_path_can_be_told_from_egocentric_inputs():
    walk = jax.jit(lambda: SlowingWalk().walk(jax.random.key(3), Box(), 60))()
    length_m, cosine, sine = np.asarray(LstmDense().inputs(walk), np.float64).T
    place_m, heading_rad = np.asarray(walk.start_m, np.float64), float(walk.start_heading_rad)
    for step in range(60):
        place_m = place_m + length_m[step] * np.array([np.cos(heading_rad), np.sin(heading_rad)])
        heading_rad += np.arctan2(sine[step], cosine[step])
        np.testing.assert_allclose(place_m, walk.position_m[step], atol=1e-4)
    np.testing.assert_array_equal(LstmDense(input="allocentric").inputs(walk), walk.displacement_m)


def small(**network):
    settings = small_system(PathIntegrator)
    settings["target"] = {"kind": "gaussian_and_heading", "place_cells": 12, "heading_cells": 4}
    settings["network"] = {"kind": "lstm_dense", "units": 4, "dense_units": 6} | network
    settings["evaluation"] = [
        {"kind": kind, "bins": [8], "positions": 1000} for kind in ("corrected", "recurrent")
    ]
    settings.pop("loss")
    return settings


def test_without_a_dense_layer_its_settings_make_no_other_network():
    def ids(*settings):
        return {run_id(build(small(**said))) for said in settings}

    assert len(ids({"dense_dropout": 0.5}, {"dense_dropout": 0.2})) == 2
    assert len(ids({}, {"dense_dropout": 0.5}, {"dense_units": 7}, {"dense_bias": False})) == 4
    ways = [{}, {"dense_dropout": 0.5}, {"dense_units": 7}, {"dense_bias": False}]
    assert len(ids(*({"readout_layers": 1} | way for way in ways))) == 1


def test_dense_and_recurrent_units_are_both_looked_at_and_errors_in_training_too():
    system = build(small(dense_dropout=0.5))
    keys = system.keys()
    seen = jax.jit(lambda system: system.observe(system.init(keys), keys))(system)
    assert seen.maps["corrected", 8].shape == (6, 8, 8)
    assert seen.maps["recurrent", 8].shape == (4, 8, 8)
    metrics = seen.metrics["corrected"]
    assert metrics["position_error_in_training_cm"] != metrics["position_error_cm"]
    np.testing.assert_array_equal(seen.visits["corrected", 8], seen.visits["recurrent", 8])


def test_an_untrained_network_of_the_base_knows_nothing():
    """Other_systems, acceptance 1.1: cross-entropies of ln 256 = 5.545 and ln 12 = 2.485, together 8.030."""
    system = build(translate({}) | {"evaluation": {"kind": "corrected"}})
    system = dataclasses.replace(
        system, training=dataclasses.replace(system.training, batch_size=20, fixed_walks=0, steps=20)
    )

    @jax.jit
    def seen(system):
        keys = system.keys()
        weights = system.init(keys).weights
        cells, walks = system.target.draw(keys.centres, system.arena), system.training_walks(keys, 0)
        return look(system, weights, cells, walks)

    found = seen(system)
    output, wanted = (np.asarray(found[name], np.float64).reshape(-1, 268) for name in ("output", "wanted"))
    for head, cells in ((slice(256), 256), (slice(256, None), 12)):
        log_sum = np.log(np.sum(np.exp(output[:, head]), axis=1, keepdims=True))
        cross_entropy = np.mean(np.sum(wanted[:, head] * (log_sum - output[:, head]), axis=1))
        assert cross_entropy == pytest.approx(np.log(cells), rel=0.02)
    assert float(found["loss"]) == pytest.approx(8.030, rel=0.02)
