"""Place and heading cells: the published floors, and what their normalisation does (nothing)."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.losses.cross_entropy import CrossEntropy
from gridsweep.spec import Rejected, build
from gridsweep.systems.path_integrator import PathIntegrator
from gridsweep.targets.gaussian_and_heading import GaussianAndHeading
from gridsweep.trajectories import standing_at
from gridsweep.trajectories.slowing_walk import SlowingWalk
from tests.tiny import small_system

BOX = Box()


@jax.jit
def walked():
    """Four thousand places and headings of walks: nearer to the walls than uniform ones."""
    walk = jax.vmap(lambda key: SlowingWalk().walk(key, BOX, 100))(jax.random.split(jax.random.key(9), 200))
    return walk.position_m[:, ::5].reshape(-1, 2), walk.heading_rad[:, ::5].reshape(-1)


@jax.jit
def encoded(target, key):
    """(cells, places, activity) along walks."""
    place_m, heading_rad = walked()
    cells = target.draw(key, BOX)
    return cells, place_m, target.encode(BOX, cells, standing_at(place_m, heading_rad))


def draws(**settings):
    target = GaussianAndHeading(**settings)
    return target, [encoded(target, jax.random.key(seed)) for seed in range(6)]


@pytest.mark.parametrize(
    ("width_m", "entropy", "off"), [(0.05, 0.886, 0.03), (0.01, 0.05, 0.01), (0.1, 2.03, 0.04)]
)
def test_cross_entropies_cannot_fall_below_the_entropy_of_the_targets(width_m, entropy, off):
    """Other_systems, acceptance 1.2."""
    _, found = draws(field_width_m=width_m)
    place = np.mean([CrossEntropy().floor(activity[:, :256]).mean() for _, _, activity in found])
    heading = np.mean([CrossEntropy().floor(activity[:, 256:]).mean() for _, _, activity in found])
    assert place == pytest.approx(entropy, abs=off)
    assert heading == pytest.approx(0.69, abs=0.07)


def test_a_report_without_fault_still_errs_by_the_decoder_s_floor():
    target, found = draws()
    right, guessed = [], []
    for seed, (cells, place_m, activity) in enumerate(found):
        decoded_m = target.decode(BOX, cells, activity)
        right.append(np.linalg.norm(decoded_m - place_m, axis=1).mean())
        # Three cells at random.
        decoded_m = target.decode(BOX, cells, jax.random.uniform(jax.random.key(seed), activity.shape))
        guessed.append(np.linalg.norm(decoded_m - place_m, axis=1).mean())
    assert 100 * np.mean(right) == pytest.approx(6.6, abs=0.3)
    assert 100 * np.mean(guessed) == pytest.approx(99, abs=4)


def test_subtracting_a_normaliser_before_the_softmax_changes_nothing():
    """The three ways of the published ablation that run (other_systems, acceptance 1.3)."""
    target = GaussianAndHeading()
    cells, place_m, activity = encoded(target, jax.random.key(0))
    away_m = place_m[:, None] - cells.place.centres_m[None, :, 0]
    logits = -jnp.sum(away_m**2, axis=-1) / (2 * 0.05**2)
    shifted = jax.nn.softmax(logits - jax.nn.logsumexp(logits, axis=-1, keepdims=True), axis=-1)
    np.testing.assert_allclose(shifted, activity[:, :256], atol=1e-6)
    np.testing.assert_allclose(shifted, jax.nn.softmax(logits, axis=-1), atol=1e-6)


def test_a_heading_cell_prefers_its_own_direction():
    target = GaussianAndHeading(place_cells=4, heading_cells=5)
    cells = target.draw(jax.random.key(0), BOX)
    activity = target.encode(BOX, cells, standing_at(jnp.zeros((5, 2)), cells.heading_rad))
    np.testing.assert_array_equal(np.argmax(activity[:, 4:], axis=1), np.arange(5))
    opposite = target.encode(BOX, cells, standing_at(jnp.zeros((5, 2)), cells.heading_rad + 2 * jnp.pi))
    np.testing.assert_allclose(opposite, activity, atol=1e-5)


def test_what_is_told_and_what_is_reported_may_be_places_in_m():
    target = GaussianAndHeading(
        place_cells=4, heading_cells=3, reported="position", told="position_and_heading"
    )
    cells = target.draw(jax.random.key(0), BOX)
    walk = standing_at(jnp.array([[0.3, -0.2], [0.1, 0.5]]))
    assert (target.starts, target.heads) == ((2, 3), (2,))
    np.testing.assert_array_equal(target.encode(BOX, cells, walk), walk.position_m)
    np.testing.assert_array_equal(target.encode_start(BOX, cells, walk)[:2], walk.start_m)
    np.testing.assert_array_equal(target.decode(BOX, cells, walk.position_m), walk.position_m)


@pytest.mark.parametrize(
    ("reported", "told", "idle"),
    [
        ("position", "position_and_heading", True),
        ("position", "place_and_heading", False),
        ("place", "position_and_heading", False),
    ],
)
def test_place_cells_that_are_neither_reported_nor_told_are_no_part_of_identity(reported, told, idle):
    plain = GaussianAndHeading(reported=reported, told=told)
    for changes in ({"place_cells": 64}, {"field_width_m": 0.1}):
        assert (dataclasses.replace(plain, **changes).canonical() == plain.canonical()) == idle
    other = dataclasses.replace(plain, heading_concentration=5.0)
    assert other.canonical() != plain.canonical()


def test_a_place_in_m_is_no_distribution_and_the_message_says_what_would_be():
    settings = small_system(PathIntegrator, target={"kind": "gaussian_and_heading", "reported": "position"})
    with pytest.raises(Rejected, match="mse"):
        build(settings)
    assert build(settings | {"loss": {"kind": "mse"}}).target.heads == (2,)


def test_the_loss_is_the_sum_over_both_heads():
    target = {"kind": "gaussian_and_heading", "place_cells": 5, "heading_cells": 3}
    system = build(small_system(PathIntegrator, target=target))
    output = jax.random.normal(jax.random.key(0), (4, 8))
    wanted = jax.nn.softmax(jax.random.normal(jax.random.key(1), (4, 2, 4)), axis=-1)
    wanted = jnp.concatenate([wanted[:, 0], jnp.zeros((4, 1)), wanted[:, 1, :3]], axis=-1)
    parts = [CrossEntropy().per_step(output[:, cut], wanted[:, cut]) for cut in (slice(0, 5), slice(5, 8))]
    np.testing.assert_allclose(system.loss_per_step(output, wanted), parts[0] + parts[1], rtol=1e-5)
