import numpy as np
import pytest
from scipy.stats import gaussian_kde, norm

from gridsweep.analysis.smoothing import smoothed_survival


def test_it_is_the_integral_of_scipy_s_kernel_density():
    scores = np.random.default_rng(0).normal(0.1, 0.3, 400)
    thresholds, fraction = smoothed_survival(scores)
    kernel = gaussian_kde(scores)
    exact = np.array([kernel.integrate_box_1d(t, np.inf) for t in thresholds])
    np.testing.assert_allclose(fraction, exact, atol=2e-3)
    assert len(thresholds) == 200


def test_it_begins_at_one_ends_at_nothing_and_goes_beyond_the_largest_score():
    scores = np.array([0.0, 0.1, 0.5, np.nan])
    thresholds, fraction = smoothed_survival(scores)
    assert (fraction[0], fraction[-1]) == (1.0, 0.0)
    assert (np.diff(fraction) <= 0).all()
    bandwidth = np.std([0.0, 0.1, 0.5], ddof=1) * 3**-0.2
    assert thresholds[-1] == pytest.approx(0.5 + 3 * bandwidth)
    assert fraction[thresholds > 0.5].max() > 0.1 * norm.sf(0)


@pytest.mark.parametrize("scores", [np.array([0.3]), np.array([0.3, 0.3]), np.array([np.nan, 1.0])])
def test_without_a_spread_there_is_no_kernel(scores):
    with pytest.raises(ValueError, match="expected two that differ"):
        smoothed_survival(scores)
