"""Which rate maps go into the page: those of the best units of some networks of each group, eight bits a bin.

All of them would not fit: 11,608 networks keep gigabytes. Networks are taken from the groups by turns, the
one with the best unit first, so that a group of low scores is not left out; the page says how many there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, UInt8

from gridsweep.analysis.frames import Column, Frame, pd
from gridsweep.figures._maps import as_square
from gridsweep.figures.report.settings import encoded

if TYPE_CHECKING:
    from gridsweep.store import Store

SCORES = ("grid_score_60", "grid_score_90")
_OF_UNITS = (*SCORES, "ring_60_inner", "ring_60_outer", "ring_90_inner", "ring_90_outer")


@dataclass(frozen=True)
class MapsWanted:
    """How many maps go into the page, and from which networks.

    Args:
        networks: of how many networks at most.
        units: of how many units of each at most; half of them the best by one score, half by the other.
    """

    networks: int = 500
    units: int = 6


def choose_networks(groups: Column, best: np.ndarray, number: int) -> list[int]:
    """Returns rows of networks, from each group by turns, those with the highest best unit first.

    Args:
        groups: of each network; NULL is a group, too.
        best: of each network; NaN for those that have no maps to show.
        number: how many at most.
    """
    places = pd.DataFrame({"group": pd.factorize(groups, use_na_sentinel=False)[0], "best": best})
    places = places[places["best"].notna()].sort_values(
        ["group", "best"], ascending=[True, False], kind="stable"
    )
    places["turn"] = places.groupby("group").cumcount()
    return list(places.sort_values(["turn", "group"], kind="stable").index[:number])


def read_kept(
    store: "Store", runs: Frame, rows: Sequence[int], *, bins: int, wanted: MapsWanted
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields, for those of the rows that have maps, the row and its units as the page reads them.

    One cohort is in memory at a time.

    Args:
        store: where from.
        runs: a row a run: run_id, cohort_id, scores_of (the evaluation).
        rows: of ``runs``.
        bins: of the maps that were scored; where none of that size is kept, the largest kept.
        wanted: how many units.
    """
    chosen = runs.loc[list(rows), ["run_id", "cohort_id", "scores_of"]]
    for cohort_id, mine in chosen.groupby("cohort_id", sort=True):
        entry = store.datasets.measures.entries().get(cohort_id)
        if entry is None or not {"rate_maps", "units"} <= entry.tables.keys():
            continue
        row_of = {(run_id, of): row for row, run_id, of in mine[["run_id", "scores_of"]].itertuples()}
        stored = _of_runs(store.datasets.read_cohort("rate_maps", cohort_id), row_of)
        if stored.empty:
            continue
        units = store.datasets.read_cohort("units", cohort_id).select(
            ["run_id", "evaluation", "bins", "unit", *_OF_UNITS]
        )
        both = stored.merge(_of_runs(units, row_of), on=["row", "bins", "unit"])
        for row, found in both.groupby("row", sort=True):
            sizes = set(found["bins"])
            found = found[found["bins"] == (bins if bins in sizes else max(sizes))]
            yield row, _as_read(best_units(found, wanted.units))


def best_units(units: Frame, number: int) -> Frame:
    """Returns so many units: by turns the best by each score, none twice."""
    places: dict[int, None] = {}
    ranked = [units.sort_values([score, "unit"], ascending=[False, True]).index for score in SCORES]
    for pair in zip(*ranked, strict=True):
        places.update(dict.fromkeys(pair))
    return units.loc[list(places)[:number]]


def _of_runs(table: Any, row_of: dict[tuple[str, str], int]) -> Frame:
    """Returns a table's rows of some runs and their evaluation, with ``row``."""
    wanted = {run_id for run_id, _ in row_of}
    ids = table["run_id"].to_pandas().astype(object)
    mask = ids.isin(wanted).to_numpy()
    found: Frame = table.take(np.flatnonzero(mask)).to_pandas()
    pairs = zip(found["run_id"].astype(object), found["evaluation"].astype(object), strict=True)
    row = np.array([row_of.get(pair, -1) for pair in pairs], np.int64)
    found = found.drop(columns=["run_id", "evaluation"]).assign(row=row)
    return found[row >= 0].reset_index(drop=True)


def _as_read(units: Frame) -> dict[str, Any]:
    bytes_of, described = [], []
    for unit in units.to_dict("records"):
        values, low, high = quantise(as_square(unit["map"]))
        bytes_of.append(values.ravel())
        numbers = {name: None if pd.isna(unit[name]) else round(float(unit[name]), 4) for name in _OF_UNITS}
        described.append({"unit": int(unit["unit"]), "low": low, "high": high, **numbers})
    return {
        "bins": int(units["bins"].iloc[0]),
        "units": described,
        "maps": encoded(np.concatenate(bytes_of)),
    }


def quantise(values: Float[np.ndarray, "bins bins"]) -> tuple[UInt8[np.ndarray, "bins bins"], float, float]:
    """Returns a map as bytes (0 to 254 from its lowest to its highest rate, 255 unvisited) and both rates."""
    visited = np.isfinite(values)
    if not visited.any():
        return np.full(values.shape, 255, np.uint8), 0.0, 0.0
    low, high = float(values[visited].min()), float(values[visited].max())
    span = high - low
    scaled = np.rint((np.where(visited, values, low) - low) * (254 / span if span > 0 else 0.0))
    return np.where(visited, scaled, 255).astype(np.uint8), low, high
