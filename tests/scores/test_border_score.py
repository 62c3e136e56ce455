import numpy as np
import pytest
from scipy import ndimage

from gridsweep.scores import measure
from tests.scores.lattices import bump_map


def border_score(*maps, side_m=2.2):
    return measure(np.stack(maps), side_m, only=["border_score"])["border_score"]


def slow_border_score(rate_map, side_m=2.2):
    """Field by field, as spec e.8 says it, every field's coverage looked at."""
    rates = np.nan_to_num(rate_map)
    bins = len(rates)
    labels, count = ndimage.label((rates > 0.3 * rates.max()) & (rates.max() > 0))
    bin_area_cm2 = (100 * side_m / bins) ** 2
    fields = [labels == number for number in range(1, count + 1)]
    fields = [field for field in fields if field.sum() * bin_area_cm2 > 200]
    if not fields:
        return np.nan
    coverage = max(
        wall.mean() for field in fields for wall in (field[0], field[-1], field[:, 0], field[:, -1])
    )
    x, y = np.mgrid[1 : bins + 1, 1 : bins + 1]
    distance_m = np.minimum.reduce([x, bins + 1 - x, y, bins + 1 - y]) * side_m / bins
    weighted = [np.sum(rates[field] * distance_m[field]) / np.sum(rates[field]) for field in fields]
    distance = np.mean(weighted) / (side_m / 2)
    return (coverage - distance) / (coverage + distance)


@pytest.mark.parametrize("side_m", [0.6, 2.2])
def test_the_score_is_that_of_fields_looked_at_one_by_one(side_m):
    noise = np.random.default_rng(0).normal(size=(60, 16, 16))
    maps = ndimage.gaussian_filter(noise, (0, 1.5, 1.5))
    maps[20:40] = np.maximum(maps[20:40], 0.0)
    maps[40:50, 3:5] = np.nan
    maps[50:55] = -np.abs(maps[50:55])
    maps[55:58, :8] = 0.0
    maps[59] = noise[59]  # fields of a few bins: in a small box none is large enough
    expected = [slow_border_score(rate_map, side_m) for rate_map in maps]
    np.testing.assert_allclose(border_score(*maps, side_m=side_m), expected, rtol=0, atol=1e-12)
    assert np.isfinite(expected).sum() > 30


def test_firing_along_one_wall_scores_high_and_in_the_middle_lowest():
    wall = np.zeros((16, 16))
    wall[0] = 3.0
    middle = bump_map(centre_m=(0.0, 0.0), bins=16)
    found = border_score(wall, wall[::-1], wall.T, wall.T[:, ::-1], middle)
    np.testing.assert_allclose(found[:4], (1 - 1 / 8) / (1 + 1 / 8), atol=1e-12)
    assert found[4] == -1.0


def test_every_field_may_cover_a_wall_and_not_only_the_first():
    one = np.zeros((16, 16))
    one[4:8, 4:8] = 1.0  # comes first
    two = one.copy()
    two[15] = 1.0
    without, both = border_score(one, two)
    assert without == -1.0
    assert both == pytest.approx(slow_border_score(two))
    assert both > 0.3


def test_two_fields_on_one_wall_do_not_add_up():
    wall = np.zeros((16, 16))
    wall[0:2] = 1.0
    parted = wall.copy()
    parted[:, 8] = 0.0
    whole, half = border_score(wall, parted)
    assert half < whole
    assert half == pytest.approx(slow_border_score(parted))


def test_small_spots_are_no_fields_and_a_silent_unit_has_none():
    spot = np.zeros((16, 16))
    spot[3, 3] = 1.0  # 189 cm^2 in a box of 2.2 m
    larger = spot.copy()
    larger[3, 4] = 1.0
    found = border_score(spot, larger, np.zeros((16, 16)), -np.ones((16, 16)), np.full((16, 16), np.nan))
    np.testing.assert_array_equal(np.isnan(found), [True, False, True, True, True])


def test_distances_are_weighted_by_the_rate():
    even = np.zeros((16, 16))
    even[0:10, 6:9] = 1.0
    near = even.copy()
    near[0:3, 6:9] = 2.5  # fires most at the wall, and everywhere above the threshold
    found = border_score(even, near)
    assert found[1] > found[0]
    np.testing.assert_allclose(found, [slow_border_score(even), slow_border_score(near)], atol=1e-12)
