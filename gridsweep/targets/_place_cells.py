"""What the place-cell targets share: centres, widths, the scaled distance to a field, the decoder.

Source: spec b.1 and b.4. A cell with several fields answers with the one that is nearest in units of its
own width; its surround belongs to the same field. A place is decoded as the mean of the centres of the
three most active cells.
"""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.arena import Arena
from gridsweep.kinds import Scalar, kind, per_cohort, per_lane
from gridsweep.targets._base import Target, draw_spread

CELLS_DECODED = 3  # spec b.4: the only number the published programs support


class PlaceCells(NamedTuple):
    """The cells of one run."""

    centres_m: Float[Array, "cells fields 2"]
    field_width_m: Float[Array, "cells fields"]
    surround_ratio: Float[Array, "cells fields"]  # surround over centre standard deviation; 1 without


@kind
class PlaceCellTarget(Target):
    """A population of place cells with centres drawn uniformly from the arena."""

    place_cells: int = per_cohort(
        512, unit="cells", meaning="number of place cells", at_least=4, at_most=65536
    )
    fields_per_cell: int = per_cohort(
        1, unit="fields", meaning="place fields of each cell", at_least=1, at_most=8
    )
    field_width_m: Scalar = per_lane(
        0.12, unit="m", meaning="standard deviation of a field", above=0.0, at_most=1000.0, spread=True
    )

    @property
    def outputs(self) -> int:
        """One output a cell."""
        return self.place_cells

    def draw(self, key: PRNGKeyArray, arena: Arena) -> PlaceCells:
        """Returns centres, widths and surround ratios."""
        for_centres, for_widths, for_ratios = jax.random.split(key, 3)
        shape = (self.place_cells, self.fields_per_cell)
        centres_m = arena.sample_positions(for_centres, self.place_cells * self.fields_per_cell)
        return PlaceCells(
            centres_m=centres_m.reshape(*shape, 2),
            field_width_m=draw_spread(for_widths, self.field_width_m, shape),
            surround_ratio=self.draw_surround_ratio(for_ratios, shape),
        )

    def draw_surround_ratio(self, key: PRNGKeyArray, shape: tuple[int, int]) -> Float[Array, "cells fields"]:
        """Returns surround over centre width, as standard deviations; ones where there is no surround."""
        del key
        return jnp.ones(shape)

    def decode(
        self, arena: Arena, cells: PlaceCells, output: Float[Array, "steps cells"]
    ) -> Float[Array, "steps 2"]:
        """Returns the mean centre of the three most active cells; of equals, the lowest index first."""
        _, chosen = jax.lax.top_k(output, CELLS_DECODED)
        return mean_of_tightest_fields(arena, cells.centres_m[chosen])


def scaled_square_distances(
    arena: Arena, cells: PlaceCells, position_m: Float[Array, "steps 2"]
) -> tuple[Float[Array, "steps cells"], Float[Array, "steps cells"]]:
    """Returns (centre, surround): the square distance to each cell's nearest field in twice its variance.

    "Nearest" counts distance in units of the field's own width; the surround term is of that same field,
    with the surround's width.
    """
    if cells.field_width_m.shape[-1] == 1:
        # Without the axis of length one, which would keep the compiler from vectorising over cells.
        single = jax.tree.map(lambda leaf: leaf[:, 0], cells)
        return _both_distances(arena, single, position_m[:, None])
    centre, surround = _both_distances(arena, cells, position_m[:, None, None])
    nearest = jnp.argmin(centre, axis=-1, keepdims=True)
    return (
        jnp.take_along_axis(centre, nearest, axis=-1)[..., 0],
        jnp.take_along_axis(surround, nearest, axis=-1)[..., 0],
    )


def _both_distances(arena: Arena, cells: PlaceCells, position_m: Float[Array, "..."]):
    """Returns (centre, surround) for every field; coordinate by coordinate, for the same reason."""
    x_m = arena.offset_m(cells.centres_m[None, ..., 0], position_m[..., 0])
    y_m = arena.offset_m(cells.centres_m[None, ..., 1], position_m[..., 1])
    centre = (x_m**2 + y_m**2) / (2 * cells.field_width_m[None] ** 2)
    return centre, centre / cells.surround_ratio[None] ** 2


def mean_of_tightest_fields(
    arena: Arena, centres_m: Float[Array, "steps chosen fields 2"]
) -> Float[Array, "steps 2"]:
    """Returns the mean of one field of each chosen cell: of all choices the one that scatters least."""
    chosen, fields = centres_m.shape[1:3]
    choices = jnp.array(list(itertools.product(range(fields), repeat=chosen)))
    candidates_m = centres_m[:, jnp.arange(chosen)[None], choices]  # (steps, choices, chosen, 2)
    # Offsets from the first cell keep a mean meaningful across the seam of a torus.
    origin_m = candidates_m[:, :, :1]
    offsets_m = arena.offset_m(origin_m, candidates_m)
    scatter_m2 = jnp.sum(jnp.var(offsets_m, axis=2), axis=-1)
    means_m = arena.wrap(origin_m[:, :, 0] + jnp.mean(offsets_m, axis=2))
    tightest = jnp.argmin(scatter_m2, axis=1)
    return jnp.take_along_axis(means_m, tightest[:, None, None], axis=1)[:, 0]
