"""What the place-cell targets share: centres, widths, the scaled distance to a field, the decoder.

Source: spec b.1 and b.4. A cell with several fields answers with the one that is nearest in units of its
own width; its surround belongs to the same field. A place is decoded as the mean of the centres of the
three most active cells.

Cells have all ``fields_per_cell`` fields, or each has 1 + Poisson(``extra_fields_mean``) of them (spec
f.25). Then all are drawn, so that lanes keep one shape, and the surplus ones are marked as absent.
"""

import dataclasses
from typing import NamedTuple, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from gridsweep.arena import Arena
from gridsweep.kinds import Problem, Scalar, kind, per_cohort, per_lane
from gridsweep.targets._base import Target, draw_spread, too_wide

CELLS_DECODED = 3  # spec b.4: the only number the published programs support


class PlaceCells(NamedTuple):
    """The cells of one run."""

    centres_m: Float[Array, "cells fields 2"]
    field_width_m: Float[Array, "cells fields"]
    surround_ratio: Float[Array, "cells fields"]  # surround over centre standard deviation; 1 without
    exists: Bool[Array, "cells fields"] | None = None  # None: all do. The first field of a cell always does.


@kind
class PlaceCellTarget(Target):
    """A population of place cells with centres drawn uniformly from the arena."""

    place_cells: int = per_cohort(
        512, unit="cells", meaning="number of place cells", at_least=4, at_most=65536
    )
    fields_per_cell: int = per_cohort(
        1,
        unit="fields",
        meaning="place fields of each cell, or the most a cell can have",
        at_least=1,
        at_most=32,
    )
    extra_fields_mean: Scalar = per_lane(
        0.0,
        unit="fields",
        meaning="mean of the Poisson number of fields beyond the first; 0: all cells have fields_per_cell",
        at_least=0.0,
        at_most=1000.0,
    )
    field_width_m: Scalar = per_lane(
        0.12, unit="m", meaning="standard deviation of a field", above=0.0, at_most=1000.0, spread=True
    )

    @property
    def outputs(self) -> int:
        """One output a cell."""
        return self.place_cells

    def draw(self, key: PRNGKeyArray, arena: Arena) -> PlaceCells:
        """Returns centres, widths, surround ratios and, of several fields, which exist."""
        for_centres, for_widths, for_ratios, for_numbers = jax.random.split(key, 4)
        shape = (self.place_cells, self.fields_per_cell)
        centres_m = arena.sample_positions(for_centres, self.place_cells * self.fields_per_cell)
        return PlaceCells(
            centres_m=centres_m.reshape(*shape, 2),
            field_width_m=draw_spread(for_widths, self.field_width_m, shape),
            surround_ratio=self.draw_surround_ratio(for_ratios, shape),
            exists=draw_existing(for_numbers, self.extra_fields_mean, shape),
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
        exists = None if cells.exists is None else cells.exists[chosen]
        return mean_of_tightest_fields(arena, cells.centres_m[chosen], exists)

    def problems_in(self, arena: Arena) -> list[Problem]:
        """No field is wider than the arena."""
        return too_wide("target.field_width_m", self.field_width_m, arena.side_m, "arena.side_m")

    def canonical(self) -> Self:
        """Leaves out the mean number of extra fields where there is room for none."""
        if self.fields_per_cell > 1:
            return self
        return dataclasses.replace(self, extra_fields_mean=0.0)


def draw_existing(
    key: PRNGKeyArray, extra_mean: Scalar, shape: tuple[int, int]
) -> Bool[Array, "cells fields"] | None:
    """Returns which fields exist: 1 + Poisson(extra_mean) of each cell, at most all; all if the mean is 0.

    None for cells of one field. The number is drawn by comparing one uniform draw with the cumulative
    probabilities: a mean that is traced costs no loop, and what lies beyond the last field is cut off.
    """
    cells, fields = shape
    if fields == 1:
        return None
    extra = jnp.arange(fields - 1, dtype=jnp.float32)
    log_probability = jax.scipy.special.xlogy(extra, extra_mean) - jax.scipy.special.gammaln(extra + 1)
    at_most = jnp.cumsum(jnp.exp(log_probability - extra_mean))  # P(number of extra fields <= extra)
    beyond_first = jax.random.uniform(key, (cells, 1)) >= at_most[None]
    drawn = jnp.concatenate([jnp.ones((cells, 1), bool), beyond_first], axis=1)
    return drawn | (extra_mean == 0)


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
    if cells.exists is not None:
        centre = jnp.where(cells.exists[None], centre, jnp.inf)
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
    arena: Arena,
    centres_m: Float[Array, "steps chosen fields 2"],
    exists: Bool[Array, "steps chosen fields"] | None = None,
) -> Float[Array, "steps 2"]:
    """Returns the mean of one field of each of three cells: of all choices the one that scatters least."""
    first_m, second_m, third_m = jnp.unstack(centres_m, axis=1)
    # Offsets from the first cell keep a mean meaningful across the seam of a torus.
    to_second_m = arena.offset_m(first_m[:, :, None], second_m[:, None])  # (steps, fields, fields, 2)
    to_third_m = arena.offset_m(first_m[:, :, None], third_m[:, None])
    # Of offsets 0, b and c the variance is 2/9 of this, summed over coordinates.
    b_m, c_m = to_second_m[:, :, :, None], to_third_m[:, :, None]
    scatter_m2 = jnp.sum(b_m**2 + c_m**2 - b_m * c_m, axis=-1)  # (steps, fields, fields, fields)
    if exists is not None:
        first, second, third = jnp.unstack(exists, axis=1)
        all_exist = first[:, :, None, None] & second[:, None, :, None] & third[:, None, None]
        scatter_m2 = jnp.where(all_exist, scatter_m2, jnp.inf)
    tightest = jnp.argmin(scatter_m2.reshape(len(scatter_m2), -1), axis=1)
    i, j, k = jnp.unravel_index(tightest, scatter_m2.shape[1:])
    step = jnp.arange(len(scatter_m2))
    return arena.wrap(first_m[step, i] + (to_second_m[step, i, j] + to_third_m[step, i, k]) / CELLS_DECODED)
