"""The periods that targets hand over, in m: of the targets as they are encoded, and of the published figure."""

import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.targets.difference_of_gaussians import DifferenceOfGaussians
from gridsweep.targets.difference_of_softmaxes import DifferenceOfSoftmaxes
from gridsweep.targets.gaussian import Gaussian
from gridsweep.targets.general_difference_of_gaussians import GeneralDifferenceOfGaussians
from gridsweep.targets.softmax_of_differences import SoftmaxOfDifferences
from gridsweep.theory.closed_form import hexagonal_period_m, ring_wavenumber
from gridsweep.theory.spectrum import compute_spectrum

BOX = Box()
MODE_M = 2 * np.pi / BOX.side_m  # between neighbouring wavenumbers of the box, rad/m


# Spec b.3: with fields of 0.12 m the two studies, both with a surround of "2", ask for two periods.
@pytest.mark.parametrize(("convention", "period_m"), [("sigma", 0.906), ("variance", 0.739)])
def test_the_two_studies_hand_over_two_periods(convention, period_m):
    ratio = 2.0 if convention == "sigma" else 2.0**0.5
    assert hexagonal_period_m(ring_wavenumber(0.12, ratio)) == pytest.approx(period_m, abs=5e-4)
    target = DifferenceOfSoftmaxes(field_width_m=0.12, surround_ratio=2.0, surround_convention=convention)
    found = compute_spectrum(target, BOX, bins=33).ring_wavenumber()
    assert found == pytest.approx(ring_wavenumber(0.12, ratio), abs=MODE_M / 2)


# The spectrum of the target as it is encoded: a ring where the theory has one and zero frequency elsewhere.
@pytest.mark.parametrize(
    ("target", "has_ring"),
    [
        (DifferenceOfSoftmaxes(), True),
        (GeneralDifferenceOfGaussians(amplitude_inhibitory=0.25), True),
        (Gaussian(), False),
        (SoftmaxOfDifferences(), False),
        (DifferenceOfGaussians(), False),
    ],
    ids=lambda value: value.kind_name() if hasattr(value, "kind_name") else str(value),
)
def test_only_targets_without_a_zero_frequency_have_a_ring(target, has_ring):
    lengths, power = compute_spectrum(target, BOX, bins=33).by_length()
    strongest = lengths[1:][np.argmax(power[1:])]
    if has_ring:
        assert strongest * MODE_M == pytest.approx(ring_wavenumber(0.12, 2.0), abs=MODE_M / 2)
    else:
        assert strongest < 1.5  # the longest waves of the box


# Spec f.14: modes of the published periods by field width, labelled cm and in bins of 5 cm.
@pytest.mark.parametrize(
    ("field_width_m", "mode_bins", "period_m"), [(0.08, 14.6, 0.60), (0.12, 21.5, 0.91), (0.20, 30.5, 1.51)]
)
def test_published_periods_are_near_the_theory_in_bins_and_far_from_it_in_centimetres(
    field_width_m, mode_bins, period_m
):
    theory_m = hexagonal_period_m(ring_wavenumber(field_width_m, 2.0))
    assert theory_m == pytest.approx(period_m, abs=0.005)
    assert 0.05 * mode_bins == pytest.approx(theory_m, rel=0.22)
    assert theory_m / (0.01 * mode_bins) > 4
