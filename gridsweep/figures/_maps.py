"""Rate maps in figures: the stored ones of given units, and how one is drawn."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from gridsweep.analysis.frames import Frame
from gridsweep.figures._ask import Ask
from gridsweep.figures.style import GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gridsweep.store import Store

SMOOTHING_BINS = 2.0  # for the eye only, as published (spec e.1); scores are of the map as it is
_NAMED_RUNS = 200


def best_maps(store: "Store", units: Frame, score: str, number: int, ask: Ask) -> Frame:
    """Returns run_id, unit, the score and the map of the units with the highest scores that have one stored.

    Args:
        store: where from.
        units: a row a unit: run_id, unit and the score.
        score: what is sorted by.
        number: how many.
        ask: bins, by default the largest stored; evaluation.
    """
    ranked = units[["run_id", "unit", score]].astype({"run_id": object}).dropna(subset=[score])
    # Units of equal scores stand in the order of their names, so that the picture is the same each time.
    ranked = ranked.sort_values([score, "run_id", "unit"], ascending=[False, True, True], kind="stable")
    runs = list(dict.fromkeys(ranked["run_id"]))[:_NAMED_RUNS]
    if not runs:
        return ranked.assign(map=None)
    stored = read_maps(store, runs, ask)
    found = ranked.merge(stored, on=["run_id", "unit"], how="inner")
    return found.drop_duplicates(["run_id", "unit"]).head(number).reset_index(drop=True)


def read_maps(store: "Store", runs: list[str], ask: Ask) -> Frame:
    """Returns run_id, unit, evaluation, bins, map of all stored maps of these runs, of one size.

    Without an evaluation, those of each run's first, of which its scores are: unit 3 of another evaluation
    may be another unit.
    """
    named = ", ".join(f"'{run_id}'" for run_id in runs)
    conditions = [f"run_id IN ({named})"]
    if ask.bins is not None:
        conditions.append(f"bins = {ask.bins:d}")
    if ask.evaluation is not None:
        conditions.append(f"evaluation = '{ask.evaluation}'")
    found: Frame = store.rate_maps(where=" AND ".join(conditions))
    found = found.astype({"run_id": object, "evaluation": object})
    if ask.evaluation is None:
        runs_said = store.runs(columns=["run_id", "evaluation"], where=conditions[0]).astype(object)
        found = found.merge(runs_said, on=["run_id", "evaluation"])
    if len(found):
        found = found[found["bins"] == found["bins"].max()]
        found = found.sort_values(["run_id", "unit"])
    return found.reset_index(drop=True)


def as_square(values: Any) -> Float[np.ndarray, "bins bins"]:
    """Returns a stored map as a square; the first axis is x."""
    flat = np.asarray(values, np.float64)
    bins = round(len(flat) ** 0.5)
    return flat.reshape(bins, bins)


def draw_map(axes: "Axes", values: Any, words: str, font_pt: float, *, smoothed: bool = True) -> None:
    """Draws one rate map on its own scale, x to the right and y up, with words above."""
    square = as_square(values)
    if smoothed:
        square = smooth(np.nan_to_num(square, nan=0.0), SMOOTHING_BINS)
    axes.imshow(square.T, origin="lower", cmap="viridis", interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    bins = len(square)
    look: dict[str, Any] = {"fontsize": font_pt, "color": GREY, "ha": "left", "va": "bottom"}
    axes.text(-0.5, bins - 0.3, words, **look)


def smooth(square: Float[np.ndarray, "bins bins"], width_bins: float) -> Float[np.ndarray, "bins bins"]:
    """Returns the map under a Gaussian, mirrored at its edges and cut at four widths."""
    reach = int(4 * width_bins + 0.5)
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-(offsets**2) / (2 * width_bins**2))
    kernel /= kernel.sum()
    padded = np.pad(square, reach, mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view
    return windows(windows(padded, len(kernel), axis=0) @ kernel, len(kernel), axis=1) @ kernel
