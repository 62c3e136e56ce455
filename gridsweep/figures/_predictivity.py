"""Predictivity over dimensionality: models, controls, the fitted line, and what other animals predict."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from gridsweep.analysis.frames import pd
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import BLUE, GREY, INK, MM_PER_INCH, ORANGE, SIZES, VERMILION, house_style
from gridsweep.neural.comparison import Compared
from gridsweep.neural.log_linear import LogLinear

TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
# A control is told from a model by colour and by shape.
MARKS = {
    "": ("models", BLUE, "o"),
    "truncated": ("the same, fewer components", ORANGE, "v"),
    "noise": ("smoothed noise of equal dimensionality", VERMILION, "x"),
}


def draw_predictivity(
    lines: Sequence[Compared], *, fit: LogLinear | None = None, ceiling: float | None = None
) -> Drawn:
    """Draws a point a line at (participation ratio with bins as samples, median correlation)."""
    import matplotlib.pyplot as plt
    import numpy as np

    table = pd.DataFrame([asdict(line) for line in lines])
    chosen = SIZES["single"]
    with house_style(chosen.font_pt):
        width = chosen.width_mm / MM_PER_INCH
        figure, axes = plt.subplots(figsize=(width, 0.72 * width), layout="constrained")
        marks: Any
        for control, (label, colour, marker) in MARKS.items():
            marks = table[table["control"] == control]
            if len(marks):
                axes.plot(
                    marks["ratio_bins_as_samples"], marks["median_r"],
                    marker, color=colour, label=label, markersize=4.5, clip_on=False, zorder=3,
                )  # fmt: skip
        if fit is not None:
            ratios = table.loc[table["control"] == "", "ratio_bins_as_samples"]
            ends = np.array([ratios.min(), ratios.max()])
            line = fit.intercept + fit.slope * np.log10(ends)
            axes.plot(
                ends,
                line,
                color=BLUE,
                linewidth=0.8,
                label=f"{fit.slope:.2f} a decade, r = {fit.correlation:.2f}",
            )
        if ceiling is not None:
            axes.axhline(ceiling, color=GREY, linewidth=0.8, linestyle=(0, (3, 2)), label="other animals")
        axes.set_xscale("log")
        axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axes.minorticks_off()
        ratios = table["ratio_bins_as_samples"]
        axes.set_xlim(ratios.min() / 1.15, ratios.max() * 1.15)
        axes.set_ylim(0, 1)
        axes.set_xlabel("participation ratio of the rate maps (bins as samples)")
        axes.set_ylabel("median correlation with held-out bins")
        axes.tick_params(colors=INK)
        axes.legend(frameon=False, loc="upper left")
        plt.close(figure)
    return Drawn(figure, {"predictivity": axes}, table)
