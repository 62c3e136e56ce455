import jax
import numpy as np
import pytest
from scipy import ndimage

from gridsweep.scores import measure
from gridsweep.scores.stripe_score import best_share
from tests.scores.lattices import bin_centres_m, bump_map, hexagonal_map, square_map

BINS = 20
SIDE_M = 2.2


def stripe_score(*maps):
    return measure(np.stack(maps), SIDE_M, only=["stripe_score"])["stripe_score"]


def wave_map(period_m, angle_rad=0.4, phase_rad=0.3, bins=BINS):
    x_m, y_m = bin_centres_m(bins)
    along_m = x_m * np.cos(angle_rad) + y_m * np.sin(angle_rad)
    return np.cos(2 * np.pi * along_m / period_m + phase_rad)


def slow_stripe_score(rate_map):
    """Least squares with cosine, sine and a constant, at every wave vector of a fine grid."""
    bins = len(rate_map)
    place = (np.arange(bins) + 0.5) / bins - 0.5
    x, y = (axis.ravel() for axis in np.meshgrid(place, place, indexing="ij"))
    rates = rate_map.ravel()
    total = np.sum((rates - rates.mean()) ** 2)
    best = 0.0
    for frequency_x in np.arange(0.0, bins / 4 + 0.3, 0.125):
        for frequency_y in np.arange(-bins / 4 - 0.25, bins / 4 + 0.3, 0.125):
            if 0.7 <= np.hypot(frequency_x, frequency_y) <= bins / 4 + 0.3:
                phase = 2 * np.pi * (frequency_x * x + frequency_y * y)
                basis = np.stack([np.cos(phase), np.sin(phase), np.ones_like(phase)], axis=1)
                left = rates - basis @ np.linalg.lstsq(basis, rates, rcond=None)[0]
                best = max(best, 1 - np.sum(left**2) / total)
    return best


def test_the_score_is_the_best_of_least_squares_at_many_wave_vectors():
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(3, 12, 12)), (0, 1.5, 1.5))
    maps = [*noise, np.maximum(noise[0], 0.0)]
    maps += [wave_map(0.9, bins=12), bump_map(bins=12), hexagonal_map(1.0, 12)]
    expected = np.array([slow_stripe_score(rate_map) for rate_map in maps])
    found = stripe_score(*maps)
    # The search by hand reaches a little past the limits of ours, which looks closely around one wave only.
    assert np.all(found <= expected + 1e-9)
    np.testing.assert_allclose(found, expected, rtol=0.02)


@pytest.mark.parametrize("angle_rad", [0.0, 0.4, np.pi / 2, 2.5])
@pytest.mark.parametrize("phase_rad", [0.0, 1.2])
def test_a_plane_wave_scores_one_in_any_direction_and_phase(angle_rad, phase_rad):
    waves = [wave_map(period_m, angle_rad, phase_rad) for period_m in (0.5, 0.73, 0.9, 1.3, 2.2)]
    found = stripe_score(*waves)
    assert np.all(found > 0.97)
    assert np.all(found <= 1.0 + 1e-12)


def test_waves_on_the_grid_score_exactly_one():
    x = (np.arange(BINS) + 0.5) / BINS - 0.5
    maps = [
        np.cos(2 * np.pi * (fx * x[:, None] + fy * x[None]) + 0.7) for fx, fy in ((1, 0), (2.5, -1), (0, 4.5))
    ]
    np.testing.assert_allclose(stripe_score(*maps), 1.0, atol=1e-9)


def test_lattices_of_n_waves_score_one_over_n_and_less_when_rectified():
    angles = {2: (0.2, 0.2 + np.pi / 2), 3: (0.2, 0.2 + np.pi / 3, 0.2 + 2 * np.pi / 3)}
    for waves, directions in angles.items():
        for period_m in (0.5, 0.8):
            summed = sum(wave_map(period_m, angle, phase) for phase, angle in enumerate(directions))
            pure, rectified = stripe_score(summed, np.maximum(summed, 0.0))
            assert pure == pytest.approx(1 / waves, rel=0.06)
            assert 0.7 / waves < rectified < pure
    half_wave = stripe_score(np.maximum(wave_map(0.7), 0.0))
    assert half_wave == pytest.approx((1 / 8) / (1 / 4 - 1 / np.pi**2), rel=0.03)


def test_scores_order_stripes_squares_hexagons_and_a_narrow_bump():
    stripe = np.maximum(wave_map(0.7), 0.0)
    found = stripe_score(stripe, square_map(0.7, BINS), hexagonal_map(0.7, BINS), bump_map(0.1, bins=BINS))
    assert np.all(np.diff(found) < -0.05)


def test_rates_may_be_scaled_and_shifted_and_unvisited_bins_do_not_count():
    plain = wave_map(0.6) + 0.3 * wave_map(0.9, 2.0)
    holes = np.where(np.random.default_rng(1).random(plain.shape) < 0.1, np.nan, plain)
    base, scaled, shifted, holed = stripe_score(plain, 1e-20 * plain, plain - 70.0, holes)
    np.testing.assert_allclose([scaled, shifted], base, rtol=1e-9)
    assert holed == pytest.approx(base, rel=0.25)
    assert holed < base


def test_what_does_not_vary_has_none():
    found = stripe_score(*(np.full((BINS, BINS), value) for value in (0.0, 0.1, -3.0, np.nan)))
    assert np.all(np.isnan(found))


def test_no_share_exceeds_one():
    maps = np.random.default_rng(2).normal(size=(40, BINS, BINS)).cumsum(axis=1).cumsum(axis=2)
    maps -= maps.mean(axis=(1, 2), keepdims=True)
    maps /= np.sqrt((maps**2).sum(axis=(1, 2), keepdims=True))
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(best_share)(maps))
    assert np.all((found > 0) & (found <= 1))
