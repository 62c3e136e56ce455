"""The spectra of all targets, from their cells and in closed form, with the period they hand over.

A panel for each kind of target: dots are the mean power of the modes of one length, of one draw of cells in
the box; the line is the continuum's, where a target is a sum of Gaussians (walls and few cells make the
difference). Both are relative to the strongest length but zero. Dashed: k*, where the closed form has its
ring. The last two panels say for which settings a difference of Gaussians has a ring at all, and for which it
is on top.

Source: spec other_systems 3.2 to 3.4, path_integrator b.3. Theory alone: needs no store.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis.frames import Frame, pd
from gridsweep.figures._ask import Ask
from gridsweep.figures._entry import Figure
from gridsweep.figures._page import KeyEntry, Page, Panel
from gridsweep.figures._ring_condition import SIDE_M, draw_slice, draw_wavenumbers
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import BLUE, GREY, SIZES, VERMILION, Mark, house_style
from gridsweep.figures.words import group_words
from gridsweep.theory.closed_form import hexagonal_period_m, of_target, ring_over_centre, ring_wavenumber

if TYPE_CHECKING:
    from gridsweep.store import Store

# A width of the paper, the ratio of No Free Lunch, and heights inside the admissible slice.
SETTINGS = {
    "place_cells": 512,
    "field_width_m": 0.12,
    "surround_ratio": 2.0,
    "amplitude_excitatory": 1.0,
    "amplitude_inhibitory": 0.32,
}
# Height of the surround over that of the centre.
HEIGHTS = {
    "difference_of_softmaxes": 0.25,
    "difference_of_gaussians": 1.0,
    "general_difference_of_gaussians": 0.32,
}
LONGEST, LEAST, MOST = 8, 1e-4, 3e3
HEIGHT_MM = 35.0
COLUMNS = 3


def spectra(
    store: "Store | None" = None, ask: Ask | None = None, axes: Mapping[str, Any] | None = None
) -> Drawn:
    """Draws theory. Panels: one named after each kind of target, wavenumber, slice."""
    # Computed with JAX, which importing the figures must not import.
    from gridsweep.theory.spectrum import spectra_of_targets

    del store
    ask = ask or Ask()
    found = spectra_of_targets(SETTINGS, SIDE_M)
    tables = {name: _powers(name, one) for name, one in found.items()}
    panels = [Panel(name, group_words(["target.kind"], [name]), HEIGHT_MM, below_mm=11.0) for name in found]
    panels.append(Panel("wavenumber", "wavenumber of the ring (rad/m)", HEIGHT_MM, below_mm=11.0))
    panels.append(Panel("slice", "heights for which the ring is on top", HEIGHT_MM, below_mm=11.0))
    panels += [Panel("", height_mm=HEIGHT_MM, below_mm=11.0, empty=True)] * (-len(panels) % COLUMNS)
    rows = [panels[start : start + COLUMNS] for start in range(0, len(panels), COLUMNS)]
    key = [
        KeyEntry(Mark(GREY, "-"), "closed form, no walls (dots: computed, one draw of cells)"),
        KeyEntry(Mark(VERMILION, (0, (3.2, 1.6))), "k*, where the closed form has its ring"),
    ]
    words = [
        f"Theory: fields of {SETTINGS['field_width_m']:g} m, 512 cells, ratio of widths "
        f"{SETTINGS['surround_ratio']:g}, height of the general surround "
        f"{SETTINGS['amplitude_inhibitory']:g}, box of {SIDE_M} m; power relative to the strongest length "
        "but zero. The closed form is of fields before they are made positive, which adds to zero alone. "
        "Periods: of a hexagonal lattice on k*. Last panel: ratio of widths 2; dark: and higher than zero.",
    ]
    with house_style(SIZES[ask.size].font_pt):
        page = Page(ask.size, rows, key=key, words=words, axes=axes)
        for name, table in tables.items():
            _draw_spectrum(page.axes[name], table, page)
        ring = draw_wavenumbers(page.axes["wavenumber"], page, published=False)
        heights = draw_slice(page.axes["slice"], [], page)
    return page.drawn(pd.concat([*tables.values(), ring, heights], ignore_index=True))


def _powers(name: str, spectrum: Any) -> Frame:
    """Returns a row a length of modes: power computed and in closed form, each over its largest but zero."""
    lengths, power = spectrum.by_length()
    near = lengths <= LONGEST
    lengths, power = lengths[near], power[near]
    field = of_target(name, SETTINGS)
    closed = np.full(len(lengths), np.nan)
    if field is not None:
        closed = field.power(2 * np.pi * lengths / spectrum.side_m)
        closed = closed / closed[1:].max()
    k = float("nan")
    if name in HEIGHTS:
        k = ring_wavenumber(SETTINGS["field_width_m"], SETTINGS["surround_ratio"], HEIGHTS[name])
    return pd.DataFrame(
        {
            "what": "power by length of mode",
            "panel": name,
            "waves_per_box": lengths,
            "power": power / power[1:].max(),
            "closed_form": closed,
            "ring_wavenumber_per_m": k,
            "predicted_period_m": hexagonal_period_m(k),
            "computed_period_m": spectrum.predicted_period_m(),
        }
    )


def _draw_spectrum(axes: Any, table: Frame, page: Page) -> None:
    k, name = table["ring_wavenumber_per_m"].iloc[0], table["panel"].iloc[0]
    axes.set_yscale("log")
    if table["closed_form"].notna().any():
        smooth = np.linspace(0, LONGEST, 400)
        field: Any = of_target(name, SETTINGS)
        at = field.power(2 * np.pi * table["waves_per_box"].to_numpy()[1:] / SIDE_M).max()
        curve = field.power(2 * np.pi * smooth / SIDE_M) / at
        axes.plot(smooth, np.maximum(curve, LEAST / 10), color=GREY, linewidth=0.9 * page.scale, zorder=1)
    axes.plot(table["waves_per_box"], table["power"], "o", color=BLUE, markersize=2.4 * page.scale, zorder=2)
    said = "no ring" if table["closed_form"].notna().any() else "no sum of Gaussians"
    if np.isfinite(k):
        dashes: dict[str, Any] = {"linestyle": (0, (3.2, 1.6)), "linewidth": 0.9 * page.scale, "zorder": 0}
        axes.axvline(k * SIDE_M / (2 * np.pi), ymax=0.86, color=VERMILION, **dashes)
        below = ring_over_centre(SETTINGS["surround_ratio"], HEIGHTS[name]) < 1
        said = f"k* {k:.2f} rad/m, {table['predicted_period_m'].iloc[0]:.2f} m"
        said += ", not on top" if below else ""
    look: dict[str, Any] = {"ha": "right", "va": "top", "color": GREY, "fontsize": page.small}
    axes.annotate(said, (0.99, 0.99), xycoords="axes fraction", **look)
    axes.set_xlim(-0.3, LONGEST + 0.3)
    axes.set_ylim(LEAST, MOST)
    axes.set_yticks([1e-4, 1e-2, 1, 100], ["0.0001", "0.01", "1", "100"])
    axes.set_yticks([], minor=True)
    axes.set_xlabel("length of the mode (waves per box)")
    axes.set_ylabel("relative power")


FIGURE = Figure("The spectra of all targets", spectra, from_theory=True)
