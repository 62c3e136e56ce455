"""A decoder that suits any target: the place whose target the report is nearest to, as its loss counts.

The published decoders read a place off the three most (or least) active cells, and fail for some targets
even when those are matched exactly (spec f.3): then the error says nothing of the network. Here every place
of a grid is encoded, and a report is read as the place with the least loss beyond what that place's own
target costs itself. Beside a network's error stands the floor: the same decoder given the exact target.

Source: spec f.3 [R] (maximum-likelihood lookup over a grid of positions).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.arena import Arena
from gridsweep.losses import Loss
from gridsweep.targets import Target
from gridsweep.targets._base import Cells
from gridsweep.trajectories import standing_at

# Places a side: 2 cm apart in the published box, which costs 0.8 cm of error.
PLACES_A_SIDE = 110
ROWS_AT_ONCE = 250


def look_up(
    target: Target,
    arena: Arena,
    loss: Loss,
    cells: Cells,
    output: Float[Array, "rows outputs"],
) -> Float[Array, "rows 2"]:
    """Returns the place, in m, that each report fits best. Of several heads the first is asked."""
    along_m = ((jnp.arange(PLACES_A_SIDE) + 0.5) / PLACES_A_SIDE - 0.5) * arena.side_m
    x_m, y_m = jnp.meshgrid(along_m, along_m, indexing="ij")
    place_m = jnp.stack([x_m.ravel(), y_m.ravel()], axis=-1)
    of_place = slice(0, target.heads[0])
    known = target.encode(arena, cells, standing_at(place_m))[:, of_place]

    def best(report: Float[Array, " outputs"]) -> Float[Array, "2"]:
        return place_m[jnp.argmin(loss.excess(report[None], known)[0])]

    return jax.lax.map(best, output[:, of_place], batch_size=min(ROWS_AT_ONCE, len(output)))
