"""The grid score: is a unit's autocorrelogram equal to itself turned by 60 degrees, or by 90?

A ring of the autocorrelogram is correlated with the same ring of the autocorrelogram turned by seven
angles. A hexagonal lattice matches at 60 and 120 degrees and not at 30, 90 and 150; a square one matches
at 90 and not at 45 and 135. The ring is not known beforehand, so ten are tried and the best is taken.

Best of ten on as many units as a network has is a generous rule: thresholded smooth noise exceeds 0.8 in
one unit of a hundred (spec e.10). That is why there is a null, and why silent units are not dropped.

Source: Sargolini et al. 2006 for the score; the rings, the rotation and the normalisation are those of
the published scorer (spec e.2 to e.6), reproduced to 1e-9 on its own numbers.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from gridsweep.maps.autocorrelogram import HalfAutocorrelogram, count_lags
from gridsweep.maps.ring_rotation import TURNS_DEG, ring_rotation, turn_rings
from gridsweep.scores._base import Look, Score

ANGLES_DEG = (*TURNS_DEG, 90, *(90 + turn for turn in TURNS_DEG))

# Hides the central peak, which looks the same at every angle and would pull all the correlations towards
# one. In map widths, as the outer radii; the published setting, made for 2.2 m boxes (spec e.3).
INNER_RADIUS = 0.2
OUTER_RADII = np.linspace(0.4, 1.0, 10)

# Added to the variance of a ring: keeps a nearly constant one from matching itself (spec e.5).
VARIANCE_FLOOR = 1e-5


class GridScore(Score):
    """The published scores for hexagons (60) and squares (90), and their other forms in use.

    Each at its own best ring; the rings stored are those of the published forms.
    """

    columns = (
        "grid_score_60",
        "grid_score_90",
        "grid_score_60_mean",
        "grid_score_90_min_max",
        "ring_60_inner",
        "ring_60_outer",
        "ring_90_inner",
        "ring_90_outer",
        "guarded_lags",
    )

    def measure(self, look: Look) -> dict[str, Shaped[Array, " units"]]:
        """Returns the scores, the radii of their rings in map widths, and how many lags had no answer.

        ``guarded_lags`` counts lags whose overlap was constant (spec f.13): all of them for a silent unit,
        the longest for a map with empty corners or stripes along a wall.
        """
        correlation = look.once(correlations_of)
        score_60, ring_60 = best_ring(grid_score_60(correlation))
        score_90, ring_90 = best_ring(grid_score_90(correlation))
        score_60_mean, _ = best_ring(grid_score_60_mean(correlation))
        score_90_min_max, _ = best_ring(grid_score_90_min_max(correlation))
        inner = jnp.full_like(score_60, INNER_RADIUS)
        outer = jnp.asarray(OUTER_RADII, look.maps.dtype)
        return {
            "grid_score_60": score_60,
            "grid_score_90": score_90,
            "grid_score_60_mean": score_60_mean,
            "grid_score_90_min_max": score_90_min_max,
            "ring_60_inner": inner,
            "ring_60_outer": outer[ring_60],
            "ring_90_inner": inner,
            "ring_90_outer": outer[ring_90],
            "guarded_lags": count_lags(look.autocorrelogram.guarded),
        }


def grid_score_60(correlation: Float[Array, "*shape angles"]) -> Float[Array, "*shape"]:
    """Hexagonal grid score: how much better a map matches itself turned by 60 than by 30.

    Args:
        correlation: correlation of each unit's ring with itself turned by ``ANGLES_DEG``, in that order.

    Returns:
        Usually between -2 and 2 (not bounded: the turned ring is normalised by the unturned variance). A
        noiseless lattice reaches 1.0 to 1.6 on 44 bins, by its period. 0 for a constant map.

    Source: Sargolini et al. 2006, the minimum-minus-maximum form. The difference-of-means form is also in
    use and is never smaller: do not carry thresholds across.
    """
    at = dict(zip(ANGLES_DEG, jnp.unstack(correlation, axis=-1), strict=True))
    on_lattice = jnp.minimum(at[60], at[120])
    off_lattice = jnp.maximum(at[30], jnp.maximum(at[90], at[150]))
    return on_lattice - off_lattice


def grid_score_90(correlation: Float[Array, "*shape angles"]) -> Float[Array, "*shape"]:
    """Square grid score: how much better a map matches itself turned by 90 than by 45 and 135.

    Args:
        correlation: as for ``grid_score_60``.

    Returns:
        Usually between -1 and 2. A noiseless square lattice reaches 1.0 to 1.8 on 44 bins, the more the
        longer its period; a single round bump reaches 0.8 (spec e.6). 0 for a constant map.
    """
    at = dict(zip(ANGLES_DEG, jnp.unstack(correlation, axis=-1), strict=True))
    return at[90] - (at[45] + at[135]) / 2


def grid_score_60_mean(correlation: Float[Array, "*shape angles"]) -> Float[Array, "*shape"]:
    """Hexagonal grid score in the difference-of-means form: mean of 60, 120 less mean of 30, 90, 150.

    The default of Sorscher's and Banino's programs (spec e.6). Never smaller than ``grid_score_60``; equal to
    it within 0.001 for clean lattices, higher for noise, and up to 0.4 for a perfect stripe.
    """
    at = dict(zip(ANGLES_DEG, jnp.unstack(correlation, axis=-1), strict=True))
    return (at[60] + at[120]) / 2 - (at[30] + at[90] + at[150]) / 3


def grid_score_90_min_max(correlation: Float[Array, "*shape angles"]) -> Float[Array, "*shape"]:
    """Square grid score less the larger of 45 and 135, the counterpart of the minimum-minus-maximum 60.

    Ours (spec f.9 recommends it): never larger than ``grid_score_90``.
    """
    at = dict(zip(ANGLES_DEG, jnp.unstack(correlation, axis=-1), strict=True))
    return at[90] - jnp.maximum(at[45], at[135])


def best_ring(
    scores: Float[Array, "units rings"],
) -> tuple[Float[Array, " units"], Int[Array, " units"]]:
    """Returns the largest score of each unit and the first ring that has it.

    A ring without a score (NaN) never wins; a unit without any keeps NaN.
    """
    ranked = jnp.where(jnp.isnan(scores), -jnp.inf, scores)
    ring = jnp.argmax(ranked, axis=-1)
    return jnp.take_along_axis(scores, ring[:, None], axis=-1)[:, 0], ring


def correlations_of(look: Look) -> Float[Array, "units rings angles"]:
    """Returns the ring correlations of the maps that are looked at; use it through ``look.once``."""
    return ring_correlations(look.autocorrelogram)


def ring_correlations(half: HalfAutocorrelogram) -> Float[Array, "units rings angles"]:
    """Returns the correlation of each ring with itself turned by ``ANGLES_DEG``.

    The turned ring is centred with the mean of the unturned one and divided by the unturned variance plus
    ``VARIANCE_FLOOR``, as published: not a true Pearson correlation.

    Source: spec e.5, with both products multiplied out; each ring is the one before it and one annulus.
    """
    bins = half.correlation.shape[0]
    edges = (INNER_RADIUS * bins, *(float(outer) * bins for outer in OUTER_RADII))
    rotation = ring_rotation(bins, edges)
    plain, quarter, turned = turn_rings(half, rotation)
    area = jnp.asarray(np.cumsum(rotation.pixels), plain.dtype)[:, None]

    def ring_mean(values: Float[Array, "*turns annuli pixels units"]) -> Float[Array, "*turns rings units"]:
        return jnp.cumsum(jnp.sum(values, axis=-2), axis=-2) / area

    mean = ring_mean(plain)
    variance = ring_mean(plain**2) - mean**2 + VARIANCE_FLOOR
    by_turns = [
        ring_mean(unturned * ring) - mean * ring_mean(ring)
        for unturned in (plain, quarter)
        for ring in turned
    ]
    by_90 = ring_mean(plain * quarter) - mean**2
    covariance = [*by_turns[: len(TURNS_DEG)], by_90, *by_turns[len(TURNS_DEG) :]]
    return (jnp.stack(covariance) / variance[None]).transpose(2, 1, 0)
