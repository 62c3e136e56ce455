"""The published walk, against a slow loop that follows the specification line by line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.arena.torus import Torus
from gridsweep.trajectories.random_walk import RandomWalk, draw_rayleigh, wrap_angle

TIME_STEP_S = 0.02


def slow_walk(place_m, heading_rad, turns_rad, speeds_m_per_s, periodic, side_m=2.2):
    """Spec a.2, step by step, in float64: (positions, displacements, headings) of all slots."""
    half_m = side_m / 2
    x, y, h = float(place_m[0]), float(place_m[1]), float(heading_rad)
    positions_m, displacements_m, headings_rad = [], [], []
    for turn_rad, speed in zip(np.asarray(turns_rad, float), np.asarray(speeds_m_per_s, float), strict=True):
        avoidance_rad = 0.0
        if not periodic:
            distances_m = [half_m - x, half_m - y, x + half_m, y + half_m]
            nearest = int(np.argmin(distances_m))
            towards_rad = wrapped(h - [0, np.pi / 2, np.pi, 3 * np.pi / 2][nearest])
            if distances_m[nearest] < 0.03 and abs(towards_rad) < np.pi / 2:
                speed = 0.25 * speed
                avoidance_rad = np.sign(towards_rad) * (np.pi / 2 - abs(towards_rad))
        length_m = speed * TIME_STEP_S
        step_m = (length_m * np.cos(h), length_m * np.sin(h))
        x, y, h = x + step_m[0], y + step_m[1], h + avoidance_rad + turn_rad
        positions_m.append((x, y))
        displacements_m.append(step_m)
        headings_rad.append(wrapped(h))
    positions_m = np.array(positions_m)
    if periodic:
        positions_m = np.mod(positions_m + half_m, side_m) - half_m
    return positions_m, np.array(displacements_m), np.array(headings_rad)


def wrapped(angle_rad):
    return (angle_rad + np.pi) % (2 * np.pi) - np.pi


def draws(seed, steps):
    """A walker's start and draws; half of the walkers start at a wall and head for it."""
    rng = np.random.default_rng(seed)
    place_m, heading_rad = rng.uniform(-1.1, 1.1, 2), rng.uniform(0, 2 * np.pi)
    if seed % 2:
        place_m[0], heading_rad = 1.08, rng.uniform(-1, 1)
    turns_rad = rng.normal(0, 0.2304, steps + 1)
    return [
        jnp.float32(value) for value in (place_m, heading_rad, turns_rad, rng.rayleigh(0.8168, steps + 1))
    ]


@pytest.mark.parametrize("periodic", [False, True], ids=["box", "torus"])
def test_walkers_step_and_turn_as_specified(periodic):
    arena = Torus() if periodic else Box()
    batch = [draws(seed, 40) for seed in range(30)]
    follow = jax.jit(jax.vmap(lambda *drawn: RandomWalk().follow(arena, *drawn)))
    walks = follow(*(jnp.stack(column) for column in zip(*batch, strict=True)))
    avoided = 0
    for number, drawn in enumerate(batch):
        positions_m, displacements_m, headings_rad = slow_walk(*drawn, periodic)
        # The first slot is the start: what happened before it is discarded.
        np.testing.assert_allclose(walks.start_m[number], positions_m[0], atol=2e-5)
        np.testing.assert_allclose(walks.displacement_m[number], displacements_m[1:], atol=2e-5)
        missed_m = arena.offset_m(walks.position_m[number], jnp.float32(positions_m[1:]))
        np.testing.assert_allclose(missed_m, 0.0, atol=2e-5)
        missed_rad = wrap_angle(walks.heading_rad[number] - jnp.float32(headings_rad[1:]))
        np.testing.assert_allclose(missed_rad, 0.0, atol=1e-3)
        assert wrapped(float(walks.start_heading_rad[number]) - headings_rad[0]) == pytest.approx(0, abs=1e-3)
        avoided += np.any(np.abs(wrapped(np.diff(headings_rad) - np.float64(drawn[2])[1:])) > 1e-3)
    assert (avoided > 10) == (not periodic), "walls were met, and only in the box"


def test_a_walker_near_a_wall_turns_to_run_along_it_at_a_quarter_of_its_speed():
    turns_rad = jnp.array([0.1, 0.0])  # beside the turn away from the wall
    walk = RandomWalk().follow(Box(), jnp.array([1.08, 0.0]), jnp.float32(0.4), turns_rad, jnp.ones(2))
    slow_m = np.linalg.norm(walk.start_m - jnp.array([1.08, 0.0]))
    assert slow_m == pytest.approx(0.25 * TIME_STEP_S, rel=1e-3)
    assert walk.start_heading_rad == pytest.approx(np.pi / 2 + 0.1, abs=1e-5)
    assert np.linalg.norm(walk.displacement_m[0]) == pytest.approx(TIME_STEP_S, rel=1e-4)


def test_a_walker_that_leaves_a_wall_is_not_turned():
    still = jnp.zeros(2)
    walk = RandomWalk().follow(Box(), jnp.array([1.08, 0.0]), jnp.float32(2.5), still, jnp.ones(2))
    assert walk.start_heading_rad == pytest.approx(2.5, abs=1e-5)
    assert np.linalg.norm(walk.displacement_m[0]) == pytest.approx(TIME_STEP_S, rel=1e-4)


@pytest.mark.parametrize("angle_rad", [0.0, 3.0, -3.0, np.pi, -np.pi, 9.5, -100.0])
def test_angles_are_wrapped_to_half_a_turn_either_way(angle_rad):
    found = float(wrap_angle(jnp.float32(angle_rad)))
    assert -np.pi - 1e-6 <= found <= np.pi + 1e-6
    assert np.cos(found) == pytest.approx(np.cos(angle_rad), abs=1e-4)
    assert np.sin(found) == pytest.approx(np.sin(angle_rad), abs=1e-4)


def test_speeds_and_turns_have_the_published_size_and_scale_with_their_settings():
    def walk(speed_scale_m_per_s, turn_sd_rad_per_s):
        law = RandomWalk(speed_scale_m_per_s=speed_scale_m_per_s, turn_sd_rad_per_s=turn_sd_rad_per_s)
        return jax.vmap(lambda key: law.walk(key, Torus(), 20))(jax.random.split(jax.random.key(0), 2_000))

    usual = RandomWalk()
    scales = jnp.array([1.0, 0.5])
    lanes = jax.jit(jax.vmap(walk))(scales * usual.speed_scale_m_per_s, scales * usual.turn_sd_rad_per_s)
    length_m = np.linalg.norm(lanes.displacement_m, axis=-1)
    assert length_m[0].mean() == pytest.approx(0.02 * 0.816814 * np.sqrt(np.pi / 2), rel=0.01)
    np.testing.assert_allclose(length_m[1], length_m[0] / 2, rtol=1e-3)
    turns_rad = wrap_angle(jnp.diff(lanes.heading_rad, axis=2))
    assert float(turns_rad[0].std()) == pytest.approx(0.2304, rel=0.01)
    assert float(turns_rad[1].std()) == pytest.approx(0.1152, rel=0.01)


def test_every_speed_is_finite_even_where_the_uniform_is_zero():
    key, shape = jax.random.key(1), (10_000_000,)
    assert (jax.random.uniform(key, shape) == 0).any()
    plain, ours = jax.random.rayleigh(key, 1.3, shape), draw_rayleigh(key, 1.3, shape)
    assert jnp.isfinite(ours).all()
    np.testing.assert_array_equal(ours[jnp.isfinite(plain)], plain[jnp.isfinite(plain)])
    assert 1.3 * 5.6 < ours.max() < 1.3 * 5.8
