import numpy as np
import pytest
from scipy import integrate

from gridsweep.theory.closed_form import (
    difference_of_gaussians,
    gaussian,
    hexagonal_period_m,
    of_target,
    ring_over_centre,
    ring_wavenumber,
    stripe_wavelength_m,
)


@pytest.mark.parametrize(
    ("surround_ratio", "wavelength", "period"),
    [(np.sqrt(2), 5.34, 6.16), (1.5, 5.52, 6.37), (2, 6.54, 7.55), (3, 8.48, 9.79), (4, 10.33, 11.93)],
)
def test_the_period_in_widths_is_the_one_of_the_spec(surround_ratio, wavelength, period):
    # Spec b.3, in units of the width of the centre.
    k = ring_wavenumber(1.0, surround_ratio)
    assert stripe_wavelength_m(k) == pytest.approx(wavelength, abs=0.006)
    assert hexagonal_period_m(k) == pytest.approx(period, abs=0.006)
    assert hexagonal_period_m(ring_wavenumber(0.12, surround_ratio)) == pytest.approx(0.12 * period, abs=1e-3)


def test_the_one_dimensional_formula_is_another_one():
    # Published: 6 ln s in place of 8 ln s for a difference of equal heights (spec b.3).
    assert ring_wavenumber(1, 2, 1, dimensions=1) ** 2 == pytest.approx(6 * np.log(2) / 3)
    assert ring_wavenumber(1, 2, 1) ** 2 == pytest.approx(8 * np.log(2) / 3)
    assert ring_wavenumber(1, 2) ** 2 == pytest.approx(4 * np.log(2) / 3)


@pytest.mark.parametrize("field", [gaussian(0.12), difference_of_gaussians(0.1, 2.0, 0.3)])
def test_the_transform_is_the_integral_it_stands_for(field):
    for k in (0.0, 3.0, 9.0):
        # Of a field with circular symmetry: 2π ∫ p(r) J0(kr) r dr, with J0 as the mean over directions.
        angles = 2 * np.pi * (np.arange(64) + 0.5) / 64

        def ring(r, k=k, angles=angles):
            return 2 * np.pi * r * field.field(np.array(r)) * np.mean(np.cos(k * r * np.cos(angles)))

        assert field.transform(np.array(k)) == pytest.approx(
            integrate.quad(ring, 0, 2.5)[0], rel=1e-6, abs=1e-9
        )


def test_the_covariance_s_transform_is_the_power():
    field = difference_of_gaussians(0.1, 2.0, 0.3)
    x = np.linspace(-2, 2, 161)
    lag = np.hypot(*np.meshgrid(x, x))
    for k in (0.0, 5.0, 12.0):
        wave = np.cos(k * x)[None, :] * np.ones((161, 1))
        power = np.sum(field.covariance(lag) * wave) * (x[1] - x[0]) ** 2
        assert power == pytest.approx(field.power(np.array(k)), rel=1e-6, abs=1e-12)


def test_the_ring_is_where_the_power_is_largest():
    for surround_ratio, height_ratio in ((2.0, 0.25), (2.0, 0.1), (1.5, 0.4), (3.0, 1 / 9)):
        field = difference_of_gaussians(0.12, surround_ratio, height_ratio)
        k = np.linspace(0.5, 40, 200_001)
        assert k[np.argmax(field.power(k))] == pytest.approx(
            ring_wavenumber(0.12, surround_ratio, height_ratio), abs=1e-3
        )
        centre, ring = field.transform(np.array([0.0, ring_wavenumber(0.12, surround_ratio, height_ratio)]))
        assert ring_over_centre(surround_ratio, height_ratio) == pytest.approx(
            abs(ring / centre) if centre else np.inf
        )


def test_where_there_is_no_ring_there_is_no_wavenumber():
    assert np.isnan(ring_wavenumber(0.12, 2.0, 1 / 16))
    # Spec b.3: for s = 2 a ring dominates wavenumber zero for 1/16 < ratio < 0.356.
    assert ring_over_centre(2.0, 0.35) > 1 > ring_over_centre(2.0, 0.36)
    assert ring_over_centre(2.0, 1.0) < 0.11


def test_targets_have_the_fields_of_the_spec():
    said = {
        "field_width_m": 0.12,
        "surround_ratio": 2.0,
        "amplitude_excitatory": 2.0,
        "amplitude_inhibitory": 0.5,
    }
    dos = of_target("difference_of_softmaxes", said)
    assert dos == of_target("general_difference_of_gaussians", said)
    assert dos.transform(np.array(0.0)) == pytest.approx(0.0)
    d = np.linspace(0, 1, 2001)
    # Spec b.3, s = 2: peak over trough 10.08, at 2.72 widths.
    assert -dos.field(d).max() / dos.field(d).min() == pytest.approx(10.08, abs=0.01)
    assert d[np.argmin(dos.field(d))] == pytest.approx(2.72 * 0.12, abs=1e-3)
    assert of_target("softmax_of_differences", said) == gaussian(0.12 / np.sqrt(0.75))
    assert of_target("difference_of_gaussians", said).field(np.array(0.0)) == 0.0
    assert of_target("cartesian", said) is None
