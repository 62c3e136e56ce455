"""Gaussian place cells: against NumPy, and the entropy and decoding floors of the specification."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.losses.cross_entropy import CrossEntropy
from gridsweep.targets.gaussian import Gaussian
from tests.tiny import some_walks


def at(target, seed=0):
    cells = target.draw(jax.random.key(seed), Box())
    walks = some_walks()
    return cells, walks, jax.vmap(lambda walk: target.encode(Box(), cells, walk))(walks)


@pytest.mark.parametrize("normalisation", ["global", "none"])
def test_activity_is_a_gaussian_of_the_distance_to_a_field(normalisation):
    target = Gaussian(place_cells=20, field_width_m=0.2, normalisation=normalisation)
    cells, walks, activity = at(target)
    away_m = (
        np.asarray(walks.position_m, float)[:, :, None] - np.asarray(cells.centres_m, float)[None, None, :, 0]
    )
    bump = np.exp(-(away_m**2).sum(axis=-1) / (2 * 0.2**2))
    expected = bump / bump.sum(axis=-1, keepdims=True) if normalisation == "global" else bump
    np.testing.assert_allclose(activity, expected, rtol=2e-4, atol=1e-7)


def test_only_normalised_activity_is_a_distribution():
    assert Gaussian().is_distribution
    assert not Gaussian(normalisation="none").is_distribution


@pytest.mark.parametrize(
    ("field_width_m", "entropy"), [(0.08, 2.35), (0.12, 3.10), (0.20, 4.02), (0.28, 4.59)]
)
def test_the_entropy_floor_is_that_of_the_specification(field_width_m, entropy):
    floors = []
    for seed in range(4):
        _, _, activity = at(Gaussian(field_width_m=field_width_m), seed)
        floors.append(float(jnp.mean(jax.vmap(CrossEntropy().floor)(activity))))
    assert np.mean(floors) == pytest.approx(entropy, abs=0.15)


def test_exact_targets_are_decoded_about_four_centimetres_off():
    errors_m = []
    for seed in range(4):
        target = Gaussian()
        cells, walks, activity = at(target, seed)
        decoded_m = jax.vmap(lambda row, cells=cells, target=target: target.decode(Box(), cells, row))(
            activity
        )
        errors_m.append(np.linalg.norm(decoded_m - walks.position_m, axis=-1).mean())
    assert 100 * np.mean(errors_m) == pytest.approx(4.2, abs=0.8)
