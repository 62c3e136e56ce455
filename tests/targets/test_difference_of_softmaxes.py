"""Difference of softmaxes: a uniform level plus a Mexican hat, with the surround written either way."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.kinds import Uniform
from gridsweep.losses.cross_entropy import CrossEntropy
from gridsweep.targets.difference_of_softmaxes import DifferenceOfSoftmaxes, shifted_to_one
from tests.targets.test_place_cells import slow_distances
from tests.tiny import some_walks


def at(target, seed=0):
    cells = target.draw(jax.random.key(seed), Box())
    walks = some_walks()
    return cells, walks, jax.vmap(lambda walk: target.encode(Box(), cells, walk))(walks)


def slow_shift(raw):
    """Spec b.2, SHIFT, one position at a time."""
    rows = [row + abs(row.min()) for row in raw]
    return np.array([row / row.sum() for row in rows])


def slow_softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("normalisation", ["global", "none"])
@pytest.mark.parametrize("fields", [1, 2])
def test_activity_is_the_shifted_difference_of_two_bumps(normalisation, fields):
    target = DifferenceOfSoftmaxes(
        place_cells=15, fields_per_cell=fields, field_width_m=0.2, normalisation=normalisation
    )
    cells, walks, activity = at(target)
    for number in range(len(walks.start_m)):
        centre, surround = slow_distances(cells, walks.position_m[number])
        if normalisation == "global":
            raw = slow_softmax(-centre) - slow_softmax(-surround)
        else:
            raw = np.exp(-centre) - np.exp(-surround)
        np.testing.assert_allclose(activity[number], slow_shift(raw), rtol=1e-3, atol=1e-5)


def test_the_least_active_cell_is_silent_and_activity_sums_to_one():
    _, _, activity = at(DifferenceOfSoftmaxes())
    np.testing.assert_allclose(activity.min(axis=-1), 0.0, atol=1e-9)
    np.testing.assert_allclose(activity.sum(axis=-1), 1.0, atol=1e-5)


@pytest.mark.parametrize(("field_width_m", "entropy"), [(0.12, 6.09), (0.20, 5.91)])
def test_the_entropy_floor_is_that_of_the_specification(field_width_m, entropy):
    floors = []
    for seed in range(4):
        _, _, activity = at(DifferenceOfSoftmaxes(field_width_m=field_width_m), seed)
        floors.append(float(jnp.mean(jax.vmap(CrossEntropy().floor)(activity))))
    assert np.mean(floors) == pytest.approx(entropy, abs=0.03)


def test_a_surround_of_twice_the_sigma_is_one_of_four_times_the_variance():
    sigma = DifferenceOfSoftmaxes(place_cells=12, surround_ratio=2.0)
    variance = DifferenceOfSoftmaxes(place_cells=12, surround_ratio=4.0, surround_convention="variance")
    np.testing.assert_allclose(at(sigma)[2], at(variance)[2], rtol=1e-6)
    assert variance.canonical() == sigma
    assert sigma.canonical() == sigma
    other = DifferenceOfSoftmaxes(place_cells=12, surround_ratio=2.0, surround_convention="variance")
    assert not np.allclose(at(other)[2], at(sigma)[2], atol=1e-4)


def test_a_surround_uniform_in_variance_is_not_uniform_in_sigma():
    spread = DifferenceOfSoftmaxes(
        place_cells=2_000, surround_ratio=Uniform(1.1, 9.0), surround_convention="variance"
    )
    assert spread.canonical() == spread
    ratio = np.asarray(spread.draw(jax.random.key(0), Box()).surround_ratio)
    assert ratio.min() > 1.0
    assert ratio.max() <= 3.0
    assert np.mean(ratio**2) == pytest.approx((1.1 + 9.0) / 2, rel=0.03)


def test_the_shift_makes_any_row_a_distribution():
    raw = jnp.array([[-1.0, 0.0, 3.0], [2.0, 1.0, 4.0]])
    shifted = shifted_to_one(raw)
    np.testing.assert_allclose(shifted, slow_shift(np.asarray(raw)), rtol=1e-6)
    assert shifted[0, 0] == 0
    # The published shift adds the size of the smallest value also where that is positive.
    np.testing.assert_allclose(shifted[1], np.array([3.0, 2.0, 5.0]) / 10, rtol=1e-6)
