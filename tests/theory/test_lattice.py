import numpy as np
import pytest

from gridsweep.theory.closed_form import gaussian, ring_wavenumber
from gridsweep.theory.lattice import admissible, lattice_points, modes_above, ring_map, rings


@pytest.mark.parametrize(
    ("surround_ratio", "width_m", "plain", "above_centre"),
    [
        # Spec 3.3, the table: ratio of heights, centre over surround; box of 2.2 m.
        (2, 0.06, (2.70, 13.9), (2.82, 13.9)),
        (2, 0.12, (2.37, 9.47), (2.82, 9.47)),
        (2, 0.20, (1.73, 3.93), (2.83, 3.93)),
        (np.sqrt(2), 0.12, (1.56, 3.35), (1.66, 3.35)),
        (3, 0.12, (3.47, 20.7), (5.53, 20.7)),
    ],
)
def test_the_admissible_slice_is_the_one_of_the_spec(surround_ratio, width_m, plain, above_centre):
    for strict, (low, high) in ((False, plain), (True, above_centre)):
        found = admissible(width_m, surround_ratio, 2.2, above_centre=strict)
        assert found.low == pytest.approx(low, abs=0.006)
        assert found.high == pytest.approx(high, rel=0.003)


def test_the_paper_s_good_ratio_is_admissible_and_equal_heights_are_not():
    for width_m in (0.12, 0.20):
        slice_ = admissible(width_m, 2.0, 2.2)
        assert 3.5714 in slice_
        assert 1.0 not in slice_


def test_a_field_as_wide_as_the_box_has_no_admissible_ratio():
    assert admissible(2.0, 2.0, 2.2) is None


@pytest.mark.parametrize(
    ("convention_ratio", "length", "points"), [(np.sqrt(2), 3.44, {13}), (2.0, 2.81, {8, 9})]
)
def test_the_nearest_modes_are_those_of_the_spec(convention_ratio, length, points):
    # Spec 3.2: width 0.12 m, box 2.2 m.
    k = ring_wavenumber(0.12, convention_ratio)
    assert k * 2.2 / (2 * np.pi) == pytest.approx(length, abs=0.006)
    squared = np.sum(lattice_points(5) ** 2, axis=1)
    assert squared[np.argmin(np.abs(np.sqrt(squared) - length))] in points


def test_the_modes_of_a_gaussian_come_in_the_order_of_figure_14():
    found = [(ring.squared, ring.modes) for ring in rings(gaussian(0.12), 2.2)]
    # Zero, 4 cardinal, 4 diagonal, 4 of (2,0), 8 of (2,1), 4 of (2,2), 4 of (3,0).
    assert found[:7] == [(0, 1), (1, 4), (2, 4), (4, 4), (5, 8), (8, 4), (9, 4)]


@pytest.mark.parametrize(("width_m", "expected"), [(0.01, 2670), (0.05, 107), (0.12, 18), (0.3, 3), (0.5, 1)])
def test_the_number_of_strong_modes_is_the_area_of_a_circle(width_m, expected):
    area = np.pi * np.log(2) * (2.2 / (2 * np.pi * width_m)) ** 2
    assert area == pytest.approx(expected, abs=0.6)  # spec 3.3
    # A count of lattice points differs from the area by at most about the circle's length.
    assert abs(modes_above(width_m, 2.2) - area) <= 2 * np.pi * np.sqrt(area / np.pi) + 2


def test_counted_modes_are_those_of_the_rings():
    strong = [
        ring for ring in rings(gaussian(0.12), 2.2) if ring.power > 0.5 * gaussian(0.12).power(np.array(0.0))
    ]
    assert modes_above(0.12, 2.2) == sum(ring.modes for ring in strong)


def test_a_map_of_rings_is_the_wavenumber_setting_by_setting():
    widths, surrounds = np.array([0.08, 0.12]), np.array([1.5, 2.0, 3.0])
    for dimensions in (1, 2):
        found = ring_map(widths[None], surrounds[:, None], 0.3, dimensions=dimensions)
        for row, surround in enumerate(surrounds):
            for column, width in enumerate(widths):
                exact = ring_wavenumber(width, surround, 0.3, dimensions=dimensions)
                assert found[row, column] == pytest.approx(exact if exact == exact else 0.0)
    assert ring_map(np.array([0.12]), np.array([2.0]), 1 / 16).tolist() == [0.0]
