"""Models beside each other: what each predicts of the cells, how many dimensions it has, and its controls."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gridsweep.neural.controls import matched_noise, truncated
from gridsweep.neural.dimensionality import map_rank, of_bins, of_units
from gridsweep.neural.mappings import Mapping
from gridsweep.neural.predictivity import Maps, median, predictivity
from gridsweep.neural.synthetic import BINS, DIMENSIONS, MODEL_DIMENSIONS, smooth_maps, synthetic_cells

TRUNCATIONS = (2, 4, 8, 16, 32)


@dataclass(frozen=True)
class Model:
    """Rate maps that are to predict cells, under a name."""

    name: str
    maps: Float[np.ndarray, "units bins bins"]
    control: str = ""  # what it is a control of, and which; empty for a model itself


@dataclass(frozen=True)
class Compared:
    """One line of the comparison. ``median_r`` is over the cells of all animals that have a number."""

    model: str
    control: str
    units: int
    rank: int
    ratio_units_as_samples: float
    ratio_bins_as_samples: float
    cells: int
    median_r: float


def compare(
    models: Sequence[Model],
    animals: Sequence[Maps],
    *,
    splits: str = "random",
    mapping: Mapping | None = None,
) -> list[Compared]:
    """Returns a line for each model, its cells pooled across animals."""
    lines = []
    for model in models:
        source = np.moveaxis(np.asarray(model.maps, np.float64), 0, -1)
        by_cell = [predictivity(source, cells, splits=splits, mapping=mapping).by_cell for cells in animals]
        pooled = np.concatenate(by_cell)
        lines.append(
            Compared(
                model.name,
                model.control,
                units=len(model.maps),
                rank=map_rank(model.maps),
                ratio_units_as_samples=of_units(model.maps),
                ratio_bins_as_samples=of_bins(model.maps),
                cells=int(np.isfinite(pooled).sum()),
                median_r=median(pooled),
            )
        )
    return lines


def controls_of(model: Model) -> list[Model]:
    """Returns the model with fewer dimensions, and noise with as many; what cannot be made is left out."""
    maps = np.asarray(model.maps, np.float64)
    rank = map_rank(maps)
    found = [
        Model(f"{model.name} ({kept} components)", truncated(maps, kept), control="truncated")
        for kept in TRUNCATIONS
        if kept < rank
    ]
    try:
        noise = matched_noise(of_bins(maps), len(maps), maps.shape[-1])
    except ValueError:  # no smoothed noise has so many, or so few, dimensions
        return found
    return [*found, Model(f"{model.name} (noise)", noise, control="noise")]


def synthetic_models(
    dimensions: Sequence[int] = MODEL_DIMENSIONS, *, bins: int = BINS, total: int = DIMENSIONS, seed: int = 0
) -> tuple[list[Model], Maps]:
    """Returns models of the first d maps of a common space, and cells that mix all of them."""
    maps = smooth_maps(total, bins, seed=seed)
    models = [Model(f"{d} maps", np.moveaxis(maps[..., :d], -1, 0)) for d in dimensions]
    return models, synthetic_cells(maps, seed=seed + 1)
