"""Rate maps sorted by any score, each with its autocorrelogram and the ring that gave the score."""

from typing import TYPE_CHECKING

from gridsweep.analysis.frames import pd
from gridsweep.figures._page import Page, Panel
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.pages._reading import draw_pair, units_with_maps
from gridsweep.figures.style import SIZES, house_style
from gridsweep.figures.words import counted, score_words

if TYPE_CHECKING:
    from gridsweep.store import Store

COLUMNS = 8


def maps_page(
    store: "Store",
    score: str = "grid_score_60",
    *,
    where: str | None = None,
    number: int = 24,
    lowest: bool = False,
    bins: int | None = None,
    evaluation: str | None = None,
    size: str = "slide",
) -> Drawn:
    """Draws the kept maps of the units with the highest (or lowest) scores.

    Args:
        store: where from.
        score: any column of numbers of ``units``.
        where: an SQL condition on units.
        number: how many maps.
        lowest: the lowest ones in place of the highest.
        bins: of the maps, by default the largest kept.
        evaluation: by default the first in the alphabet that has maps.
        size: single, double or slide.

    Returns:
        The drawing; a row a map: run_id, unit, the score, evaluation, bins, snapshot_id.
    """
    store = store.pinned()
    units = units_with_maps(store, [where] if where else [], bins=bins, evaluation=evaluation)
    if score not in units or not pd.api.types.is_numeric_dtype(units[score]):
        raise ValueError(f"maps_page: found the score {score!r}, expected a number of units")
    ranked = units[units[score].notna()].sort_values(
        [score, "run_id", "unit"], ascending=[lowest, True, True], kind="stable"
    )
    shown = ranked.head(number).reset_index(drop=True)
    rows = -(-len(shown) // COLUMNS)
    # Pairs of lines: maps above, their autocorrelograms below.
    width_mm = SIZES[size].width_mm / SIZES[size].scale
    side_mm = (width_mm - 5.0 - 1.5 * (COLUMNS - 1)) / COLUMNS + 3.7
    panel = Panel("maps", _title(score, lowest), 2 * rows * side_mm, below_mm=1.0, grid=(2 * rows, COLUMNS))
    words = [
        f"{counted(len(shown), 'map')} of {counted(len(ranked), 'unit')} with a kept map"
        f"{f', where {where}' if where else ''}; {shown['bins'].iloc[0]} bins, evaluation "
        f"{shown['evaluation'].iloc[0]}. Above each its score; maps on their own scales, autocorrelograms "
        "from -1 (blue) to 1 (red) with the score's ring.",
        f"Store\u00a0snapshot\u00a0{store.snapshot_id()}.",
    ]
    with house_style(SIZES[size].font_pt):
        page = Page(size, [[panel]], words=words)
        for place in range(rows * COLUMNS):
            line, column = divmod(place, COLUMNS)
            upper = page.axes[f"maps {2 * line * COLUMNS + column}"]
            lower = page.axes[f"maps {(2 * line + 1) * COLUMNS + column}"]
            if place < len(shown):
                draw_pair(upper, lower, shown.iloc[place].to_dict(), score, page.small, page.scale)
            else:
                upper.set_axis_off()
                lower.set_axis_off()
    columns = ["run_id", "unit", score, "evaluation", "bins"]
    return page.drawn(shown[columns].assign(snapshot_id=store.snapshot_id()))


def _title(score: str, lowest: bool) -> str:
    return f"{'lowest' if lowest else 'highest'} first: {score_words(score)}"
