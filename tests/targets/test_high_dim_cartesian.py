"""Random linear readings of the place."""

import jax
import jax.numpy as jnp
import numpy as np

from gridsweep.arena.box import Box
from gridsweep.targets.high_dim_cartesian import HighDimCartesian
from tests.tiny import one_walk


def test_readings_are_planes_and_are_undone_by_the_pseudoinverse():
    target, walk = HighDimCartesian(place_cells=30), one_walk()
    cells = target.draw(jax.random.key(0), Box())
    slopes, intercepts = (np.asarray(leaf, float) for leaf in cells)
    activity = target.encode(Box(), cells, walk)
    np.testing.assert_allclose(activity, np.asarray(walk.position_m) @ slopes + intercepts, rtol=0, atol=1e-6)
    noisy = np.random.default_rng(0).normal(size=(6, 30))
    expected_m = (noisy - intercepts) @ np.linalg.pinv(slopes)
    np.testing.assert_allclose(target.decode(Box(), cells, jnp.float32(noisy)), expected_m, atol=1e-5)
    np.testing.assert_allclose(target.decode(Box(), cells, activity), walk.position_m, atol=1e-5)


def test_slopes_and_intercepts_are_uniform_between_minus_one_and_one():
    for leaf in HighDimCartesian(place_cells=5_000).draw(jax.random.key(0), Box()):
        np.testing.assert_allclose(
            np.quantile(leaf, [0, 0.25, 0.5, 0.75, 1]), [-1, -0.5, 0, 0.5, 1], atol=0.04
        )
