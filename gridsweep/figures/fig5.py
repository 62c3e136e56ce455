"""Figure 5: Gaussian targets with ReLU networks against filtered noise; hexagonal and square scores.

A Gaussian's spectrum has no ring (figure 14), so nothing hands a period to the network. The null is noise,
filtered and rectified, as the maps of ReLU units are. Where the curves lie below it, units of these
networks are less like lattices than noise is.

Source: spec sweeps_and_figures b.1; widths 0.08 to 0.28 m, RNN. Published: 1-CDF on a logarithmic axis, one
line a width, in shades.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gridsweep.figures._ask import Ask
from gridsweep.figures._entry import Figure
from gridsweep.figures._gaussian_against_noise import RULE, draw_against_noise, judge_against_noise
from gridsweep.figures.drawn import Drawn

if TYPE_CHECKING:
    from gridsweep.store import Store


def fig5(store: "Store", ask: Ask | None = None, axes: Mapping[str, Any] | None = None) -> Drawn:
    """Draws survival curves by field width. Panels: hexagonal, square (and both " linear")."""
    return draw_against_noise(store, ask or Ask(), axes, activation="relu", threshold="rectified")


FIGURE = Figure(
    title="Gaussian targets against noise, ReLU",
    draw=fig5,
    sweeps=("gaussian-relu",),
    claim="With Gaussian targets, grid scores of ReLU networks are at or below those of filtered noise, "
    "hexagonal and square, at every field width.",
    rule=RULE,
    judge=judge_against_noise,
)
