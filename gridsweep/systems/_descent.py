"""One update of gradient descent, for systems that train: clipping, the optimizer, a constraint, freezing.

A lane that goes non-finite is frozen where it was, and the update at which it died is kept. The constraint
(such as "no negative weight") is a projection after the update, as the studies that need one have it.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from gridsweep.kinds import Scalar
from gridsweep.systems._base import State


def fresh_state(weights: Any, rule: optax.GradientTransformation) -> State:
    """Returns a lane before its first update."""
    return State(
        weights=weights,
        optimizer=rule.init(weights),
        update=jnp.int32(0),
        diverged_update=jnp.int32(-1),
        alive=jnp.bool_(True),
    )


def descend(
    state: State,
    loss: Callable[[Any], Float[Array, ""]],
    rule: optax.GradientTransformation,
    *,
    project: Callable[[Any], Any] = lambda weights: weights,
) -> State:
    """Returns the lane one update later.

    Args:
        state: the lane as it is.
        loss: the objective as a function of the weights alone.
        rule: what turns gradients into changes, clipping included.
        project: brings weights back to where they are allowed to be.
    """
    value, gradient = jax.value_and_grad(loss)(state.weights)
    change, optimizer = rule.update(gradient, state.optimizer, state.weights)
    weights = project(optax.apply_updates(state.weights, change))
    total = sum(jnp.sum(jnp.abs(leaf)) for leaf in jax.tree.leaves((gradient, weights)))
    alive = state.alive & jnp.isfinite(value) & jnp.isfinite(total)
    weights, optimizer = jax.tree.map(
        lambda new, old: jnp.where(alive, new, old), (weights, optimizer), (state.weights, state.optimizer)
    )
    return State(
        weights=weights,
        optimizer=optimizer,
        update=state.update + 1,
        diverged_update=jnp.where(state.alive & ~alive, state.update, state.diverged_update),
        alive=alive,
    )


def clipped(rule: optax.GradientTransformation, limit: Scalar) -> optax.GradientTransformation:
    """Returns the rule behind a limit on the norm of the whole gradient; the limit may be traced."""

    def update(updates, state, params=None):
        norm = jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(updates)))
        # A norm that is not finite is no longer than the limit, and left for the freezing to find.
        scale = jnp.where(norm > limit, limit / jnp.where(norm > limit, norm, 1.0), 1.0)
        return rule.update(jax.tree.map(lambda leaf: leaf * scale, updates), state, params)

    return optax.GradientTransformation(rule.init, update)
