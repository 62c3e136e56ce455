"""The published numbers, refitted; fact 4 of the specification, acceptance 7."""

import numpy as np
import pytest

from gridsweep.neural.log_linear import fit_log_linear
from gridsweep.neural.published import EARLIER, FINAL, as_arrays, nayebi_2021


def test_the_published_points_lie_on_the_published_lines():
    """Correlation .80 with five points, .97 with four: leaving one network out is worth .17."""
    final, earlier = fit_log_linear(*as_arrays(FINAL)), fit_log_linear(*as_arrays(EARLIER))
    assert final.correlation == pytest.approx(0.80, abs=0.01)
    assert earlier.correlation == pytest.approx(0.97, abs=0.01)
    assert earlier.slope == pytest.approx(0.17, abs=0.01)  # per decade
    assert earlier.correlation - final.correlation == pytest.approx(0.17, abs=0.01)


def test_the_table_has_twenty_networks_and_the_figure_is_its_relu_column():
    table = nayebi_2021()
    assert len(table) == 20
    for point in FINAL:
        assert table[point.network, "relu"] == point.predictivity
    assert table["srnn", "sigmoid"] == 0.24


def test_a_line_with_noise_is_found_within_its_interval():
    rng = np.random.default_rng(0)
    x = 10 ** rng.uniform(0, 2, size=60)
    y = 0.2 + 0.3 * np.log10(x) + 0.02 * rng.normal(size=60)
    fit = fit_log_linear(x, y)
    low, high = fit.slope_interval
    assert low < 0.3 < high
    assert high - low < 0.05
    assert fit.intercept == pytest.approx(0.2, abs=0.02)
    assert fit == fit_log_linear(x, y)


def test_what_has_no_line_is_refused():
    with pytest.raises(ValueError, match="all models have one x"):
        fit_log_linear(np.ones(3), np.arange(3.0))
    with pytest.raises(ValueError, match="at least 3 models"):
        fit_log_linear(np.ones(2), np.ones(2))
    with pytest.raises(ValueError, match="not positive"):
        fit_log_linear(np.array([0.0, 1.0, 2.0]), np.ones(3))
