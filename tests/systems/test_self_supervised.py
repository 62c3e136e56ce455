"""The self-supervised system; numbered facts are those of the specification, acceptance 6."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.spec import build
from gridsweep.systems._pairs import pair_sums
from gridsweep.systems.self_supervised import capacity_loss, normalised, variance_of_pace


def make(**fields):
    names = ("batch_size", "updates", "steps", "learning_rate")
    training = {name: fields.pop(name) for name in names if name in fields}
    return build(
        {
            "system": {"kind": "self_supervised", "units": 16, "hidden_units": 8} | fields,
            "training": {"batch_size": 5, "steps": 12, "updates": 4} | training,
        }
    )


def test_walks_are_one_set_of_moves_in_many_orders():
    """Fact 1: the ends agree to 1e-5 m, and each walk makes the same moves."""
    system = make(batch_size=130, steps=60)
    moves = system.draw(jax.random.key(0))
    ends = np.asarray(moves.position_m())[:, -1]
    assert np.abs(ends - ends[0]).max() < 1e-5
    walks = np.asarray(moves.displacement_m())
    for axis in (0, 1):
        np.testing.assert_array_equal(
            np.sort(walks[..., axis]), np.sort(walks[:1, :, axis]).repeat(130, axis=0)
        )
    assert len({tuple(order) for order in np.asarray(moves.order).tolist()}) == 130


def test_moves_are_as_long_as_published():
    """Fact 1: mean .1148 m, root mean square .1225 m, 8.7 % below 5 cm; ends .949 m from the start."""
    system = make(steps=60, moves="independent", batch_size=4000)
    moves = system.draw(jax.random.key(1))
    length = np.linalg.norm(moves.move_m, axis=-1)
    assert length.mean() == pytest.approx(0.1148, rel=0.003)
    assert np.sqrt(np.mean(length**2)) == pytest.approx(0.1225, rel=0.003)
    assert np.mean(length < 0.05) == pytest.approx(np.pi * 0.05**2 / 0.09, rel=0.03)
    end = np.asarray(moves.position_m())[:, -1]
    assert np.sqrt(np.mean(np.sum(end**2, axis=-1))) == pytest.approx(0.949, rel=0.03)


@pytest.mark.parametrize("kind", ["permuted", "independent"])
def test_states_are_not_negative_and_of_norm_one(kind):
    """Fact 2."""
    system = make(moves=kind)
    weights = system.init(system.keys()).weights
    states = np.asarray(system.states(weights, system.draw(jax.random.key(2))))
    assert states.shape == (5, 12, 16)
    assert states.min() >= 0
    np.testing.assert_allclose(np.linalg.norm(states, axis=-1), 1.0, atol=1e-5)


def test_a_state_in_which_nothing_is_active_stays_zero_and_is_counted():
    """Fact 2: 0 / 0 is 0."""
    np.testing.assert_array_equal(normalised(jnp.zeros((2, 3))), np.zeros((2, 3)))
    gradient = jax.grad(lambda states: jnp.sum(normalised(states)))(jnp.zeros((2, 3)))
    assert np.all(np.isfinite(gradient))
    system = make()
    weights = system.init(system.keys()).weights
    weights["weight_3"] = jnp.zeros_like(weights["weight_3"])
    weights["bias_3"] = -jnp.ones_like(weights["bias_3"])
    assert float(system.terms(weights, system.draw(jax.random.key(3)))["zero_state_fraction"]) == 1.0


def test_states_follow_the_moves_one_after_the_other():
    system = make()
    weights = system.init(system.keys()).weights
    moves = system.draw(jax.random.key(4))
    found = system.states(weights, moves)
    state = system.start(weights)
    for step, move in enumerate(moves.displacement_m()[3]):
        state = jax.nn.relu(system.matrix(weights, move[None])[0] @ state)
        state = state / jnp.linalg.norm(state)
        np.testing.assert_allclose(found[3, step], state, atol=1e-5)


def positive_states(number, units, key=5):
    return normalised(jax.nn.relu(jax.random.normal(jax.random.key(key), (number, units))))


def naive(states, position_m, distance_m, width):
    separation = invariance = 0.0
    for first, here in zip(states, position_m, strict=True):
        for second, there in zip(states, position_m, strict=True):
            apart = np.sum((first - second) ** 2)
            distance = np.linalg.norm(here - there)
            if distance > distance_m:
                separation += np.exp(-apart / (2 * width**2))
            elif first is not second:
                invariance += apart
    return separation, invariance


@pytest.mark.parametrize("block", [4, 7, 64])
def test_blocked_sums_equal_all_pairs_one_by_one(block):
    """Fact 3, to 1e-5."""
    states = positive_states(23, 6)
    position_m = 0.1 * jax.random.normal(jax.random.key(6), (23, 2))
    found = pair_sums(states, position_m, 0.1, 0.4, block=block)
    listed = [list(np.asarray(array, np.float64)) for array in (states, position_m)]
    separation, invariance = naive(*listed, 0.1, 0.4)
    assert found.separation == pytest.approx(separation, rel=1e-5)
    assert found.invariance == pytest.approx(invariance, rel=1e-5)
    assert float(found.near + found.distant) == 23 * 22


def test_terms_lie_within_their_bounds():
    """Fact 2: a pair's separation in [exp(-1 / width^2), 1], capacity in [-1, -1 / units]."""
    states = jnp.eye(4)[jnp.array([0, 1, 2, 3, 3])]
    far = jnp.arange(5.0)[:, None] * jnp.ones((1, 2))
    pairs = pair_sums(states, far, 0.05, 0.4)
    least = np.exp(-1 / 0.4**2)
    assert least == pytest.approx(0.00193, rel=0.01)
    assert pairs.separation == pytest.approx(18 * least + 2, rel=1e-5)  # two ordered pairs are one state
    assert capacity_loss(jnp.eye(128)) == pytest.approx(-1 / 128, rel=1e-5)
    for number in range(3):
        value = float(capacity_loss(positive_states(50, 128, key=number)))
        assert -1 <= value <= -1 / 128


def test_one_state_for_all_places_is_invariant_and_not_separated():
    """Fact 3: invariance 0, capacity -1, separation the number of distant pairs."""
    states = jnp.tile(positive_states(1, 8), (30, 1))
    position_m = 0.1 * jax.random.normal(jax.random.key(7), (30, 2))
    pairs = pair_sums(states, position_m, 0.1, 0.4)
    assert float(pairs.invariance) < 1e-4
    assert pairs.separation == pytest.approx(float(pairs.distant), rel=1e-4)
    assert capacity_loss(states) == pytest.approx(-1.0, rel=1e-5)


def test_a_steady_pace_has_no_variance_and_long_moves_do_not_count():
    length_m = jnp.array([0.01, 0.02, 0.04, 0.2, 0.0])
    assert float(variance_of_pace(3 * length_m, length_m, 0.05)) == pytest.approx(0.0, abs=1e-10)
    uneven = jnp.array([0.01, 0.04, 0.04, 9.0, 9.0])
    assert float(variance_of_pace(uneven, length_m, 0.05)) == pytest.approx(np.var([1.0, 2.0, 1.0]), rel=1e-5)
    assert float(variance_of_pace(uneven, length_m, 0.001)) == 0.0


def test_sums_and_means_differ_by_the_number_of_pairs():
    summed, mean = make(reduction="sum"), make(reduction="mean")
    weights = mean.init(mean.keys()).weights
    moves = mean.draw(jax.random.key(8))
    sums, means = summed.terms(weights, moves), mean.terms(weights, moves)
    position_m = np.asarray(moves.position_m()).reshape(-1, 2)
    apart = np.linalg.norm(position_m[:, None] - position_m[None], axis=-1)
    assert sums["separation_loss"] / means["separation_loss"] == pytest.approx(np.sum(apart > 0.05), rel=1e-3)
    near = np.sum(apart < 0.05) - len(apart)
    assert sums["invariance_loss"] / means["invariance_loss"] == pytest.approx(near, rel=1e-3)
    assert sums["capacity_loss"] == means["capacity_loss"]


def test_averaged_pairs_with_isometry_collapse_to_one_state():
    """What ``reduction`` decides: the variance of the pace is of the order of 100, a mean over pairs below 1."""
    system = make(reduction="mean")
    terms = system.terms(system.init(system.keys()).weights, system.draw(jax.random.key(9)))
    assert system.isometry_weight * terms["isometry_loss"] > 10 * terms["separation_loss"]


def test_training_lowers_the_separation_and_keeps_all_terms_finite():
    """Fact 4: 16 walks of 30 steps, 64 units, 200 updates."""
    system = make(batch_size=16, steps=30, units=64, hidden_units=32, learning_rate=1e-3, updates=200)
    keys = system.keys()
    metrics = jax.jit(lambda weights: system._measure(weights, system.draw(keys.evaluation)))
    state = jax.jit(system.init)(keys)
    before = metrics(state.weights)
    state = jax.jit(system.advance)(state, keys, jnp.int32(200))
    after = metrics(state.weights)
    assert bool(state.alive)
    assert all(np.isfinite(float(value)) for value in after.values())
    assert after["separation_loss"] < 0.2 * before["separation_loss"]


def test_its_size_is_the_published_one():
    """4.28 million weights (spec 6.2)."""
    system = build({"system": {"kind": "self_supervised"}})
    shapes = jax.eval_shape(system.init, system.keys())
    number = sum(leaf.size for leaf in jax.tree.leaves(shapes.weights))
    assert number == pytest.approx(4.28e6, rel=0.002)
