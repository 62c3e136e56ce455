"""The published walk: speeds and turns drawn independently each step, turning to run along walls.

Source: spec a.1 and a.2 (the same constants in all published studies). Speeds are Rayleigh distributed
with a mean of about 1 m/s, turns Gaussian; a walker within 3 cm of a wall and heading for it slows to a
quarter and turns to exactly parallel to it.
"""

import dataclasses
from typing import Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.arena import Arena
from gridsweep.kinds import Scalar, kind, per_lane
from gridsweep.trajectories._base import Trajectory, Walk

WALL_SPEED_FACTOR = 0.25  # spec a.1

_LEAST_UNIFORM = 2.0**-24  # float32 uniforms are multiples of 2^-23


@kind
class RandomWalk(Trajectory):
    """Independent Rayleigh speeds and Gaussian turns."""

    time_step_s: Scalar = per_lane(0.02, unit="s", meaning="duration of a step", above=0.0)
    speed_scale_m_per_s: Scalar = per_lane(
        0.13 * 2 * 3.141592653589793,
        unit="m/s",
        meaning="scale of the Rayleigh speed distribution",
        above=0.0,
    )
    turn_sd_rad_per_s: Scalar = per_lane(
        5.76 * 2, unit="rad/s", meaning="standard deviation of the turning rate", at_least=0.0
    )
    wall_margin_m: Scalar = per_lane(
        0.03, unit="m", meaning="distance from a wall within which the walker turns", at_least=0.0
    )

    def without_walls(self) -> Self:
        """Returns the same law with the usual margin."""
        return dataclasses.replace(self, wall_margin_m=self.defaults()["wall_margin_m"])

    def walk(self, key: PRNGKeyArray, arena: Arena, steps: int) -> Walk:
        """Returns one walk. The first step is discarded: it only moves the start off the uniform law."""
        for_place, for_heading, for_turns, for_speeds = jax.random.split(key, 4)
        place_m = arena.sample_positions(for_place, 1)[0]
        heading_rad = jax.random.uniform(for_heading, (), maxval=2 * jnp.pi)
        turns_rad = jax.random.normal(for_turns, (steps + 1,)) * (self.turn_sd_rad_per_s * self.time_step_s)
        speeds_m_per_s = draw_rayleigh(for_speeds, self.speed_scale_m_per_s, (steps + 1,))
        return self.follow(arena, place_m, heading_rad, turns_rad, speeds_m_per_s)

    def follow(
        self,
        arena: Arena,
        place_m: Float[Array, "2"],
        heading_rad: Float[Array, ""],
        turns_rad: Float[Array, " steps_and_one"],
        speeds_m_per_s: Float[Array, " steps_and_one"],
    ) -> Walk:
        """Returns the walk that these draws make: from a place and a heading, a turn and a speed a step."""

        def step(state, drawn):
            position_m, heading_rad = state
            turn_rad, speed_m_per_s = drawn
            avoidance_rad, slowing = self.avoid_wall(arena, position_m, heading_rad)
            length_m = speed_m_per_s * slowing * self.time_step_s
            displacement_m = length_m * jnp.stack([jnp.cos(heading_rad), jnp.sin(heading_rad)])
            after = (position_m + displacement_m, heading_rad + turn_rad + avoidance_rad)
            return after, (displacement_m, *after)

        _, (displacements_m, positions_m, headings_rad) = jax.lax.scan(
            step, (place_m, heading_rad), (turns_rad, speeds_m_per_s)
        )
        headings_rad = wrap_angle(headings_rad)
        positions_m = arena.wrap(positions_m)
        return Walk(
            start_m=positions_m[0],
            start_heading_rad=headings_rad[0],
            displacement_m=displacements_m[1:],
            position_m=positions_m[1:],
            heading_rad=headings_rad[1:],
        )

    def avoid_wall(self, arena: Arena, position_m: Float[Array, "2"], heading_rad: Float[Array, ""]):
        """Returns the turn away from a wall that is near and ahead (rad), and the factor on the speed."""
        wall = arena.nearest_wall(position_m)
        towards_rad = wrap_angle(heading_rad - wall.normal_rad)
        facing = (wall.distance_m < self.wall_margin_m) & (jnp.abs(towards_rad) < jnp.pi / 2)
        turn_rad = jnp.sign(towards_rad) * (jnp.pi / 2 - jnp.abs(towards_rad))
        return jnp.where(facing, turn_rad, 0.0), jnp.where(facing, WALL_SPEED_FACTOR, 1.0)


def draw_rayleigh(key: PRNGKeyArray, scale: Scalar, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Returns finite draws of a Rayleigh distribution: scale sqrt(-2 log u), u uniform in (0, 1).

    ``jax.random.rayleigh`` takes u from [0, 1): once in 2^23 draws, so a hundred times in a published
    training, u is zero and the speed infinite. Here such a u is half of the smallest other, and all other
    draws are the same to the bit.
    """
    uniform = jnp.maximum(jax.random.uniform(key, shape), _LEAST_UNIFORM)
    return scale * jnp.sqrt(jnp.log(uniform) * -2.0)


def wrap_angle(angle_rad: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Returns the same direction in [-pi, pi)."""
    return jnp.mod(angle_rad + jnp.pi, 2 * jnp.pi) - jnp.pi
