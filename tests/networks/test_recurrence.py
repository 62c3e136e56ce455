"""What the networks do not do again at every step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params

from gridsweep.networks._recurrence import run_cell, vanilla_cell
from gridsweep.networks.gru import Gru
from gridsweep.networks.lstm import Lstm
from gridsweep.networks.rnn import Rnn
from gridsweep.networks.srnn import Srnn
from gridsweep.networks.ugrnn import Ugrnn


def scans(jaxpr):
    """Every scan of a program, wherever in it."""
    for line in jaxpr.eqns:
        if line.primitive.name == "scan":
            yield line
        for inner in jaxprs_in_params(line.params):
            yield from scans(inner)


def products(jaxpr):
    return str(jaxpr).count("dot_general[")


@pytest.mark.parametrize("kind", [Rnn, Srnn, Lstm, Gru, Ugrnn], ids=lambda kind: kind.kind_name())
def test_one_matrix_product_is_inside_the_scan_and_one_inside_its_gradient(kind):
    network = kind(units=6)

    def total(weights):
        return jnp.sum(network.bind(weights, 5).activity(jnp.zeros((3, 5)), jnp.zeros((4, 3, 2))))

    weights = jax.eval_shape(lambda: network.init(jax.random.key(0), 5))
    (forward,) = scans(jax.make_jaxpr(total)(weights).jaxpr)
    assert products(forward.params["jaxpr"]) == 1
    there, back = scans(jax.make_jaxpr(jax.grad(total))(weights).jaxpr)
    assert products(there.params["jaxpr"]) == 1
    assert products(back.params["jaxpr"]) == 1


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_the_gradient_is_that_of_the_plain_scan(masked, apart):
    rng = np.random.default_rng(0)
    recurrent, state, drives = (
        jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in ((4, 4), (3, 4), (5, 3, 4))
    )
    mask = jnp.asarray(rng.integers(0, 2, (3, 4)) * 2.0, jnp.float32) if masked else None
    weight = jnp.asarray(rng.normal(size=(5, 3, 4)), jnp.float32)

    def plain(recurrent, state, drives):
        hidden, kept = state, []
        for drive in drives:
            hidden = jnp.tanh(drive + (hidden if mask is None else hidden * mask) @ recurrent)
            kept.append(hidden)
        return jnp.sum(weight * jnp.stack(kept))

    def ours(recurrent, state, drives):
        def cell(constants, state, given):
            return vanilla_cell(jnp.tanh, constants, state, given[0] + given[1] if apart else given)

        return jnp.sum(weight * run_cell(cell, recurrent, None, (state,), drives, mask, apart=apart))

    expected = jax.value_and_grad(plain, argnums=(0, 1, 2))(recurrent, state, drives)
    found = jax.value_and_grad(ours, argnums=(0, 1, 2))(recurrent, state, drives)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
