"""The numbers behind the published figure: predictivity of twenty networks, dimensionality of five.

Predictivity was not refitted there: it was read off Nayebi et al. 2021, "Explaining heterogeneity in medial
entorhinal cortex with task-driven neural networks" (``nayebi2021.csv``, the trained networks), and paired
with the participation ratios of networks trained anew, of rectifying units only: Schaeffer et al. 2022, "No
Free Lunch from Deep Learning in Neuroscience", Fig. 10a. The caption says R^2; the numbers are Pearson's r.
An earlier round had four of the five. Both rounds were read off plots (spec other_systems 7.2).
"""

import csv
from importlib import resources
from typing import NamedTuple

import numpy as np


class Point(NamedTuple):
    """One network of a published figure."""

    network: str
    participation_ratio: float
    predictivity: float


FINAL = (
    Point("rnn", 3.5, 0.68),
    Point("srnn", 4.9, 0.78),
    Point("lstm", 8.85, 0.79),
    Point("gru", 9.4, 0.76),
    Point("ugrnn", 16.65, 0.81),
)
EARLIER = (
    Point("rnn", 2.7, 0.68),
    Point("gru", 7.6, 0.76),
    Point("lstm", 8.0, 0.79),
    Point("ugrnn", 16.3, 0.81),
)


def as_arrays(points: tuple[Point, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the participation ratios and the predictivities."""
    return (
        np.array([point.participation_ratio for point in points]),
        np.array([point.predictivity for point in points]),
    )


def nayebi_2021() -> dict[tuple[str, str], float]:
    """Returns the predictivity of each (network, activation), median Pearson correlation over cells."""
    text = resources.files("gridsweep.neural").joinpath("nayebi2021.csv").read_text()
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {(row["network"], row["activation"]): float(row["predictivity"]) for row in rows}
