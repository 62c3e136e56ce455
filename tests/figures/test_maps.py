import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from gridsweep.figures._maps import as_square, smooth


@pytest.mark.parametrize("bins", [12, 44])
def test_smoothing_for_the_eye_is_scipy_s(bins):
    square = np.random.default_rng(bins).random((bins, bins))
    np.testing.assert_allclose(smooth(square, 2.0), gaussian_filter(square, 2.0), atol=1e-12)


def test_a_stored_map_becomes_a_square_with_x_first():
    assert as_square(np.arange(9)).tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
