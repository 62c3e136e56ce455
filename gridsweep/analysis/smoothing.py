"""Survival functions as the original drew them: from a kernel density, so that they can be compared by eye.

A kernel puts mass beyond the largest score there is, and in the tail, which the figure is read for, that is
all that one sees. These curves are for ``--style published`` alone.

Source: spec f.26: Scott's bandwidth, 200 points, tails cut at three bandwidths, each curve normalised by
itself. Silent units count with the score 0, as published; unscored ones are left out.
"""

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

POINTS = 200
CUT = 3.0  # bandwidths beyond the data

_BINS = 4096  # scores are counted in so many first: far finer than any bandwidth


def smoothed_survival(
    scores: Float[np.ndarray, " units"],
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    """Returns (threshold, fraction above) of a Gaussian kernel density, 200 points.

    Raises:
        ValueError: fewer than two scores, or all equal: there is no bandwidth.
    """
    scores = scores[np.isfinite(scores)]
    spread = np.std(scores, ddof=1) if len(scores) > 1 else 0.0
    if spread == 0:
        raise ValueError(
            f"smoothed_survival: found {len(scores)} scores with spread {spread:g}, expected two that differ"
        )
    bandwidth = spread * len(scores) ** -0.2
    thresholds = np.linspace(scores.min() - CUT * bandwidth, scores.max() + CUT * bandwidth, POINTS)
    counts, edges = np.histogram(scores, bins=_BINS)
    middles = (edges[1:] + edges[:-1]) / 2
    above = ndtr((middles[None] - thresholds[:, None]) / bandwidth) @ counts / len(scores)
    # Cut at both ends and normalised: the first point is 1, the last 0.
    return thresholds, (above - above[-1]) / (above[0] - above[-1])
