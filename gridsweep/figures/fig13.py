"""Figure 13: square scores of the dense LSTM need Adam.

Source: spec sweeps_and_figures b.1. Published: median and 99 % quantile of square scores 0.69 and 1.79 with
Adam, 0.63 and 1.65 with AdamW, 0.20 and 1.40 with SGD (RMSprop left out); errors 7.5, 7.7, 8.0 cm.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis.frames import Frame
from gridsweep.figures._ask import Ask
from gridsweep.figures._dense_lstm import (
    GOOD_CM,
    OPTIMIZER,
    as_table,
    foot,
    medians,
    quantiles_by,
    select,
)
from gridsweep.figures._entry import OPEN, Figure, Verdict, verdict
from gridsweep.figures._page import KeyEntry, Page, Panel
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import INK, SIZES, VERMILION, house_style, marks
from gridsweep.figures.words import group_words

if TYPE_CHECKING:
    from gridsweep.store import Store


def fig13(store: "Store", ask: Ask | None = None, axes: Mapping[str, Any] | None = None) -> Drawn:
    """Draws scores by quantile and errors, by optimizer. Panels: quantiles, error."""
    ask = ask or Ask()
    selection = select(store, ask, OPTIMIZER)
    scores, errors = quantiles_by(selection, ask)
    names = list(selection.groups["group"])
    nulls = selection.groups["null"].tolist()
    looks = dict(zip(names, marks(nulls, False), strict=True))
    labels = {
        name: name if null else group_words(selection.by, [name])
        for name, null in zip(names, nulls, strict=True)
    }
    key = [KeyEntry(looks[name], labels[name]) for name in names]
    rows = [[Panel("quantiles", "square scores of a network's units"), Panel("error", "position error")]]
    with house_style(SIZES[ask.size].font_pt):
        page = Page(ask.size, rows, key=key, words=foot(selection, ask), axes=axes)
        panel = page.axes["quantiles"]
        for name in names:
            line = scores[scores["group"] == name].sort_values("quantile")
            at = np.arange(len(line))
            panel.fill_between(
                at, line["low"], line["high"], color=looks[name].colour, alpha=0.2, linewidth=0
            )
            panel.plot(
                at,
                line["value"],
                color=looks[name].colour,
                linestyle=looks[name].line,
                marker="o",
                markersize=3,
            )
        quantiles = sorted(scores["quantile"].unique())
        panel.set_xticks(range(len(quantiles)), [f"{100 * quantile:g} %" for quantile in quantiles])
        panel.set_xlabel("quantile of a network's units")
        panel.set_ylabel("grid score (90°)")
        bars = page.axes["error"]
        for place, row in enumerate(errors.to_dict("records")):
            bars.bar(place, row["value"], color=looks[row["group"]].colour, alpha=0.5, width=0.6)
            bars.vlines(place, row["low"], row["high"], color=INK, linewidth=1.0 * page.scale)
        bars.set_xticks(range(len(errors)), [labels[name] for name in errors["group"]])
        bars.axhline(GOOD_CM, color=VERMILION, linestyle=(0, (3.2, 1.6)), linewidth=0.9 * page.scale)
        bars.set_ylabel("position error (cm)")
    return page.drawn(as_table(scores, errors, selection))


def judge(data: Frame) -> Verdict:
    """Whether Adam's median square score is larger than plain gradient descent's."""
    found = medians(data).set_index("group")["value"]
    if not {"adam", "sgd"} <= set(found.index):
        return Verdict(OPEN, "needs Adam and SGD")
    said = ", ".join(f"{name} {value:.2f}" for name, value in found.items())
    return verdict(bool(found["adam"] > found["sgd"] + 0.2), f"median square score: {said}")


FIGURE = Figure(
    title="Dense LSTM: optimizer",
    draw=fig13,
    sweeps=("optimizer",),
    claim="Square lattices in the dense LSTM need Adam or its kin; with gradient descent they are absent.",
    rule="the median unit's square score, averaged over networks, is larger by more than 0.2 with Adam than "
    "with SGD",
    judge=judge,
)
