"""Figure 11: square scores of the dense LSTM need dropout; knowing the place does not.

Source: spec sweeps_and_figures b.1. Published: median square score 0.26 without dropout, 0.69 at 0.5, 0.78 at
0.6; position error flat near 7 cm.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis.frames import Frame
from gridsweep.figures._ask import Ask
from gridsweep.figures._dense_lstm import DROPOUT, draw_by_number, medians
from gridsweep.figures._entry import OPEN, Figure, Verdict, verdict
from gridsweep.figures.drawn import Drawn

if TYPE_CHECKING:
    from gridsweep.store import Store


def fig11(store: "Store", ask: Ask | None = None, axes: Mapping[str, Any] | None = None) -> Drawn:
    """Draws quantiles and errors by dropout. Panels: quantiles, error."""
    return draw_by_number(store, ask or Ask(), axes, DROPOUT, "dropout rate", log=False)


def judge(data: Frame) -> Verdict:
    """Whether the median square score is larger with strong dropout than with little."""
    found = medians(data)
    little, strong = found[found["x"] <= 0.1], found[(found["x"] >= 0.5)]
    if little.empty or strong.empty:
        return Verdict(OPEN, "needs rates up to 0.1 and from 0.5 on")
    low, high = float(np.mean(little["value"])), float(np.mean(strong["value"]))
    return verdict(
        high > low + 0.2, f"median square score {low:.2f} with little dropout, {high:.2f} with strong"
    )


FIGURE = Figure(
    title="Dense LSTM: dropout",
    draw=fig11,
    sweeps=("dropout",),
    claim="Square lattices in the dense LSTM need strong dropout, though networks integrate without it.",
    rule="the median unit's square score, averaged over networks, is larger by more than 0.2 at rates of 0.5 "
    "and above than at rates up to 0.1",
    judge=judge,
)
