"""Modified Brownian motion: rests nine steps of ten, turns little by little, and at a wall somewhere else.

The walk that Cueva & Wei 2018 train on. The direction turns a little at each step. With probability
``moving_share`` the walker moves, by a length |N(0, step_sd_m^2)|; else it stands exactly still, which the
paper found necessary for grid-like units. If the step would leave the arena, a direction is drawn until one
does not: of 16 equally spaced ones at a random angle, one of those that stay inside.

Source: spec other_systems 2.1 to 2.3. The paper gives neither lengths nor turns: the defaults are the
project's, for an arena of 2 m (0.1 x side / 10).
"""

import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from gridsweep.arena import Arena
from gridsweep.kinds import Scalar, kind, per_cohort, per_lane
from gridsweep.trajectories._base import Trajectory, Walk
from gridsweep.trajectories.random_walk import wrap_angle

DIRECTIONS = 16  # at least two of them lead out of a corner of 60 degrees
MARGIN_M = 1e-6  # from the walls, so that no rounding puts a place outside


@kind
class Brownian(Trajectory):
    """Small turns, rare steps, and another direction at a wall."""

    moving_share: Scalar = per_lane(
        0.1, meaning="share of steps with a speed above zero", at_least=0.0, at_most=1.0
    )
    step_sd_m: Scalar = per_lane(
        0.02, unit="m", meaning="standard deviation of the normal whose size is a step's length", at_least=0.0
    )
    turn_sd_rad: Scalar = per_lane(
        0.05 * 3.141592653589793, unit="rad", meaning="standard deviation of a turn", at_least=0.0
    )
    start: str = per_cohort(
        "centre", choices=("centre", "anywhere"), meaning="where walks start: at the centre, or uniformly"
    )

    def walk(self, key: PRNGKeyArray, arena: Arena, steps: int) -> Walk:
        """Returns one walk, none of its places outside the arena."""
        for_place, for_heading, for_turns, for_moving, for_lengths, for_walls = jax.random.split(key, 6)
        start_m = arena.centre_m() if self.start == "centre" else arena.sample_positions(for_place, 1)[0]
        start_rad = jax.random.uniform(for_heading, (), minval=-jnp.pi, maxval=jnp.pi)
        turns_rad = jax.random.normal(for_turns, (steps,)) * self.turn_sd_rad
        moves = jax.random.uniform(for_moving, (steps,)) < self.moving_share
        lengths_m = jnp.abs(jax.random.normal(for_lengths, (steps,))) * self.step_sd_m
        at_walls = jax.random.uniform(for_walls, (steps, 2))

        def step(state, drawn):
            position_m, heading_rad = state
            turn_rad, length_m, at_wall = drawn
            heading_rad = wrap_angle(heading_rad + turn_rad)
            around_rad = (jnp.arange(DIRECTIONS) + at_wall[0]) * (2 * jnp.pi / DIRECTIONS)
            tried_rad = jnp.concatenate([heading_rad[None], wrap_angle(around_rad)])
            directions = jnp.stack([jnp.cos(tried_rad), jnp.sin(tried_rad)], axis=1)
            after_m = position_m[None] + length_m * directions
            inside = jax.vmap(lambda place_m: arena.nearest_wall(place_m).distance_m > MARGIN_M)(after_m)
            # The same share of those that stay inside: the n-th of them is where their count reaches n.
            count = jnp.cumsum(inside[1:])
            other = jnp.argmax(count > jnp.floor(at_wall[1] * count[-1]))
            chosen = jnp.where(inside[0], 0, 1 + other)
            position_after_m = jnp.where(inside[chosen], after_m[chosen], position_m)
            state = position_after_m, tried_rad[chosen]
            return state, (position_after_m - position_m, *state)

        _, (displacement_m, position_m, heading_rad) = jax.lax.scan(
            step, (start_m, start_rad), (turns_rad, jnp.where(moves, lengths_m, 0.0), at_walls)
        )
        return Walk(start_m, start_rad, displacement_m, arena.wrap(position_m), heading_rad)
