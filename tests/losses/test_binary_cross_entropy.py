"""Cross-entropy of every output by itself."""

import jax.numpy as jnp
import numpy as np

from gridsweep.losses.binary_cross_entropy import BinaryCrossEntropy


def test_it_is_the_mean_over_outputs_of_the_cross_entropy_of_coins():
    rng = np.random.default_rng(0)
    output, activity = rng.normal(size=(4, 6)), rng.uniform(size=(4, 6))
    on = 1 / (1 + np.exp(-output))
    expected = -(activity * np.log(on) + (1 - activity) * np.log(1 - on)).mean(axis=1)
    found = BinaryCrossEntropy().per_step(jnp.float32(output), jnp.float32(activity))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_its_floor_is_reached_by_the_log_odds_of_the_target():
    activity = jnp.float32(np.random.default_rng(1).uniform(0.01, 0.99, (4, 6)))
    loss = BinaryCrossEntropy()
    odds = jnp.log(activity) - jnp.log1p(-activity)
    np.testing.assert_allclose(loss.per_step(odds, activity), loss.floor(activity), rtol=1e-5)


def test_certain_coins_cost_nothing_and_large_outputs_do_not_overflow():
    activity, output = jnp.array([[1.0, 0.0]]), jnp.array([[1e4, -1e4]])
    assert BinaryCrossEntropy().floor(activity)[0] == 0
    assert BinaryCrossEntropy().per_step(output, activity)[0] == 0
    assert BinaryCrossEntropy().per_step(-output, activity)[0] == 1e4
