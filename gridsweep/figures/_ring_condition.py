"""Where a difference of Gaussians has its ring, and for which heights the ring is on top: panels of theory.

Source: spec other_systems 3.2, 3.3.
"""

from typing import Any

import numpy as np

from gridsweep.analysis.frames import Frame, pd
from gridsweep.figures._page import Page
from gridsweep.figures.style import BLUE, GREY, INK, PALE, VERMILION
from gridsweep.theory.lattice import admissible, ring_map

SIDE_M = 2.2
INSIDE = "DoG inside the annulus"


def draw_wavenumbers(axes: Any, page: Page, *, published: bool) -> Frame:
    """Draws k* over field width and surround; where it is below two waves a box, hatched by a line."""
    # As far as published; beyond 0.4 m there is nothing left to see.
    width_m, surround = np.arange(0.05, 1.0001 if published else 0.4001, 0.01), np.arange(1.5, 10.01, 0.5)
    heights = 1.0 if published else surround[:, None] ** -2
    k = ring_map(width_m[None], surround[:, None], heights, dimensions=1 if published else 2)
    levels = np.arange(0, np.ceil(k.max()) + 1)
    shown = axes.contourf(width_m, surround, np.rint(k) if published else k, levels=levels, cmap="viridis")
    waves = k * SIDE_M / (2 * np.pi)
    axes.contour(width_m, surround, waves, levels=[2.0], colors=VERMILION, linewidths=1.1 * page.scale)
    axes.set_xlabel("field width (m)")
    axes.set_ylabel("surround over centre width")
    bar = axes.figure.colorbar(shown, ax=axes, fraction=0.05, pad=0.03, ticks=levels[::5])
    bar.outline.set_visible(False)
    axes.annotate(
        "line: two waves per box",
        (0.97, 0.94),
        xycoords="axes fraction",
        ha="right",
        va="top",
        color="white",
        fontsize=page.small,
    )
    grid_width, grid_surround = np.meshgrid(width_m, surround)
    return pd.DataFrame(
        {
            "what": "wavenumber of the ring",
            "panel": "wavenumber",
            "field_width_m": grid_width.ravel(),
            "surround_ratio": grid_surround.ravel(),
            "wavenumber_per_m": k.ravel(),
        }
    )


def draw_slice(axes: Any, settings: list[dict], page: Page) -> Frame:
    """Draws the admissible ratios of heights over field width for s = 2, and the networks' settings."""
    rows = []
    for width_m in np.round(np.arange(0.06, 0.301, 0.01), 2).tolist():
        for above_centre in (False, True):
            found = admissible(width_m, 2.0, SIDE_M, above_centre=above_centre, step=0.005)
            if found is not None:
                rows.append(
                    {
                        "what": "admissible, above zero" if above_centre else "admissible",
                        "field_width_m": width_m,
                        "low": found.low,
                        "high": found.high,
                    }
                )
    table = pd.DataFrame(rows).assign(panel="slice")
    for what, colour in (("admissible", PALE), ("admissible, above zero", BLUE)):
        band = table[table["what"] == what]
        look: dict[str, Any] = {"color": colour, "alpha": 0.5, "linewidth": 0}
        axes.fill_between(100 * band["field_width_m"], band["low"], band["high"], **look)
    for row in settings:
        if np.isfinite(row["heights"]):
            colour = BLUE if row["class"] == INSIDE else VERMILION
            axes.plot(
                100 * row["width_m"], row["heights"], "o", color=colour, markersize=3.2 * page.scale, zorder=3
            )
    axes.axhline(1.0, color=GREY, linewidth=0.7 * page.scale, linestyle=(0, (3.2, 1.6)))
    axes.annotate(
        "equal heights", (axes.get_xlim()[1], 1.0), ha="right", va="bottom", color=INK, fontsize=page.small
    )
    axes.set_yscale("log")
    axes.set_ylim(0.8, 20)
    axes.set_yticks([1, 2, 3, 5, 10, 20], ["1", "2", "3", "5", "10", "20"])
    axes.set_yticks([], minor=True)
    axes.set_xlabel("field width (cm)")
    axes.set_ylabel("height, centre over surround")
    return table
