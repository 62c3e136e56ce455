"""Gaussian place cells and head-direction cells, two heads of one report.

The target of the networks behind the claim that Gaussian place cells suffice for square lattices: 256 narrow
place cells and 12 head-direction cells, each population normalised by itself, each with a cross-entropy of
its own. The network is told the same two at the start.

What is left out, or told instead, is a setting: ``reported`` drops the heading head, or asks for the place
in m instead of both (with ``loss: {kind: mse}``); ``told`` gives the start as a place in m.

Source: spec other_systems 1.3: place softmax_i(-|x - mu_i|^2 / 2 sigma^2), heading softmax_j(kappa cos(phi -
mu_j)). The published programs subtract a normaliser first, or not, in four ways: before a softmax all are
one.
Floors: entropy 0.886 nats of place (256 cells, 0.05 m) and 0.69 of heading; decoder 6.6 cm.
"""

import dataclasses
from typing import NamedTuple, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from gridsweep.arena import Arena
from gridsweep.kinds import Scalar, kind, per_cohort, per_lane
from gridsweep.targets._base import Cells
from gridsweep.targets._place_cells import PlaceCells, PlaceCellTarget, scaled_square_distances
from gridsweep.trajectories import Walk


class PlaceAndHeadingCells(NamedTuple):
    """The two populations of one run."""

    place: PlaceCells
    heading_rad: Float[Array, " cells"]  # preferred directions


@kind
class GaussianAndHeading(PlaceCellTarget):
    """Gaussian place cells and von Mises head-direction cells."""

    place_cells: int = per_cohort(
        256, unit="cells", meaning="number of place cells", at_least=4, at_most=65536
    )
    field_width_m: Scalar = per_lane(
        0.05, unit="m", meaning="standard deviation of a field", above=0.0, at_most=1000.0, spread=True
    )
    heading_cells: int = per_cohort(
        12, unit="cells", meaning="number of head-direction cells", at_least=2, at_most=65536
    )
    heading_concentration: Scalar = per_lane(
        20.0, meaning="kappa of a head-direction cell's von Mises tuning", at_least=0.0, at_most=1e4
    )
    reported: str = per_cohort(
        "place_and_heading",
        choices=("place_and_heading", "place", "position"),
        meaning="what the network reports: both populations, place cells alone, or the place in m",
    )
    told: str = per_cohort(
        "place_and_heading",
        choices=("place_and_heading", "position_and_heading"),
        meaning="what the network is told of the start: both populations, or the place in m and the heading",
    )

    @property
    def heads(self) -> tuple[int, ...]:
        """Place cells and head-direction cells, or what is reported instead."""
        of = {"place_and_heading": (self.place_cells, self.heading_cells), "place": (self.place_cells,)}
        return of.get(self.reported, (2,))

    @property
    def starts(self) -> tuple[int, ...]:
        """Place cells, or two coordinates, and head-direction cells."""
        return (self.place_cells if self.told == "place_and_heading" else 2, self.heading_cells)

    @property
    def outputs(self) -> int:
        """The heads together."""
        return sum(self.heads)

    @property
    def is_distribution(self) -> bool:
        """Both populations sum to one; coordinates do not."""
        return self.reported != "position"

    def canonical(self) -> Self:
        """Leaves out the place cells where the network is neither asked for them nor told them."""
        if self.reported != "position" or self.told == "place_and_heading":
            return super().canonical()
        defaults = self.defaults()
        idle = {name: defaults[name] for name in PlaceCellTarget.declarations()}
        return dataclasses.replace(self, **idle)

    def draw(self, key: PRNGKeyArray, arena: Arena) -> Cells:
        """Returns place cells, and directions drawn uniformly from the circle."""
        for_place, for_heading = jax.random.split(key)
        return PlaceAndHeadingCells(
            place=super().draw(for_place, arena),
            heading_rad=jax.random.uniform(for_heading, (self.heading_cells,), minval=-jnp.pi, maxval=jnp.pi),
        )

    def encode(self, arena: Arena, cells: Cells, walk: Walk) -> Float[Array, "steps outputs"]:
        """Returns what is to be reported along one walk."""
        if self.reported == "position":
            return walk.position_m
        place = self._place(arena, cells, walk.position_m)
        if self.reported == "place":
            return place
        return jnp.concatenate([place, self._heading(cells, walk.heading_rad)], axis=-1)

    def encode_start(self, arena: Arena, cells: Cells, walk: Walk) -> Float[Array, " told"]:
        """Returns what the network is told of the start of a walk."""
        start_m = walk.start_m[None]
        place = self._place(arena, cells, start_m) if self.told == "place_and_heading" else start_m
        return jnp.concatenate([place, self._heading(cells, walk.start_heading_rad[None])], axis=-1)[0]

    def decode(
        self, arena: Arena, cells: Cells, output: Float[Array, "steps outputs"]
    ) -> Float[Array, "steps 2"]:
        """Returns the mean centre of the three most active place cells, or the reported place."""
        if self.reported == "position":
            return output
        return super().decode(arena, cells.place, output[:, : self.place_cells])

    def _place(
        self, arena: Arena, cells: Cells, position_m: Float[Array, "steps 2"]
    ) -> Float[Array, "steps cells"]:
        return jax.nn.softmax(-scaled_square_distances(arena, cells.place, position_m)[0], axis=-1)

    def _heading(self, cells: Cells, heading_rad: Float[Array, " steps"]) -> Float[Array, "steps cells"]:
        away_rad = heading_rad[:, None] - cells.heading_rad[None]
        return jax.nn.softmax(self.heading_concentration * jnp.cos(away_rad), axis=-1)
