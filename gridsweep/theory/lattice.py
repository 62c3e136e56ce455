"""The modes of a finite box: the wave vectors 2πn/L that fit, in rings of equal power.

In a box of side L the spectrum is looked at on an integer lattice only. A ring of the continuum falls on
the few lattice points near it, and which these are decides between hexagons and squares: four points at
right angles make a square pattern, whatever the network prefers.

Source: spec other_systems 3.3, b.1 figures 3a and 14. Plain NumPy.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from gridsweep.theory.closed_form import Mixture, difference_of_gaussians

# A mode this short or shorter spans the box once or less: a shoulder of wavenumber zero, no lattice.
SHORTEST = 2.0


class Ring(NamedTuple):
    """Lattice points of equal length.

    Args:
        squared: |n|², a whole number.
        modes: how many lattice points have it.
        wavenumber_per_m: 2π|n|/L.
        power: the spectrum there.
    """

    squared: int
    modes: int
    wavenumber_per_m: float
    power: float


@dataclass(frozen=True)
class Admissible:
    """Between which ratios of heights (centre over surround) the ring of a DoG is the top mode of a box.

    Args:
        low: smallest ratio.
        high: largest ratio.
    """

    low: float
    high: float

    def __contains__(self, centre_over_surround: float) -> bool:
        return self.low <= centre_over_surround <= self.high


def lattice_points(highest: int) -> Int[np.ndarray, "points 2"]:
    """Returns all n with whole coordinates from -highest to highest."""
    side = np.arange(-highest, highest + 1)
    return np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)


def rings(mixture: Mixture, side_m: float, highest: int = 12) -> list[Ring]:
    """Returns the rings of lattice points of a box by falling power, zero among them.

    Args:
        mixture: the place field.
        side_m: of the box.
        highest: rings of |n| up to this one; all of their points are counted.
    """
    squared = np.sum(lattice_points(highest) ** 2, axis=1)
    lengths, modes = np.unique(squared[squared <= highest**2], return_counts=True)
    wavenumbers = 2 * np.pi * np.sqrt(lengths) / side_m
    power = mixture.power(wavenumbers)
    order = np.argsort(-power, kind="stable")
    return [
        Ring(int(lengths[i]), int(modes[i]), float(wavenumbers[i]), float(power[i])) for i in order.tolist()
    ]


def modes_above(width_m: float, side_m: float, share: float = 0.5) -> int:
    """Returns how many modes of a Gaussian have more than this share of the power at zero, zero included."""
    # exp(-w²k²) > share inside a circle of radius |n|.
    radius = np.sqrt(-np.log(share)) * side_m / (2 * np.pi * width_m)
    return int(np.sum(np.sum(lattice_points(int(np.ceil(radius))) ** 2, axis=1) < radius**2))


def admissible(
    width_m: float,
    surround_ratio: float,
    side_m: float,
    *,
    above_centre: bool = False,
    step: float = 0.0025,
    highest: int = 12,
) -> Admissible | None:
    """Returns for which height ratios (centre over surround) a DoG's top mode in a box can make a lattice.

    Args:
        width_m: of the centre.
        surround_ratio: of standard deviations.
        side_m: of the box.
        above_centre: also ask that the ring is higher than wavenumber zero.
        step: of the volume ratios that are tried, from one step to ten times equal height.
        highest: largest coordinate of the modes looked at.

    Returns:
        None where no ratio will do.
    """
    volume_ratio = np.arange(step, 10 * surround_ratio**2, step)
    squared = np.unique(np.sum(lattice_points(highest) ** 2, axis=1))
    k = 2 * np.pi * np.sqrt(squared) / side_m
    centre = difference_of_gaussians(width_m, surround_ratio, 0.0).transform(k)
    surround = centre - difference_of_gaussians(width_m, surround_ratio, surround_ratio**-2).transform(k)
    power = (centre[None] - volume_ratio[:, None] * surround[None]) ** 2
    top = 1 + np.argmax(power[:, 1:], axis=1)
    fits = squared[top] >= SHORTEST**2
    if above_centre:
        fits &= power[np.arange(len(top)), top] > power[:, 0]
    if not fits.any():
        return None
    ratios = surround_ratio**2 / volume_ratio[fits]
    return Admissible(float(ratios.min()), float(ratios.max()))


def ring_map(
    width_m: Float[np.ndarray, "*#shape"],
    surround_ratio: Float[np.ndarray, "*#shape"],
    height_ratio: Float[np.ndarray, "*#shape"] | float,
    *,
    dimensions: int = 2,
) -> Float[np.ndarray, "*shape"]:
    """Returns k* in rad/m for whole arrays of settings, 0 where there is no ring: figure 3a."""
    argument = np.log(height_ratio * surround_ratio ** (dimensions + 2))
    return np.sqrt(2 * np.clip(argument, 0, None) / (surround_ratio**2 - 1)) / width_m
