"""The loss taken a few steps at a time is the loss, and so is its gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.spec import build
from gridsweep.systems import _time_loss
from gridsweep.systems.path_integrator import PathIntegrator
from tests.tiny import small_system

CASES = {
    "softmaxes": {"target": {"kind": "difference_of_softmaxes", "place_cells": 12}},
    "coordinates": {"target": {"kind": "cartesian"}},
    "layered": {"network": {"kind": "gru", "units": 8}},
}


@pytest.mark.parametrize("at_once", [1, 2 * 4 * 12, 10**9], ids=["step by step", "some steps", "all"])
@pytest.mark.parametrize("case", CASES)
def test_loss_and_gradient_do_not_depend_on_how_time_is_cut(case, at_once, monkeypatch):
    settings = small_system(PathIntegrator, **CASES[case])
    settings["training"] = settings["training"] | {"steps": 4}
    system = build(settings)
    keys = system.keys()
    weights = system.init(keys).weights
    cells = system.target.draw(keys.centres, system.arena)
    walks = system.training_walks(keys, jnp.int32(0))

    def plain(weights):
        circuit = system.network.bind(weights, system.ports)
        output = circuit.readout(circuit.activity(*system.told(cells, walks)))
        wanted = jax.vmap(lambda walk: system.target.encode(system.arena, cells, walk), out_axes=1)(walks)
        data = jnp.mean(jax.vmap(system.loss_per_step)(output, wanted))
        return data + 1e-4 * jnp.sum(circuit.decayed() ** 2)

    monkeypatch.setattr(_time_loss, "NUMBERS_AT_ONCE", at_once)
    expected = jax.jit(jax.value_and_grad(plain))(weights)
    found = jax.jit(jax.value_and_grad(lambda weights: system.batch_loss(weights, cells, walks)))(weights)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
