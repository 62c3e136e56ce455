"""One sweep: how its runs ended, how well its networks integrate and score, and its best maps."""

from typing import TYPE_CHECKING

from gridsweep.analysis.frames import Frame, pd
from gridsweep.figures._ask import Ask
from gridsweep.figures._maps import best_maps, draw_map
from gridsweep.figures._page import Page, Panel
from gridsweep.figures._score_panels import foot, key_of, rank
from gridsweep.figures._survival_sheet import draw_panel
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.pages._reading import draw_words
from gridsweep.figures.style import SIZES, house_style, marks
from gridsweep.figures.words import score_words

if TYPE_CHECKING:
    from gridsweep.store import Store

COLUMNS = 10


def sweep_page(
    store: "Store", sweep: str, *, by: str = "target.kind", score: str = "grid_score_60", size: str = "slide"
) -> Drawn:
    """Draws a sweep by one of its settings; missing networks are counted, not refused.

    Raises:
        ValueError: no such sweep, or nothing of it is scored.
    """
    store = store.pinned()
    ask = Ask(sweep=sweep, partial=True, draws=500)
    numbers = rank(ask.select(store, score, by), ask)
    selection = numbers.selection
    maps = best_maps(store, selection.table[~selection.table["null"]], score, COLUMNS, ask)
    best = numbers.ranked.networks.astype({"group": object, "run_id": object})
    networks = selection.networks.astype({"group": object}).merge(
        best[["group", "run_id", "best"]], on=["group", "run_id"]
    )
    counts = store.status_counts().get(sweep, {})
    rows = [
        [Panel("survival", "units", 44.0), Panel("best", "networks", 44.0)],
        [Panel("maps", f"best maps: {score_words(score)}", 21.0, below_mm=1.0, grid=(1, COLUMNS))],
        [Panel("counts", "runs", 15.0, left_mm=2.0, below_mm=1.0)],
    ]
    with house_style(SIZES[size].font_pt):
        page = Page(size, rows, key=key_of([numbers]), words=foot([numbers], ask))
        draw_panel(page.axes["survival"], numbers, page.scale, page.small, "log")
        _draw_networks(page, networks, numbers, score)
        for place in range(COLUMNS):
            small = page.axes[f"maps {place}"]
            if place < len(maps):
                draw_map(small, maps["map"].iloc[place], f"{maps[score].iloc[place]:.2f}", page.small)
            else:
                small.set_axis_off()
        draw_words(page.axes["counts"], [f"{name}  {count:,}" for name, count in counts.items()], page.small)
    tables = [
        numbers.data().assign(panel="survival"),
        networks.assign(what="network", panel="best"),
        pd.DataFrame({"what": "runs", "name": list(counts), "value": list(counts.values())}),
    ]
    return page.drawn(pd.concat(tables, ignore_index=True).assign(sweep=sweep))


def _draw_networks(page: Page, networks: Frame, numbers, score: str) -> None:
    """Draws each network's best unit over its position error; systems without one are left out."""
    axes = page.axes["best"]
    styles = marks([group.null for group in numbers.groups], numbers.numeric)
    for group, mark in zip(numbers.groups, styles, strict=True):
        mine = networks[networks["group"] == group.name]
        if group.null or mine.empty:
            continue
        x = mine["position_error_cm"].to_numpy(float)
        axes.plot(
            x, mine["best"], "o", color=mark.colour, alpha=0.6, markersize=3.4 * page.scale, markeredgewidth=0
        )
    axes.set_xlabel("position error (cm)")
    axes.set_ylabel(f"best unit, {score_words(score)}")
