"""Cross-entropy in nats."""

import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.losses.cross_entropy import CrossEntropy


def test_it_is_minus_the_mean_log_probability():
    rng = np.random.default_rng(0)
    output, activity = rng.normal(size=(4, 6)), rng.dirichlet(np.ones(6), 4)
    log_softmax = output - np.log(np.exp(output).sum(axis=-1, keepdims=True))
    found = CrossEntropy().per_step(jnp.float32(output), jnp.float32(activity))
    np.testing.assert_allclose(found, -(activity * log_softmax).sum(axis=-1), rtol=1e-5)


def test_its_floor_is_the_entropy_and_is_reached_by_the_logarithm_of_the_target():
    activity = jnp.float32(np.random.default_rng(1).dirichlet(np.ones(6), 4))
    loss = CrossEntropy()
    np.testing.assert_allclose(loss.per_step(jnp.log(activity), activity), loss.floor(activity), rtol=1e-5)
    assert loss.floor(jnp.full((1, 512), 1 / 512))[0] == pytest.approx(np.log(512), rel=1e-5)


def test_a_silent_cell_costs_nothing_and_large_outputs_do_not_overflow():
    activity, output = jnp.array([[1.0, 0.0]]), jnp.array([[1e4, -1e4]])
    assert CrossEntropy().floor(activity)[0] == 0
    assert CrossEntropy().per_step(output, activity)[0] == 0
    assert CrossEntropy().per_step(-output, activity)[0] == pytest.approx(2e4)
