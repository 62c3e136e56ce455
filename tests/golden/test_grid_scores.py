"""Our scores against those of the published scorer, on every golden map."""

import jax
import numpy as np
import pytest

from gridsweep.maps.autocorrelogram import autocorrelogram, half_autocorrelogram
from gridsweep.scores import measure
from gridsweep.scores.grid_score import grid_score_60, grid_score_90, ring_correlations


@pytest.fixture(scope="module")
def measured(grid_scores):
    """Our scores of the maps with that many bins, computed once."""
    known = {}

    def of(bins):
        if bins not in known:
            known[bins] = measure(grid_scores[f"rate_maps_{bins}"], only=["grid_score"])
        return known[bins]

    return of


@pytest.mark.parametrize("angle", [60, 90])
def test_every_score_is_the_published_one(grid_scores, measured, bins, angle):
    expected = grid_scores[f"score_{angle}_{bins}"]
    assert len(expected) > 0
    np.testing.assert_allclose(measured(bins)[f"grid_score_{angle}"], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("angle", [60, 90])
def test_the_best_ring_is_the_published_one_where_it_leads(grid_scores, measured, bins, angle):
    score = {60: grid_score_60, 90: grid_score_90}[angle]
    with jax.enable_x64(True):
        rings_of = jax.jit(lambda maps: score(ring_correlations(half_autocorrelogram(maps))))
        by_ring = np.sort(rings_of(grid_scores[f"rate_maps_{bins}"].astype(float)), axis=-1)
    leads = by_ring[:, -1] - by_ring[:, -2] > 1e-9
    assert leads.any()
    found = np.stack([measured(bins)[f"ring_{angle}_{side}"] for side in ("inner", "outer")], axis=1)
    np.testing.assert_allclose(found[leads], grid_scores[f"ring_{angle}_{bins}"][leads], rtol=0, atol=1e-12)


def test_autocorrelograms_are_the_published_ones(grid_scores, bins):
    expected = grid_scores[f"sac_first8_{bins}"]
    with jax.enable_x64(True):
        found = jax.jit(autocorrelogram)(grid_scores[f"rate_maps_{bins}"][: len(expected)].astype(float))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_silent_and_constant_maps_score_exactly_zero(grid_scores, measured, bins):
    maps = grid_scores[f"rate_maps_{bins}"]
    flat = np.nanmax(maps, axis=(1, 2)) == np.nanmin(maps, axis=(1, 2))
    assert flat.any()
    assert np.all(measured(bins)["grid_score_60"][flat] == 0.0)
    assert np.all(measured(bins)["grid_score_90"][flat] == 0.0)
    assert np.all(measured(bins)["guarded_lags"][flat] == (2 * bins - 1) ** 2)
