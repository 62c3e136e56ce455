"""Our walks against the statistics of the published generator, as close as the sample sizes allow."""

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.arena.torus import Torus
from gridsweep.trajectories.random_walk import RandomWalk, wrap_angle

BLOCKS = 50  # of walks, to estimate how much a statistic varies
STANDARD_ERRORS = 5.0  # a true difference of none is called a difference once in a million comparisons
NEAR_WALL_M = 0.03


@functools.cache
def walks(periodic, number, steps):
    arena = Torus() if periodic else Box()
    draw = jax.jit(jax.vmap(lambda key: RandomWalk().walk(key, arena, steps)))
    return jax.tree.map(np.asarray, draw(jax.random.split(jax.random.key(7), number)))


@pytest.fixture(scope="module", params=[False, True], ids=["box", "torus"])
def cases(request, golden_folder):
    """The published statistics in one arena, each beside walks of ours of the same number and length."""
    stored = json.loads((golden_folder / "trajectory_statistics.json").read_text())
    cases = [case for case in stored if case["periodic"] is request.param]
    assert cases
    return [(case, walks(request.param, case["trajectories"], case["sequence_length"])) for case in cases]


def assert_same(statistic, ours, published):
    """Compares a statistic of walks with its published value, given the walks it varies over.

    Walks are independent and steps of one walk are not, so its standard error is taken from blocks of
    walks; the published value rests on as many walks as ours.
    """
    value = statistic(ours)
    blocks = [statistic(block) for block in np.array_split(ours, BLOCKS)]
    standard_error = np.std(blocks, axis=0, ddof=1) / np.sqrt(BLOCKS)
    difference = np.abs(value - np.asarray(published))
    allowed = STANDARD_ERRORS * np.sqrt(2) * np.maximum(standard_error, 1e-9)
    assert np.all(difference <= allowed), f"found {value}, expected {published} up to {allowed}"


def wall_distance_m(walk):
    """The signed distance to the nearest wall: negative outside."""
    return (Box().side_m / 2 - np.abs(walk.position_m)).min(axis=-1)


def test_steps_are_as_long_as_published(cases):
    for published, walk in cases:
        lengths_m = np.linalg.norm(walk.displacement_m, axis=-1)
        assert_same(np.mean, lengths_m, published["step_length_m"]["mean"])
        assert_same(np.std, lengths_m, published["step_length_m"]["std"])
        for fraction, quantile in published["step_length_m"]["q"].items():
            assert_same(functools.partial(np.quantile, q=float(fraction)), lengths_m, quantile)


def test_walkers_turn_as_much_as_published(cases):
    for published, walk in cases:
        turns_rad = np.asarray(wrap_angle(jnp.asarray(np.diff(walk.heading_rad, axis=1))))
        assert_same(
            lambda turns: np.mean(np.abs(turns)), turns_rad, published["turn_rad_per_step"]["mean_abs"]
        )
        assert_same(np.std, turns_rad, published["turn_rad_per_step"]["std"])


def test_walkers_meet_walls_as_often_as_published(cases):
    for published, walk in cases:
        distance_m = wall_distance_m(walk)
        near = (distance_m < NEAR_WALL_M).astype(float)
        assert_same(np.mean, near, published["fraction_within_3cm_of_wall"])
        assert_same(np.mean, (distance_m < 0).astype(float), published["fraction_outside_box"])


def test_walkers_overshoot_walls_no_further_than_published(cases):
    for published, walk in cases:
        excursions_m = np.maximum(-wall_distance_m(walk), 0.0).max(axis=1)
        furthest_m = published["max_excursion_outside_m"]
        # The furthest of as many walks: neither sample has many walks beyond the furthest of the other.
        assert np.count_nonzero(excursions_m > furthest_m + 1e-9) <= 20
        assert furthest_m <= 2 * excursions_m.max() + 1e-9


def test_walkers_get_as_far_as_published(cases):
    for published, walk in cases:
        if published["net_displacement_m"] is None:  # has no meaning where positions are wrapped
            continue
        net_m = np.linalg.norm(walk.position_m[:, -1] - walk.position_m[:, 0], axis=-1)
        assert_same(np.mean, net_m, published["net_displacement_m"]["mean"])


def test_walkers_are_spread_over_the_box_as_published(cases):
    half_m = Box().side_m / 2
    for published, walk in cases:
        expected = published["x_histogram_20_bins"]
        x_m = np.clip(walk.position_m[..., 0], -half_m, half_m)

        edges_m = np.linspace(-half_m, half_m, len(expected) + 1)
        assert_same(functools.partial(shares, edges_m=edges_m), x_m, expected)


def shares(x_m, edges_m):
    return np.histogram(x_m, edges_m)[0] / x_m.size
