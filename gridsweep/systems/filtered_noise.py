"""The null: maps of filtered, thresholded noise, which no network and no target ever touched.

What a scorer that takes the best of ten rings finds in nothing at all. Source: spec e.10: white Gaussian
noise on the bins, filtered, then cut at zero for comparison with networks of rectifying units
(``rectified``) or left as it is (``signed``). Two filters:

* ``low``: a Gaussian filter with reflecting edges. Its maps are smooth and have no period.
* ``band``: a ring in the plane of frequencies, exp(-(f - f0)^2 / (2 (b f0)^2)). Its maps have the period
  that a target asks for and no lattice: the fairer control for targets whose spectrum is a ring, such as
  the difference of softmaxes, f0 = k*/2pi with k*^2 = 4 ln s / ((s^2 - 1) w^2) (spec b.3).

The noise of ``band`` is drawn on a square three times as wide as the map and cut out of its middle, so that
the map has neither the periodic edges of the transform nor walls of its own, and its ring of frequencies is
three times finer than the box alone would allow.
"""

import dataclasses
from typing import ClassVar, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from gridsweep.kinds import Problem, Scalar, kind, per_cohort, per_lane
from gridsweep.systems._base import Keys, Observation, State, System

TRUNCATE = 4.0  # the filter ends at this many standard deviations, as scipy.ndimage.gaussian_filter does
SURROUNDINGS = 3  # the square on which band-pass noise is drawn, in widths of the map
MAPS_AT_A_TIME = 64  # band-pass maps whose transforms are in memory together


@kind
class FilteredNoise(System):
    """Filtered white noise on the bins of a map."""

    streams: ClassVar[tuple[str, ...]] = ("noise",)

    units: int = per_cohort(1024, unit="units", meaning="number of maps", at_least=1, at_most=1_000_000)
    side_m: Scalar = per_lane(
        2.2, unit="m", meaning="side of the box that a map is of", above=0.0, at_most=1000.0
    )
    pass_: str = per_cohort(
        "low", choices=("low", "band"), meaning="which frequencies are kept: the low ones, or a ring of them"
    )
    smoothing_bins: Scalar = per_lane(
        3.0,
        unit="bins",
        meaning="standard deviation of the low-pass filter; no effect with pass: band",
        above=0.0,
        at_most=64.0,
    )
    band_frequency_per_m: Scalar = per_lane(
        1.275,  # of the difference of softmaxes of 0.12 m and s = 2, spec b.3
        unit="1/m",
        meaning="cycles per m in the middle of the band (k*/2pi); no effect with pass: low",
        above=0.0,
        at_most=1000.0,
    )
    relative_bandwidth: Scalar = per_lane(
        0.1,
        meaning="standard deviation of the band over its frequency; no effect with pass: low",
        above=0.0,
        at_most=10.0,
    )
    threshold: str = per_cohort(
        "rectified", choices=("rectified", "signed"), meaning="whether negative values are cut to zero"
    )

    def canonical(self) -> Self:
        """Leaves out the settings of the filter that is not used."""
        band = self.pass_ == "band"
        unused = ("smoothing_bins",) if band else ("band_frequency_per_m", "relative_bandwidth")
        usual = self.defaults()
        return dataclasses.replace(super().canonical(), **{name: usual[name] for name in unused})

    def problems(self) -> list[Problem]:
        """A band has to lie within what the bins of every map can hold."""
        most_per_m = min(bins for look in self.evaluation for bins in look.bins) / (2 * self.side_m)
        if self.pass_ == "low" or self.band_frequency_per_m <= most_per_m:
            return []
        found = f"{self.band_frequency_per_m:g} per m, with maps of bins of {1 / (2 * most_per_m):.3g} m"
        return [Problem("band_frequency_per_m", found, f"at most {most_per_m:.4g}, half a cycle a bin")]

    @property
    def scored_units(self) -> int:
        """Each map counts as a unit."""
        return self.units

    @property
    def total_updates(self) -> int:
        """Nothing is trained."""
        return 0

    def operations_per_update(self) -> float:
        """Returns zero: nothing is trained."""
        return 0.0

    def init(self, keys: Keys) -> State:
        """Returns an empty state: the noise is drawn when it is looked at."""
        del keys
        return State((), (), jnp.int32(0), jnp.int32(-1), jnp.bool_(True))

    def advance(self, state: State, keys: Keys, updates: Int[Array, ""]) -> State:
        """Returns the state as it is."""
        del keys, updates
        return state

    def metrics(self, state: State, keys: Keys) -> dict[str, Float[Array, ""]]:
        """Returns nothing: there is no training to record."""
        del state, keys
        return {}

    def observe(self, state: State, keys: Keys) -> Observation:
        """Returns one filtered, thresholded map per unit, for each number of bins."""
        del state
        maps, visits, metrics = {}, {}, {}
        for evaluation in self.evaluation:
            for bins in evaluation.bins:
                key = jax.random.fold_in(keys.noise, bins)
                filtered = self._band(key, bins) if self.pass_ == "band" else self._low(key, bins)
                kept = jax.nn.relu(filtered) if self.threshold == "rectified" else filtered
                maps[evaluation.kind_name(), bins] = kept
                visits[evaluation.kind_name(), bins] = jnp.ones((bins, bins))
            metrics[evaluation.kind_name()] = {}
        return Observation(maps, visits, metrics)

    def _low(self, key: PRNGKeyArray, bins: int) -> Float[Array, "units bins bins"]:
        noise = jax.random.normal(key, (self.units, bins, bins))
        blur = smoothing_matrix(bins, self.smoothing_bins)
        with jax.default_matmul_precision("highest"):
            return jnp.einsum("xi,uij,yj->uxy", blur, noise, blur)

    def _band(self, key: PRNGKeyArray, bins: int) -> Float[Array, "units bins bins"]:
        width = SURROUNDINGS * bins
        gain = band_gain(width, self.side_m / bins, self.band_frequency_per_m, self.relative_bandwidth)

        def one(unit: Int[Array, ""]) -> Float[Array, "bins bins"]:
            noise = jax.random.normal(jax.random.fold_in(key, unit), (width, width))
            filtered = jnp.fft.irfft2(jnp.fft.rfft2(noise) * gain, s=(width, width))
            return filtered[bins:-bins, bins:-bins]

        return jax.lax.map(one, jnp.arange(self.units), batch_size=min(self.units, MAPS_AT_A_TIME))


def smoothing_matrix(bins: int, width_bins: Scalar) -> Float[Array, "bins bins"]:
    """Returns the matrix of a one-dimensional Gaussian filter with reflecting edges (d c b a | a b c d).

    Equal to ``scipy.ndimage.gaussian_filter1d(mode="reflect")`` at any width, which may be traced.
    """
    radius = jnp.floor(TRUNCATE * width_bins + 0.5)

    def weight(offset):
        return jnp.where(jnp.abs(offset) <= radius, jnp.exp(-0.5 * (offset / width_bins) ** 2), 0.0)

    here, there = jnp.arange(bins)[:, None], jnp.arange(bins)[None, :]
    # Each bin appears again at every reflection; the filter reaches as far as its radius.
    turns = range(-_REFLECTIONS, _REFLECTIONS + 1)
    straight = sum(weight(there + 2 * bins * turn - here) for turn in turns)
    mirrored = sum(weight(-there - 1 + 2 * bins * turn - here) for turn in turns)
    matrix = straight + mirrored
    return matrix / jnp.sum(matrix, axis=1, keepdims=True)


def band_gain(
    width: int, bin_m: Scalar, frequency_per_m: Scalar, relative_bandwidth: Scalar
) -> Float[Array, "width half"]:
    """Returns the gain at each frequency of ``rfft2`` of a square of bins, with a mean square of one.

    A Gaussian in the distance from the plane's origin, the same in all directions.
    """
    along_x = jnp.fft.fftfreq(width)[:, None]  # cycles per bin
    along_y = jnp.fft.rfftfreq(width)[None, :]
    away_per_m = jnp.hypot(along_x, along_y) / bin_m - frequency_per_m
    exponent = -0.5 * (away_per_m / (relative_bandwidth * frequency_per_m)) ** 2
    # Only ratios of gains matter to a score; without this, a narrow or distant band would underflow.
    gain = jnp.exp(exponent - jnp.max(exponent))
    twice = jnp.where((along_y == 0) | (along_y == 0.5), 1.0, 2.0)  # rfft2 keeps one of two conjugates
    return gain / jnp.sqrt(jnp.sum(twice * gain**2) / width**2)


_REFLECTIONS = 18  # enough for the widest filter (64 bins, radius 256) on the smallest map (8 bins)
