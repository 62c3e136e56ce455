"""A control of stage D: with the optimizer outside the vmap one bad lane spoils all, and the check would see it."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

LANES, BAD = 4, 2


def step(optimizer, gradients, weights):
    updates, _ = optimizer.update(gradients, optimizer.init(weights), weights)
    return optax.apply_updates(weights, updates)


def test_an_optimizer_outside_the_vmap_is_caught_and_one_inside_leaves_the_others_alone():
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-3))
    weights = {"kernel": jnp.ones((LANES, 3, 3)), "bias": jnp.zeros((LANES, 3))}
    gradients = {
        name: jax.random.normal(jax.random.key(seed), leaf.shape)
        for seed, (name, leaf) in enumerate(weights.items())
    }
    spoiled = {name: leaf.at[BAD].set(jnp.nan) for name, leaf in gradients.items()}

    inside = jax.vmap(lambda gradient, weight: step(optimizer, gradient, weight))
    right, found = inside(gradients, weights), inside(spoiled, weights)
    others = np.arange(LANES) != BAD
    for name in weights:
        assert np.array_equal(np.asarray(right[name])[others], np.asarray(found[name])[others])
        assert not np.isfinite(np.asarray(found[name])[BAD]).any()

    outside = step(optimizer, spoiled, weights)
    assert not any(np.isfinite(np.asarray(leaf)).any() for leaf in outside.values()), "so the check sees it"
