"""The border score: does a unit fire along a wall?

A border cell's field covers a wall and keeps near it. The score sets the largest share of any one wall that
one field covers, c, against how far from the walls the unit fires, d: (c - d) / (c + d), which is 1 for a
line of firing all along a wall and -1 where no field touches one.

Source: Solstad et al. 2008, in the form of the ganguli-lab programs (spec e.8) with their coverage loop
corrected: theirs looked at the first field only, here the best of all fields counts.
"""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Shaped

from gridsweep.maps.firing_fields import label_fields
from gridsweep.scores._base import Look, Score

FIRING_SHARE_OF_PEAK = 0.3  # spec e.8
LEAST_AREA_CM2 = 200.0  # spec e.8; Solstad et al. 2008
_CM_OF_M = 100.0


class BorderScore(Score):
    """Coverage of a wall against distance from the walls, of the unit's firing fields."""

    columns = ("border_score",)
    nullable: ClassVar[tuple[str, ...]] = columns

    def measure(self, look: Look) -> dict[str, Shaped[Array, " units"]]:
        """Returns the score, between -1 and 1; NaN for a unit without a firing field.

        Unvisited bins count as zero rate. A field is a 4-connected part of the bins above 0.3 of the peak
        rate, of more than 200 cm^2; a unit whose peak is not above 0 has none.
        """
        rates = jnp.where(jnp.isnan(look.maps), 0.0, look.maps)
        bins = rates.shape[-1]
        peak = jnp.max(rates, axis=(1, 2), keepdims=True)
        firing = (rates > FIRING_SHARE_OF_PEAK * peak) & (peak > 0)
        bin_area_cm2 = (_CM_OF_M * look.side_m / bins) ** 2
        return {"border_score": border_scores(rates, firing, bin_area_cm2)}


def border_scores(
    rates: Float[Array, "units bins bins"],
    firing: Bool[Array, "units bins bins"],
    bin_area_cm2: Float[Array, ""] | float,
) -> Float[Array, " units"]:
    """Returns the border score of fields that are the connected parts of ``firing``."""
    units, bins, _ = rates.shape
    dtype = rates.dtype
    fields = bins**2 + 1  # one for every number a field can have; the last is for bins without
    label = label_fields(firing).reshape(units, -1)
    from_wall = jnp.minimum(jnp.arange(1, bins + 1), jnp.arange(bins, 0, -1))
    distance = jnp.minimum(from_wall[:, None], from_wall[None, :]).astype(dtype)  # 1 in the bins at a wall
    weighted = jnp.where(firing, rates, 0.0)
    sums = jnp.stack([firing.astype(dtype), weighted, weighted * distance[None]], axis=-1)
    place = label + fields * jnp.arange(units, dtype=label.dtype)[:, None]
    total = jnp.zeros((units * fields, 3), dtype)
    total = total.at[place.ravel()].add(sums.reshape(-1, 3), mode="promise_in_bounds")
    bins_in, rate, rate_distance = jnp.moveaxis(total.reshape(units, fields, 3)[:, :-1], -1, 0)

    large = bins_in * bin_area_cm2 > LEAST_AREA_CM2
    number = jnp.sum(large, axis=1).astype(dtype)
    mean_bins = jnp.sum(jnp.where(large, rate_distance / jnp.where(large, rate, 1.0), 0.0), axis=1)
    mean_bins = mean_bins / jnp.maximum(number, 1.0)
    far = mean_bins / (bins / 2)
    near = _largest_coverage(label.reshape(rates.shape), large).astype(dtype) / bins
    score = (near - far) / jnp.where(number > 0, near + far, 1.0)
    return jnp.where(number > 0, score, jnp.nan)


def _largest_coverage(
    label: Int[Array, "units bins bins"], large: Bool[Array, "units fields"]
) -> Int[Array, " units"]:
    """Returns the largest number of bins of any wall that lie in one large field."""
    units = len(label)
    walls = jnp.stack([label[:, 0], label[:, -1], label[:, :, 0], label[:, :, -1]], axis=1)
    known = jnp.concatenate([large, jnp.zeros((units, 1), bool)], axis=1)
    counts = jnp.take_along_axis(known, walls.reshape(units, -1), axis=1).reshape(walls.shape)
    together = walls[:, :, :, None] == walls[:, :, None, :]
    covered = jnp.sum(together & counts[:, :, :, None], axis=3)
    return jnp.max(covered, axis=(1, 2))
