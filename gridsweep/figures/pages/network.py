"""One network: its best maps, its scores beside noise, its training, its spectrum, where it comes from."""

from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis.frames import Frame, pd
from gridsweep.figures._ask import Ask
from gridsweep.figures._maps import draw_map
from gridsweep.figures._page import Page, Panel
from gridsweep.figures._score_panels import key_of, rank
from gridsweep.figures._survival_sheet import draw_panel
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.pages._reading import (
    LINE_MM,
    as_lines,
    draw_power,
    draw_words,
    mean_power,
    run_row,
    units_with_maps,
)
from gridsweep.figures.style import BLUE, SIZES, VERMILION, house_style
from gridsweep.figures.words import counted

if TYPE_CHECKING:
    from gridsweep.store import Store

COLUMNS = 10
PROVENANCE = (
    "status",
    "reason",
    "position_error_cm",
    "position_error_floor_cm",
    "loss",
    "loss_floor",
    "seed",
)
PROVENANCE += (
    "gridsweep_version",
    "science_version",
    "env_id",
    "device_kind",
    "train_s",
    "cohort_id",
    "micro_batch",
)


def network_page(
    store: "Store",
    run_id: str,
    *,
    score: str = "grid_score_60",
    bins: int | None = None,
    evaluation: str | None = None,
    size: str = "slide",
) -> Drawn:
    """Draws one network; the table has its curve, its history and its settings.

    Raises:
        ValueError: no such run, none of its maps is kept, or it is a null.
    """
    store = store.pinned()
    run = run_row(store, run_id)
    of_run = f"run_id = '{run['run_id']}'"
    found = units_with_maps(store, [of_run], bins=bins, evaluation=evaluation)
    best = found.sort_values([score, "unit"], ascending=[False, True], kind="stable").head(COLUMNS)
    ask = Ask(bins=bins, evaluation=evaluation, partial=True, draws=200)
    numbers = rank(ask.select(store, score, "system.kind", [of_run]), ask)
    history: Frame = store.history(where=of_run).sort_values("update")
    settings = as_lines({name: value for name, value in run.items() if "." in name})
    about = as_lines({name: run[name] for name in PROVENANCE if name in run})
    tall = LINE_MM * max(-(-len(settings) // 2), len(about))
    rows = [
        [Panel("maps", "best units with a kept map", 21.0, below_mm=1.0, grid=(1, COLUMNS))],
        [
            Panel("survival", "its units beside noise", 40.0),
            Panel("power", "mean power of its kept maps", 40.0),
        ],
        [Panel("loss", "training: loss", 34.0), Panel("error", "training: position error", 34.0)],
        [
            Panel("settings", "settings", tall, share=2.0, left_mm=2.0, below_mm=1.0),
            Panel("provenance", "provenance", tall, left_mm=2.0, below_mm=1.0),
        ],
    ]
    words = [
        f"Run {run['run_id']}, {counted(len(found), 'kept map')}; {numbers.selection.filter}.",
        *numbers.selection.notes,
        f"Store\u00a0snapshot\u00a0{store.snapshot_id()}.",
    ]
    with house_style(SIZES[size].font_pt):
        page = Page(size, rows, key=key_of([numbers]), words=words)
        for place in range(COLUMNS):
            small = page.axes[f"maps {place}"]
            if place < len(best):
                draw_map(small, best["map"].iloc[place], f"{best[score].iloc[place]:.2f}", page.small)
            else:
                small.set_axis_off()
        draw_panel(page.axes["survival"], numbers, page.scale, page.small, "log")
        draw_power(page.axes["power"], mean_power(found))
        _draw_history(page.axes["loss"], history, "loss", "loss", run.get("loss_floor"))
        floor = run.get("position_error_floor_cm")
        _draw_history(page.axes["error"], history, "position_error_cm", "position error (cm)", floor)
        draw_words(page.axes["settings"], settings, page.small, columns=2)
        draw_words(page.axes["provenance"], about, page.small)
    tables = [
        numbers.data().assign(panel="survival"),
        history.assign(what="history", panel="training"),
        pd.DataFrame({"what": "setting", "name": list(run), "value": [str(value) for value in run.values()]}),
    ]
    return page.drawn(pd.concat(tables, ignore_index=True).assign(snapshot_id=store.snapshot_id()))


def _draw_history(axes: Any, history: Frame, column: str, label: str, floor: Any) -> None:
    """Draws one column of the history, with the floor that no network beats as a dashed line."""
    values = history[column].to_numpy(float) if column in history else np.array([])
    if not np.isfinite(values).any():
        axes.text(0.5, 0.5, "none stored", ha="center", va="center", transform=axes.transAxes)
    else:
        axes.plot(history["update"], values, color=BLUE)
    if floor is not None:
        axes.axhline(floor, color=VERMILION, linestyle=(0, (3.2, 1.6)))
    axes.set_xlabel("updates")
    axes.set_ylabel(label)
