"""The random walk of the LSTM studies: a walker at a wall is slowed again and again, not once.

All is as in ``random_walk`` but two things. A walker that is near a wall and heading for it moves at a
quarter of the speed of its last step, not of a fresh one: as long as it stays there its speed falls
geometrically. And the first place is where the walk starts: no step is discarded.

Source: spec other_systems 1.2 (the notebook and the reproduction); path_integrator a.4. About 1 % of places
lie outside the walls. The reproduction uses one step less than its ``sequence_length``: 99 for 100.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.arena import Arena
from gridsweep.kinds import kind
from gridsweep.trajectories._base import Walk
from gridsweep.trajectories.random_walk import RandomWalk, draw_rayleigh, wrap_angle


@kind
class SlowingWalk(RandomWalk):
    """Rayleigh speeds and Gaussian turns; at a wall, a quarter of the last speed."""

    def walk(self, key: PRNGKeyArray, arena: Arena, steps: int) -> Walk:
        """Returns one walk."""
        for_place, for_heading, for_turns, for_speeds = jax.random.split(key, 4)
        return self.follow_from(
            arena,
            arena.sample_positions(for_place, 1)[0],
            jax.random.uniform(for_heading, (), maxval=2 * jnp.pi),
            jax.random.normal(for_turns, (steps,)) * (self.turn_sd_rad_per_s * self.time_step_s),
            draw_rayleigh(for_speeds, self.speed_scale_m_per_s, (steps + 1,)),
        )

    def follow_from(
        self,
        arena: Arena,
        start_m: Float[Array, "2"],
        start_heading_rad: Float[Array, ""],
        turns_rad: Float[Array, " steps"],
        speeds_m_per_s: Float[Array, " steps_and_one"],
    ) -> Walk:
        """Returns the walk that these draws make; the first speed is that before the first step."""

        def step(state, drawn):
            position_m, heading_rad, speed_m_per_s = state
            turn_rad, fresh_m_per_s = drawn
            avoidance_rad, slowing = self.avoid_wall(arena, position_m, heading_rad)
            speed_m_per_s = jnp.where(slowing < 1.0, speed_m_per_s * slowing, fresh_m_per_s)
            direction = jnp.stack([jnp.cos(heading_rad), jnp.sin(heading_rad)])
            displacement_m = speed_m_per_s * self.time_step_s * direction
            after_m, after_rad = position_m + displacement_m, heading_rad + turn_rad + avoidance_rad
            return (after_m, after_rad, speed_m_per_s), (displacement_m, after_m, after_rad)

        before = (start_m, start_heading_rad, speeds_m_per_s[0])
        _, (displacement_m, position_m, heading_rad) = jax.lax.scan(
            step, before, (turns_rad, speeds_m_per_s[1:])
        )
        return Walk(
            start_m=start_m,
            start_heading_rad=wrap_angle(start_heading_rad),
            displacement_m=displacement_m,
            position_m=arena.wrap(position_m),
            heading_rad=wrap_angle(heading_rad),
        )
