"""Figure 4: the dense LSTM with Gaussian targets: square maps only with strong dropout, high rate and Adam.

The best maps by square score, with strong dropout (0.5 and above) and with little (up to 0.1), each from the
networks of the store; below, their survival beside noise.

Source: spec sweeps_and_figures b.1; maps smoothed by 2 bins for the eye.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gridsweep.analysis.frames import Frame, pd
from gridsweep.figures._ask import Ask
from gridsweep.figures._dense_lstm import DROPOUT, SCORE, select
from gridsweep.figures._entry import OPEN, Figure, Verdict, verdict
from gridsweep.figures._maps import best_maps, draw_map
from gridsweep.figures._page import Page, Panel
from gridsweep.figures._score_panels import compared, foot, key_of, rank, share_above
from gridsweep.figures._survival_sheet import draw_panel
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import SIZES, house_style

if TYPE_CHECKING:
    from gridsweep.store import Store

STRONG, LITTLE = "strong dropout", "little dropout"
COLUMNS = 8


def fig4(store: "Store", ask: Ask | None = None, axes: Mapping[str, Any] | None = None) -> Drawn:
    """Draws maps and survival. Panels: "strong 0" to "strong 7", "little 0" …, survival."""
    ask = ask or Ask()
    selection = select(store, ask, DROPOUT)
    rates = {
        name: float(name)
        for name in selection.groups.loc[~selection.groups["null"], "group"]
        if name != "none"
    }
    names = {name: STRONG for name, rate in rates.items() if rate >= 0.5}
    names |= {name: LITTLE for name, rate in rates.items() if rate <= 0.1}
    joined = selection.regrouped(names, "dropout.kind")
    numbers = rank(joined, ask)
    maps = {
        name: best_maps(store, joined.table[(joined.table["group"] == name).to_numpy()], SCORE, COLUMNS, ask)
        for name in (STRONG, LITTLE)
    }
    panel = {STRONG: "strong", LITTLE: "little"}
    rows = [
        [Panel(panel[name], f"best maps by square score: {name}", 24.0, below_mm=1.0, grid=(1, COLUMNS))]
        for name in (STRONG, LITTLE)
    ]
    rows.append([Panel("survival", "square scores", 42.0)])
    with house_style(SIZES[ask.size].font_pt):
        page = Page(ask.size, rows, key=key_of([numbers]), words=foot([numbers], ask), axes=axes)
        for name, found in maps.items():
            for place in range(COLUMNS):
                small = page.axes[f"{panel[name]} {place}"]
                if place < len(found):
                    draw_map(small, found["map"].iloc[place], f"{found[SCORE].iloc[place]:.2f}", page.small)
                else:
                    small.set_axis_off()
        draw_panel(page.axes["survival"], numbers, page.scale, page.small, "log")
    tables = [numbers.data().assign(panel="survival"), compared(numbers, ask).assign(panel="survival")]
    for name, found in maps.items():
        drawn = found[["run_id", "unit", SCORE]].rename(columns={SCORE: "threshold"})
        tables.append(drawn.assign(what="map", panel=panel[name], group=name, score=SCORE))
    return page.drawn(pd.concat(tables, ignore_index=True))


def judge(data: Frame) -> Verdict:
    """Whether more units are square-like with strong dropout than with little."""
    strong, little = (share_above(data, "survival", name, 1.0) for name in (STRONG, LITTLE))
    if strong != strong or little != little:
        return Verdict(OPEN, "needs networks with dropout of 0.5 and above and up to 0.1")
    return verdict(
        strong > little,
        f"square score above 1.0: {100 * strong:.1f} % of units with strong dropout, "
        f"{100 * little:.1f} % with little",
    )


FIGURE = Figure(
    title="Dense LSTM: rate maps with strong and little dropout",
    draw=fig4,
    sweeps=("dropout",),
    claim="With Gaussian targets the dense LSTM grows square lattices only with strong dropout.",
    rule="the share of units with a square score above 1.0 is larger at dropout rates of 0.5 and above than "
    "at rates up to 0.1",
    judge=judge,
)
