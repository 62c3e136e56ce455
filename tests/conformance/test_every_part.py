"""What holds for every arena, trajectory, loss, optimizer and evaluation."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsweep.arena import Arena
from gridsweep.arena.box import Box
from gridsweep.evaluations import Evaluation
from gridsweep.kinds import discover
from gridsweep.losses import Loss
from gridsweep.optimizers import Optimizer
from gridsweep.trajectories import Trajectory
from tests.tiny import one_walk, target_for


def every(family):
    kinds = discover(family.package, family).values()
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.kind_name())


coordinates = st.floats(-4.0, 4.0, width=32)
places = st.tuples(coordinates, coordinates).map(lambda place: jnp.array(place, jnp.float32))

# -- arenas ------------------------------------------------------------------------------------------


@every(Arena)
@given(place_m=places)
def test_wrapping_a_place_twice_changes_nothing(kind, place_m):
    arena = kind()
    once = arena.wrap(place_m)
    np.testing.assert_array_equal(arena.wrap(once), once)


@every(Arena)
@given(from_m=places, to_m=places)
def test_the_way_to_a_place_leads_there_and_is_no_longer_than_straight(kind, from_m, to_m):
    arena = kind()
    offset_m = arena.offset_m(from_m, to_m)
    missed_m = arena.offset_m(arena.wrap(from_m + offset_m), arena.wrap(to_m))
    np.testing.assert_allclose(missed_m, 0.0, atol=1e-5)
    assert np.linalg.norm(offset_m) <= np.linalg.norm(to_m - from_m) + 1e-5


@every(Arena)
@given(from_m=places, to_m=places)
def test_the_way_back_is_the_same_way(kind, from_m, to_m):
    arena = kind()
    there_m, back_m = arena.offset_m(from_m, to_m), arena.offset_m(to_m, from_m)
    # Half way round there are two ways of one length, so they are compared as places.
    np.testing.assert_allclose(np.abs(there_m), np.abs(back_m), atol=1e-5)
    np.testing.assert_allclose(arena.offset_m(arena.wrap(-there_m), arena.wrap(back_m)), 0.0, atol=1e-5)


@every(Arena)
def test_sampled_places_fill_the_arena_and_no_more(kind):
    arena, number = kind(side_m=1.5), 2_000
    place_m = arena.sample_positions(jax.random.key(0), number)
    assert place_m.shape == (number, 2)
    assert np.abs(place_m).max() <= 0.75
    np.testing.assert_allclose(arena.wrap(place_m), place_m, atol=1e-6)
    assert (distances_m(arena, place_m) >= -1e-6).all()
    # Beside a fine grid of the places that no wall is in front of: the same middle, and the same shares.
    along_m = (np.arange(120) + 0.5) / 120 * 1.5 - 0.75
    grid_m = np.stack(np.meshgrid(along_m, along_m), axis=-1).reshape(-1, 2).astype(np.float32)
    grid_m = grid_m[np.asarray(distances_m(arena, jnp.asarray(grid_m))) > 0]
    np.testing.assert_allclose(grid_m.mean(axis=0), arena.centre_m(), atol=0.01)
    np.testing.assert_allclose(np.mean(place_m, axis=0), arena.centre_m(), atol=5 * 0.44 / np.sqrt(number))
    expected, found = (
        np.histogram2d(*np.asarray(places_m).T, bins=4, range=[[-0.75, 0.75]] * 2)[0] / len(places_m)
        for places_m in (grid_m, place_m)
    )
    np.testing.assert_allclose(found, expected, atol=5 * np.sqrt(0.0625 / number))


def distances_m(arena, place_m):
    """How far the nearest wall is from each place; negative outside."""
    return jax.vmap(lambda place: arena.nearest_wall(place).distance_m)(place_m)


# -- trajectories ------------------------------------------------------------------------------------


@every(Trajectory)
@pytest.mark.parametrize(
    "arena", discover(Arena.package, Arena).values(), ids=lambda arena: arena.kind_name()
)
def test_a_place_is_the_start_and_the_sum_of_the_steps(kind, arena):
    arena = arena()
    walk = jax.jit(jax.vmap(lambda key: kind().walk(key, arena, 30)))(jax.random.split(jax.random.key(1), 50))
    assert walk.start_m.shape == (50, 2)
    assert walk.start_heading_rad.shape == (50,)
    assert walk.displacement_m.shape == walk.position_m.shape == (50, 30, 2)
    assert walk.heading_rad.shape == (50, 30)
    assert all(np.isfinite(leaf).all() for leaf in walk)
    summed_m = arena.wrap(walk.start_m[:, None] + jnp.cumsum(walk.displacement_m, axis=1))
    np.testing.assert_allclose(arena.offset_m(summed_m, walk.position_m), 0.0, atol=1e-5)
    assert (np.abs(walk.heading_rad) <= np.pi + 1e-6).all()
    assert len(np.unique(walk.heading_rad, axis=0)) == 50, "each key draws its own walk"


# -- losses ------------------------------------------------------------------------------------------


@every(Loss)
@given(seed=st.integers(0, 2**31), spread=st.floats(0.0, 30.0))
def test_no_output_is_better_than_the_floor_of_a_loss(kind, seed, spread):
    loss, target = kind(), target_for(kind.kind_name())()
    activity = _activity(target)
    output = spread * np.random.default_rng(seed).standard_normal(activity.shape).astype(np.float32)
    reached, floor = loss.per_step(jnp.asarray(output), activity), loss.floor(activity)
    assert reached.shape == floor.shape == activity.shape[:1]
    assert np.isfinite(reached).all()
    assert (reached >= floor - 1e-4 * (1 + np.abs(floor))).all()


@every(Loss)
def test_following_the_gradient_of_a_loss_makes_it_smaller(kind):
    loss = kind()
    activity = _activity(target_for(kind.kind_name())())
    output = jax.random.normal(jax.random.key(0), activity.shape)

    def total(output):
        return jnp.sum(loss.per_step(output, activity))

    value, gradient = jax.value_and_grad(total)(output)
    assert np.isfinite(gradient).all()
    assert total(output - 1e-2 * gradient) < value


@every(Loss)
def test_the_excess_of_a_loss_is_the_loss_beyond_the_floor_up_to_a_number_a_row(kind):
    loss = kind()
    activity = _activity(target_for(kind.kind_name())())
    output = jax.random.normal(jax.random.key(0), (3, activity.shape[1]))
    rows = [
        loss.per_step(jnp.broadcast_to(row[None], activity.shape), activity) - loss.floor(activity)
        for row in output
    ]
    off = np.asarray(loss.excess(output, activity)) - np.stack(rows)
    np.testing.assert_allclose(off, np.broadcast_to(off[:, :1], off.shape), atol=2e-4)


@every(Loss)
def test_the_ideal_output_of_a_loss_costs_the_floor(kind):
    loss = kind()
    activity = _activity(target_for(kind.kind_name())())
    found = loss.per_step(loss.ideal_output(activity), activity)
    np.testing.assert_allclose(found, loss.floor(activity), rtol=1e-3, atol=1e-5)


@functools.cache
def _activity(target):
    """What a target asks for along a walk."""
    arena = Box()
    return target.encode(arena, target.draw(jax.random.key(0), arena), one_walk())


# -- optimizers --------------------------------------------------------------------------------------


def descend(rule, learning_rate, updates=40):
    """The losses while weights of two shapes follow a quadratic downhill."""
    weights = {"a": jnp.array([1.0, -2.0]), "b": {"c": jnp.array([[0.5], [3.0]])}}

    def loss(weights):
        return sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(weights))

    transformation = rule.transformation(learning_rate)

    def update(carry, _):
        weights, state = carry
        value, gradient = jax.value_and_grad(loss)(weights)
        change, state = transformation.update(gradient, state, weights)
        return (optax.apply_updates(weights, change), state), value

    _, losses = jax.lax.scan(update, (weights, transformation.init(weights)), None, length=updates)
    return losses


@every(Optimizer)
def test_an_optimizer_goes_downhill_at_a_rate_that_may_be_traced(kind):
    rates = [0.01, 0.05]
    together = jax.jit(jax.vmap(lambda rate: descend(kind(), rate)))(jnp.array(rates))
    for rate, losses in zip(rates, together, strict=True):
        assert losses[-1] < losses[0]
        np.testing.assert_allclose(losses, jax.jit(lambda rate=rate: descend(kind(), rate))(), rtol=1e-4)
    assert together[0, -1] != together[1, -1], "another rate is another path"


@every(Optimizer)
def test_the_settings_of_an_optimizer_may_be_traced_too(kind):
    lanes = jax.tree.map(lambda leaf: jnp.full(2, leaf, jnp.float32), kind())
    together = jax.vmap(lambda rule: descend(rule, 0.02, updates=5), axis_size=2)(lanes)
    np.testing.assert_allclose(together[0], descend(kind(), 0.02, updates=5), rtol=1e-4)


# -- evaluations -------------------------------------------------------------------------------------


@every(Evaluation)
@given(batch_size=st.integers(1, 2_000), steps=st.integers(1, 300))
def test_an_evaluation_visits_enough_places(kind, batch_size, steps):
    evaluation = kind()
    assert evaluation.walk_steps(steps) >= 1
    batches, walks = evaluation.batches(batch_size, steps)
    assert batches >= 1
    assert walks >= 1
    visited = batches * walks * evaluation.walk_steps(steps)
    wanted = getattr(evaluation, "positions", batch_size)
    assert wanted <= visited
    if "positions" in evaluation.declarations():
        assert visited <= 2 * wanted + walks * evaluation.walk_steps(steps)
