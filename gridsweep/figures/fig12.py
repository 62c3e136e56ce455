"""Figure 12: square scores of the dense LSTM need a high learning rate.

Source: spec sweeps_and_figures b.1. Published: median square score 0.04 at 1e-4, 0.28 at 5e-4, 0.73 at 1e-3,
0.72 at 5e-3; errors 13, 6.6, 6.8, 7.2 cm.
The text's "0.1" is in no sweep of it (spec, claims against configs).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gridsweep.analysis.frames import Frame
from gridsweep.figures._ask import Ask
from gridsweep.figures._dense_lstm import LEARNING_RATE, draw_by_number, medians
from gridsweep.figures._entry import OPEN, Figure, Verdict, verdict
from gridsweep.figures.drawn import Drawn

if TYPE_CHECKING:
    from gridsweep.store import Store


def fig12(store: "Store", ask: Ask | None = None, axes: Mapping[str, Any] | None = None) -> Drawn:
    """Draws quantiles and errors by learning rate. Panels: quantiles, error."""
    return draw_by_number(store, ask or Ask(), axes, LEARNING_RATE, "learning rate", log=True)


def judge(data: Frame) -> Verdict:
    """Whether the median square score is larger at the largest learning rate than at the smallest."""
    found = medians(data).sort_values("x")
    if len(found) < 2 or found["x"].iloc[-1] < 10 * found["x"].iloc[0]:
        return Verdict(OPEN, "needs learning rates that differ by a factor of ten")
    low, high = found.iloc[0], found.iloc[-1]
    said = f"median square score {low['value']:.2f} at {low['x']:g}, {high['value']:.2f} at {high['x']:g}"
    return verdict(bool(high["value"] > low["value"] + 0.2), said)


FIGURE = Figure(
    title="Dense LSTM: learning rate",
    draw=fig12,
    sweeps=("learning-rate",),
    claim="Square lattices in the dense LSTM need a high learning rate.",
    rule="the median unit's square score, averaged over networks, is larger by more than 0.2 at the largest "
    "learning rate than at the smallest, of rates that differ at least tenfold",
    judge=judge,
)
