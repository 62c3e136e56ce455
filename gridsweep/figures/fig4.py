"""Figure 4: the dense LSTM with Gaussian targets: square maps only with strong dropout, high rate and Adam.

The best maps by square score of four kinds of networks: the published setting, and those that differ from it
in one thing, dropout, learning rate or optimizer. Below, the survival of their units' square scores beside
noise. How the scores change step by step is in figures 11 to 13.

Source: spec sweeps_and_figures b.1; maps smoothed by 2 bins for the eye.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gridsweep.analysis.frames import Frame, pd
from gridsweep.figures._ask import Ask, NoRuns
from gridsweep.figures._dense_lstm import CONDITIONS, DROPOUT, LEARNING_RATE, NULL, OPTIMIZER, SCORE
from gridsweep.figures._entry import OPEN, Figure, Verdict, verdict
from gridsweep.figures._maps import best_maps, draw_map
from gridsweep.figures._page import Page, Panel
from gridsweep.figures._score_panels import compared, foot, key_of, rank, share_above
from gridsweep.figures._survival_sheet import draw_panel
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import SIZES, house_style

if TYPE_CHECKING:
    from gridsweep.store import Store

BASE, LITTLE, SLOW, SGD = "strong dropout, high rate, Adam", "little dropout", "low learning rate", "SGD"
KINDS = {"base": BASE, "dropout": LITTLE, "rate": SLOW, "optimizer": SGD}  # by the names of their panels
STRONG_DROPOUT, LITTLE_DROPOUT = 0.5, 0.1
HIGH_RATE, LOW_RATE = 5e-3, 5e-4
COLUMNS = 5


def fig4(store: "Store", ask: Ask | None = None, axes: Mapping[str, Any] | None = None) -> Drawn:
    """Draws maps and survival.

    Panels: "base 0" to "base 4", "dropout 0" …, "rate 0" …, "optimizer 0" …, linear, log.
    """
    ask = ask or Ask()
    by = (DROPOUT, LEARNING_RATE, OPTIMIZER)
    selection = ask.select(store, SCORE, by, CONDITIONS, null_where=NULL)
    trained = selection.groups[~selection.groups["null"]]
    kinds = {
        row["group"]: kind_of(*(None if pd.isna(row[column]) else row[column] for column in by))
        for row in trained.to_dict("records")
    }
    names = {group: name for name in KINDS.values() for group, kind in kinds.items() if kind == name}
    if not names:
        raise NoRuns(f"no dense LSTM is of one of the kinds {'; '.join(KINDS.values())}")
    joined = selection.regrouped(names, "setting.kind")
    numbers = rank(joined, ask)
    maps = {
        panel: best_maps(store, joined.table[(joined.table["group"] == name).to_numpy()], SCORE, COLUMNS, ask)
        for panel, name in KINDS.items()
    }
    small = [
        Panel(panel, f"best maps: {name}", 21.0, below_mm=2.0, grid=(1, COLUMNS))
        for panel, name in KINDS.items()
    ]
    scales = ["log"] if ask.published else ["linear", "log"]
    rows = [small[:2], small[2:], [Panel(scale, "square scores", 42.0) for scale in scales]]
    words = ["Maps: the whole arena, each on its own colour scale; above each its square score."]
    with house_style(SIZES[ask.size].font_pt):
        page = Page(ask.size, rows, key=key_of([numbers]), words=foot([numbers], ask, words), axes=axes)
        for panel, found in maps.items():
            for place in range(COLUMNS):
                one = page.axes[f"{panel} {place}"]
                if place < len(found):
                    draw_map(one, found["map"].iloc[place], f"{found[SCORE].iloc[place]:.2f}", page.small)
                else:
                    one.set_axis_off()
        for scale in scales:
            draw_panel(page.axes[scale], numbers, page.scale, page.small, scale)
    tables = [numbers.data().assign(panel="survival"), compared(numbers, ask).assign(panel="survival")]
    for panel, found in maps.items():
        drawn = found[["run_id", "unit", SCORE]].rename(columns={SCORE: "threshold"})
        tables.append(drawn.assign(what="map", panel=panel, group=KINDS[panel], score=SCORE))
    return page.drawn(pd.concat(tables, ignore_index=True))


def kind_of(dropout: str | None, learning_rate: str | None, optimizer: str | None) -> str:
    """Returns of which kind a network is, from its settings as text; "" where it is of none."""
    if dropout is None or learning_rate is None or optimizer is None:
        return ""
    strong, little = float(dropout) >= STRONG_DROPOUT, float(dropout) <= LITTLE_DROPOUT
    high, low = float(learning_rate) >= HIGH_RATE, float(learning_rate) <= LOW_RATE
    adam = optimizer == "adam"
    differs = {
        BASE: strong and high and adam,
        LITTLE: little and high and adam,
        SLOW: strong and low and adam,
        SGD: strong and high and optimizer == "sgd",
    }
    return next((name for name, it_is in differs.items() if it_is), "")


def judge(data: Frame) -> Verdict:
    """Whether more units are square-like at the published setting than where one thing is otherwise."""
    shares = {name: share_above(data, "survival", name, 1.0) for name in KINDS.values()}
    there = {name: share for name, share in shares.items() if share == share}
    if not {BASE, LITTLE} <= there.keys():
        return Verdict(OPEN, f"needs networks with {BASE}, and with {LITTLE}")
    said = ", ".join(f"{name} {100 * share:.1f} %" for name, share in there.items())
    largest_other = max(share for name, share in there.items() if name != BASE)
    return verdict(there[BASE] > largest_other, f"units with a square score above 1.0: {said}")


FIGURE = Figure(
    title="Dense LSTM: rate maps, and what square lattices need",
    draw=fig4,
    sweeps=("dropout", "learning-rate", "optimizer"),
    claim="With Gaussian targets the dense LSTM grows square lattices only with strong dropout, a high "
    "learning rate and Adam.",
    rule="the share of units with a square score above 1.0 is larger at dropout rates of 0.5 and above, "
    "learning rates of 0.005 and above and with Adam than with dropout up to 0.1, with rates up to 0.0005, "
    "or with SGD",
    judge=judge,
)
