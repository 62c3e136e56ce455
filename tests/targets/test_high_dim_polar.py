"""Random readings of distance and direction."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.targets.high_dim_polar import HighDimPolar
from tests.tiny import one_walk


@pytest.mark.parametrize("outputs", [30, 31])
def test_readings_are_lines_over_distance_and_bumps_over_direction(outputs):
    target, walk = HighDimPolar(place_cells=outputs), one_walk()
    cells = target.draw(jax.random.key(0), Box())
    slopes, intercepts, centres_rad = (np.asarray(leaf, float) for leaf in cells)
    assert len(slopes) == outputs // 2
    rows = []
    for x_m, y_m in np.asarray(walk.position_m, float):
        bumps = np.exp(np.cos(np.arctan2(y_m, x_m) - centres_rad))
        rows.append([*(np.sqrt(x_m**2 + y_m**2) * slopes + intercepts), *bumps])
    activity = target.encode(Box(), cells, walk)
    assert activity.shape == (len(rows), target.outputs)
    np.testing.assert_allclose(activity, rows, rtol=1e-5, atol=1e-6)


def test_a_place_is_the_fitted_distance_in_the_direction_of_the_most_active_output():
    target = HighDimPolar(place_cells=30)
    cells = target.draw(jax.random.key(0), Box())
    slopes, intercepts, centres_rad = (np.asarray(leaf, float) for leaf in cells)
    output = np.random.default_rng(0).normal(size=(6, 30))
    radius_m = ((output[:, :15] - intercepts) @ np.linalg.pinv(slopes[None]))[:, 0]
    angle_rad = centres_rad[np.argmax(output[:, 15:], axis=1)]
    expected_m = radius_m[:, None] * np.stack([np.cos(angle_rad), np.sin(angle_rad)], axis=1)
    np.testing.assert_allclose(target.decode(Box(), cells, jnp.float32(output)), expected_m, atol=1e-5)
