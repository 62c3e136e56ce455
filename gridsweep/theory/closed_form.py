"""Spectra of targets in closed form: where the ring is, how high it stands, and which period it hands over.

A place field that is a sum of Gaussians has a Fourier transform that is one, too. With the transform
p(k) = ∫ p(x) exp(-ikx) d²x, a Gaussian of height a and width w becomes 2π a w² exp(-w² k² / 2), and the power
of a population of such cells is the square, times their density. The best linear code of a population is
its eigenvectors of largest power (plane waves), so the wavenumber k* of the largest power is the period that
a network is handed by its target.

Source: spec other_systems 3.2, path_integrator b.3. The published programs use the one-dimensional formula
for k* (exponent 3 in place of 4): ``ring_wavenumber(dimensions=1)``; in the plane it is wrong.

Plain NumPy: figures draw theory without JAX.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

# Of a hexagonal lattice whose three waves have wavelength 1: the distance between neighbouring fields.
HEXAGONAL = 2 / np.sqrt(3)


@dataclass(frozen=True)
class Mixture:
    """A place field that is a sum of Gaussians around one centre.

    Args:
        heights: of each Gaussian; negative for a surround.
        widths_m: their standard deviations.
    """

    heights: tuple[float, ...]
    widths_m: tuple[float, ...]

    def field(self, distance_m: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Returns activity at a distance from the centre."""
        return _sum(a * np.exp(-(distance_m**2) / (2 * w**2)) for a, w in self._parts())

    def transform(self, wavenumber_per_m: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Returns the Fourier transform in the plane, in m² times height; wavenumbers in rad/m."""
        k = wavenumber_per_m
        return _sum(2 * np.pi * a * w**2 * np.exp(-(w**2) * k**2 / 2) for a, w in self._parts())

    def power(self, wavenumber_per_m: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Returns the square of the transform: the population's power, up to the density of cells."""
        return self.transform(wavenumber_per_m) ** 2

    def covariance(self, lag_m: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Returns the field's autocorrelation ∫ p(x) p(x + lag) d²x: three Gaussians for a DoG, not two."""
        found = []
        for a, w in self._parts():
            for b, v in self._parts():
                variance = w**2 + v**2
                overlap = 2 * np.pi * w**2 * v**2 / variance
                found.append(a * b * overlap * np.exp(-(lag_m**2) / (2 * variance)))
        return _sum(found)

    def _parts(self) -> list[tuple[float, float]]:
        return list(zip(self.heights, self.widths_m, strict=True))


def gaussian(width_m: float) -> Mixture:
    """Returns a Gaussian: its power falls monotonically from wavenumber zero, there is no ring."""
    return Mixture((1.0,), (width_m,))


def difference_of_gaussians(width_m: float, surround_ratio: float, height_ratio: float) -> Mixture:
    """Returns a Gaussian of height 1 less a wider one.

    Args:
        width_m: of the centre.
        surround_ratio: of standard deviations, surround over centre.
        height_ratio: height of the surround over that of the centre.
    """
    return Mixture((1.0, -height_ratio), (width_m, surround_ratio * width_m))


def of_target(kind: str, settings: Mapping[str, float]) -> Mixture | None:
    """Returns what a target's cell looks like in the continuum, or None where it is no sum of Gaussians.

    Args:
        kind: the target's kind.
        settings: field_width_m, and where the kind has them surround_ratio (of standard deviations),
            amplitude_excitatory, amplitude_inhibitory.

    Of the difference of softmaxes it is the field before the shift, of equal volumes; near walls, and with
    few cells, its spectrum has to be computed (``theory.spectrum``).
    """
    made = _MIXTURES.get(kind)
    return None if made is None else made(settings)


_MIXTURES: dict[str, Callable[[Mapping[str, float]], Mixture]] = {
    "gaussian": lambda said: gaussian(said["field_width_m"]),
    # Of its place cells; head directions do not depend on the place, and add to zero alone.
    "gaussian_and_heading": lambda said: gaussian(said["field_width_m"]),
    "difference_of_softmaxes": lambda said: difference_of_gaussians(
        said["field_width_m"], said["surround_ratio"], said["surround_ratio"] ** -2
    ),
    "difference_of_gaussians": lambda said: difference_of_gaussians(
        said["field_width_m"], said["surround_ratio"], 1.0
    ),
    "general_difference_of_gaussians": lambda said: difference_of_gaussians(
        said["field_width_m"],
        said["surround_ratio"],
        said["amplitude_inhibitory"] / said["amplitude_excitatory"],
    ),
    # -A + B is the exponent of a wider Gaussian (spec b.3).
    "softmax_of_differences": lambda said: gaussian(
        said["field_width_m"] / np.sqrt(1 - said["surround_ratio"] ** -2)
    ),
}


def ring_wavenumber(
    width_m: float, surround_ratio: float, height_ratio: float | None = None, *, dimensions: int = 2
) -> float:
    """Returns k*, where the spectrum of a difference of Gaussians has its interior extremum, in rad/m.

    k*² = 2 ln(h s^(D + 2)) / ((s² - 1) w²), for the height ratio h and the ratio s of standard
    deviations in D dimensions; NaN where there is none (h s^(D + 2) <= 1). That a ring exists does not
    mean that it is higher than wavenumber zero: ``ring_over_centre``.

    Args:
        width_m: of the centre.
        surround_ratio: of standard deviations, above 1.
        height_ratio: surround over centre; by default s^-2, equal volumes in the plane (the difference of
            softmaxes).
        dimensions: 2 for the plane; 1 is the formula that was published.
    """
    height_ratio = surround_ratio**-2 if height_ratio is None else height_ratio
    argument = np.log(height_ratio * surround_ratio ** (dimensions + 2))
    if argument <= 0:
        return float("nan")
    return float(np.sqrt(2 * argument / (surround_ratio**2 - 1)) / width_m)


def stripe_wavelength_m(wavenumber_per_m: float) -> float:
    """Returns the distance between the stripes of one wave."""
    return 2 * np.pi / wavenumber_per_m


def hexagonal_period_m(wavenumber_per_m: float) -> float:
    """Returns the distance between neighbouring fields if three such waves make a hexagonal lattice."""
    return HEXAGONAL * stripe_wavelength_m(wavenumber_per_m)


def ring_over_centre(surround_ratio: float, height_ratio: float) -> float:
    """Returns |p(k*)| / |p(0)| of a difference of Gaussians: above 1 the ring dominates.

    Infinite at equal volumes. With the ratio of volumes v = h s², |p(k*)| is (1 - s^-2) (v s²)^(-1/(s² - 1))
    and |p(0)| is |1 - v|, both over the centre's volume (spec 3.2).
    """
    volume_ratio = height_ratio * surround_ratio**2
    squared = surround_ratio**2
    ring = (1 - 1 / squared) * (volume_ratio * squared) ** (-1 / (squared - 1))
    centre = abs(1 - volume_ratio)
    return float("inf") if centre == 0 else float(ring / centre)


def _sum(terms) -> np.ndarray:
    return sum(terms, start=np.zeros(()))
