"""The null: maps of filtered, thresholded noise, which no network and no target ever touched.

What a scorer that takes the best of ten rings finds in nothing at all. Source: spec e.10: white Gaussian
noise on the bins, smoothed by a Gaussian filter with reflecting edges, then cut at zero for comparison
with networks of rectifying units (``rectified``) or left as it is (``signed``).
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from gridsweep.kinds import Scalar, kind, per_cohort, per_lane
from gridsweep.systems._base import Keys, Observation, State, System

TRUNCATE = 4.0  # the filter ends at this many standard deviations, as scipy.ndimage.gaussian_filter does


@kind
class FilteredNoise(System):
    """Smoothed white noise on the bins of a map."""

    streams: ClassVar[tuple[str, ...]] = ("noise",)

    units: int = per_cohort(1024, unit="units", meaning="number of maps", at_least=1, at_most=1_000_000)
    smoothing_bins: Scalar = per_lane(
        3.0, unit="bins", meaning="standard deviation of the low-pass filter", above=0.0, at_most=64.0
    )
    threshold: str = per_cohort(
        "rectified", choices=("rectified", "signed"), meaning="whether negative values are cut to zero"
    )

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
        """Returns one smoothed, thresholded map per unit, for each number of bins."""
        del state
        maps, visits, metrics = {}, {}, {}
        for evaluation in self.evaluation:
            for bins in evaluation.bins:
                noise = jax.random.normal(jax.random.fold_in(keys.noise, bins), (self.units, bins, bins))
                blur = smoothing_matrix(bins, self.smoothing_bins)
                with jax.default_matmul_precision("highest"):
                    smooth = jnp.einsum("xi,uij,yj->uxy", blur, noise, blur)
                kept = jax.nn.relu(smooth) if self.threshold == "rectified" else smooth
                maps[evaluation.kind_name(), bins] = kept
                visits[evaluation.kind_name(), bins] = jnp.ones((bins, bins))
            metrics[evaluation.kind_name()] = {}
        return Observation(maps, visits, metrics)


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


_REFLECTIONS = 18  # enough for the widest filter (64 bins, radius 256) on the smallest map (8 bins)
