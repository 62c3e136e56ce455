"""One unit: its map, autocorrelogram and spectrum, its scores, and where these stand in its network."""

from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis.frames import Frame, pd
from gridsweep.figures._maps import as_square
from gridsweep.figures._page import Page, Panel
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.pages._reading import (
    LINE_MM,
    as_lines,
    draw_autocorrelogram,
    draw_power,
    draw_words,
    mark_score,
    mean_power,
    run_row,
    units_with_maps,
)
from gridsweep.figures.style import BLUE, SIZES, house_style
from gridsweep.figures.words import counted, score_words

if TYPE_CHECKING:
    from gridsweep.store import Store


def unit_page(
    store: "Store",
    run_id: str,
    unit: int,
    *,
    score: str = "grid_score_60",
    bins: int | None = None,
    evaluation: str | None = None,
    size: str = "slide",
) -> Drawn:
    """Draws one unit whose map is kept; the table has its columns of ``units``, a row each.

    Raises:
        ValueError: no such run, or its map is not kept.
    """
    store = store.pinned()
    run = run_row(store, run_id)
    of_run = f"run_id = '{run['run_id']}'"
    found = units_with_maps(store, [of_run, f"unit = {unit:d}"], bins=bins, evaluation=evaluation)
    row = found.iloc[0].to_dict()
    said = f"{of_run} AND bins = {row['bins']} AND evaluation = '{row['evaluation']}'"
    network: Frame = store.units(columns=[score, "silent"], where=said)
    shown = {
        name: value for name, value in row.items() if name != "map" and value is not None and value == value
    }
    rows = [
        [
            Panel("map", f"rate map, {row['bins']} bins", 46.0, left_mm=12.0),
            Panel("lags", f"autocorrelogram, ring of {score_words(score)}", 46.0, left_mm=12.0),
            Panel("power", "power of the map", 46.0, left_mm=12.0),
        ],
        [
            Panel("scores", "all units of its network", 42.0),
            Panel("numbers", "its row", LINE_MM * -(-len(shown) // 2), left_mm=2.0, below_mm=2.0),
        ],
    ]
    words = [f"Unit {unit} of run {run['run_id']}. Store\u00a0snapshot\u00a0{store.snapshot_id()}."]
    with house_style(SIZES[size].font_pt):
        page = Page(size, rows, words=words)
        _draw_map(page.axes["map"], row, float(run.get("arena.side_m", run.get("system.side_m", np.nan))))
        draw_autocorrelogram(page.axes["lags"], row, score, page.scale)
        draw_power(page.axes["power"], mean_power(found))
        axes = page.axes["scores"]
        values = network.loc[~network["silent"], score].dropna()
        axes.hist(values, bins=40, color=BLUE, alpha=0.6)
        mark_score(axes, row[score], page.scale)
        axes.set_xlabel(score_words(score))
        axes.set_ylabel(f"units (of {counted(len(network))})")
        draw_words(page.axes["numbers"], as_lines(shown), page.small, columns=2)
    table = pd.DataFrame({"name": list(shown), "value": [str(value) for value in shown.values()]})
    return page.drawn(table.assign(snapshot_id=store.snapshot_id()))


def _draw_map(axes: Any, row: dict, side_m: float) -> None:
    square = as_square(row["map"])
    look: dict[str, Any] = {"origin": "lower", "cmap": "viridis", "interpolation": "nearest"}
    in_metres = np.isfinite(side_m)
    half = side_m / 2 if in_metres else len(square) / 2
    shown = axes.imshow(square.T, extent=(-half, half, -half, half), **look)
    axes.set_xlabel("x (m)" if in_metres else "x (bins)")
    axes.set_ylabel("y (m)" if in_metres else "y (bins)")
    bar = axes.figure.colorbar(shown, ax=axes, fraction=0.046, pad=0.03)
    bar.outline.set_visible(False)
