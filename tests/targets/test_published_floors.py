"""Numbers of the specification that exact targets have: entropies (b.3), decoder floors (b.4, f.3).

Each is a mean over draws of centres and places; what differs between programs is kept apart, so that each
is compiled once.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.losses.cross_entropy import CrossEntropy
from gridsweep.targets.difference_of_gaussians import DifferenceOfGaussians
from gridsweep.targets.difference_of_softmaxes import DifferenceOfSoftmaxes
from gridsweep.targets.gaussian import Gaussian
from gridsweep.targets.high_dim_polar import HighDimPolar
from gridsweep.targets.polar import Polar
from gridsweep.targets.softmax_of_differences import SoftmaxOfDifferences
from tests.targets.test_difference_of_gaussians import through

PLACES, DRAWS = 300, 6
BELOW_CM = 10.0  # the published criterion of a network that integrates


@jax.jit
def exact(target, seed):
    """(entropy in nats, position error in cm) of exact targets at random places."""
    for_cells, for_places = jax.random.split(jax.random.key(seed))
    cells = target.draw(for_cells, Box())
    walk = through(Box().sample_positions(for_places, PLACES))
    activity = target.encode(Box(), cells, walk)
    missed_m = jnp.linalg.norm(target.decode(Box(), cells, activity) - walk.position_m, axis=-1)
    return CrossEntropy().floor(activity).mean(), 100 * missed_m.mean()


@functools.cache
def floors(target):
    """(entropy, error) of a target, each the mean over draws."""
    return np.mean([exact(target, seed) for seed in range(DRAWS)], axis=0)


@pytest.mark.parametrize(
    ("field_width_m", "entropy"),
    [
        (0.08, 2.35),
        (0.10, 2.76),
        (0.12, 3.10),
        (0.14, 3.38),
        (0.16, 3.63),
        (0.20, 4.02),
        (0.24, 4.33),
        (0.28, 4.59),
    ],
)
def test_entropies_of_gaussian_targets(field_width_m, entropy):
    assert floors(Gaussian(field_width_m=field_width_m))[0] == pytest.approx(entropy, abs=0.03)


@pytest.mark.parametrize("ratio", [2.0, 2.0**0.5])
@pytest.mark.parametrize("number", range(4))
def test_entropies_of_differences_of_softmaxes(number, ratio):
    field_width_m = (0.08, 0.12, 0.16, 0.20)[number]
    entropy = {2.0: (6.165, 6.09, 6.00, 5.91)}.get(ratio, (6.192, 6.142, 6.082, 6.016))[number]
    target = DifferenceOfSoftmaxes(field_width_m=field_width_m, surround_ratio=ratio)
    assert floors(target)[0] == pytest.approx(entropy, abs=0.008)


def test_the_entropy_of_the_true_difference_of_gaussians():
    found, _ = floors(DifferenceOfGaussians(decoder="three_smallest", surround_ratio=2.0))
    assert found == pytest.approx(6.187, abs=0.005)


@pytest.mark.parametrize(("place_cells", "error_cm"), [(512, 4.2), (128, 9.2)])
def test_gaussian_targets_are_decoded_as_well_as_cells_are_dense(place_cells, error_cm):
    assert floors(Gaussian(place_cells=place_cells))[1] == pytest.approx(error_cm, rel=0.06)


@pytest.mark.parametrize(
    ("field_width_m", "ratio", "least_cm", "most_cm"),
    [
        (0.12, 2.0, 4.0, 4.6),
        (0.20, 2.0, 4.0, 4.6),
        (0.08, 2.0, 4.4, 5.8),
        (0.08, 1.5, 5.5, 8.0),
        (0.05, 2.0, 17.0, 24.0),
    ],
)
def test_differences_of_softmaxes_are_decoded_like_gaussians_unless_they_are_narrow(
    field_width_m, ratio, least_cm, most_cm
):
    target = DifferenceOfSoftmaxes(field_width_m=field_width_m, surround_ratio=ratio)
    assert least_cm <= floors(target)[1] <= most_cm


def test_few_cells_leave_a_difference_of_softmaxes_undecodable():
    assert floors(DifferenceOfSoftmaxes(place_cells=128))[1] == pytest.approx(22.0, rel=0.2)


def test_polar_targets_without_a_quadrant_are_off_by_most_of_a_metre():
    assert floors(Polar(angle="atan"))[1] == pytest.approx(86.0, rel=0.05)
    assert floors(Polar())[1] == pytest.approx(0.0, abs=1e-3)


def test_high_dimensional_polar_targets_are_decoded_to_a_centimetre():
    assert floors(HighDimPolar())[1] == pytest.approx(1.0, abs=0.3)


def test_a_softmax_of_differences_has_the_floors_of_a_wider_gaussian():
    found = floors(SoftmaxOfDifferences(field_width_m=0.12, surround_ratio=2.0))
    wider = floors(Gaussian(field_width_m=0.12 / (1 - 2.0**-2) ** 0.5))
    np.testing.assert_allclose(found, wider, rtol=1e-4)


def test_eight_of_forty_nine_true_differences_of_gaussians_can_be_decoded_below_ten_centimetres():
    widths_m, ratios = (0.05, 0.10, 0.15, 0.20, 0.30, 0.40, 0.50), (1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0)
    error_cm = np.array(
        [
            [
                floors(
                    DifferenceOfGaussians(
                        field_width_m=width_m, surround_ratio=ratio, decoder="three_smallest"
                    )
                )[1]
                for ratio in ratios
            ]
            for width_m in widths_m
        ]
    )
    assert np.count_nonzero(error_cm < BELOW_CM) == 8
    np.testing.assert_allclose(error_cm[0, [0, -1]], [5.2, 7.9], rtol=0.06)
    np.testing.assert_allclose(error_cm[1], [9.5, 10.9, 12.0, 12.7, 13.9, 15.2, 15.8], rtol=0.08)
    np.testing.assert_allclose(error_cm[:, 0], [5.2, 9.5, 15, 20, 33, 46, 62], rtol=0.08)
    np.testing.assert_allclose(error_cm[:, -1], [7.9, 15.8, 25, 35, 59, 87, 118], rtol=0.06)


def test_with_wide_fields_the_most_active_cells_would_do():
    wide = DifferenceOfGaussians(field_width_m=0.4, surround_ratio=4.0)
    assert floors(wide)[1] == pytest.approx(4.2, rel=0.06)
