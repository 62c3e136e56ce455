"""Figure 14: the spectrum of a Gaussian target on the modes of a finite box: largest at zero, then falling.

A box of side L holds the waves 2πn/L with whole n. A Gaussian's power falls from zero in every direction, so
its modes come in the order of their length: zero, four cardinal ones, four diagonal ones. No ring,
no period.

Source: spec other_systems 3.3. Theory alone: needs no store. Field width 0.12 m, box of 2.2 m.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis.frames import Frame, pd
from gridsweep.figures._ask import Ask
from gridsweep.figures._entry import Figure, Verdict, verdict
from gridsweep.figures._page import Page, Panel
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import BLUE, GREY, INK, PALE, SIZES, VERMILION, house_style
from gridsweep.theory.closed_form import gaussian
from gridsweep.theory.lattice import lattice_points, modes_above, rings

if TYPE_CHECKING:
    from gridsweep.store import Store

WIDTH_M, SIDE_M, HIGHEST = 0.12, 2.2, 6
CONTOURS = (0.9, 0.5, 0.1, 0.01)  # shares of the power at zero


def fig14(
    store: "Store | None" = None, ask: Ask | None = None, axes: Mapping[str, Any] | None = None
) -> Drawn:
    """Draws the modes over contours of power, and their power by rank. Panels: modes, power."""
    del store
    ask = ask or Ask()
    field = gaussian(WIDTH_M)
    at_zero = float(field.power(np.array(0.0)))
    found = [ring for ring in rings(field, SIDE_M) if ring.squared <= HIGHEST**2]
    words = [
        f"Theory: Gaussian of {WIDTH_M} m in a box of {SIDE_M} m; dots: modes 2πn/L; circles: "
        f"{', '.join(f'{100 * share:g} %' for share in CONTOURS)} of the power at zero. "
        f"{modes_above(WIDTH_M, SIDE_M)} modes have more than half of it.",
    ]
    rows = [
        [
            Panel("modes", "modes of the box; colour: power over power at zero", 58.0, share=0.9),
            Panel("power", "power, ring by ring", 58.0),
        ]
    ]
    with house_style(SIZES[ask.size].font_pt):
        page = Page(ask.size, rows, words=words, axes=axes)
        _draw_modes(page.axes["modes"], field, at_zero, page)
        _draw_power(page.axes["power"], found, at_zero, page)
    table = pd.DataFrame(
        {
            "rank": np.arange(len(found)),
            "n_squared": [ring.squared for ring in found],
            "modes": [ring.modes for ring in found],
            "wavenumber_per_m": [ring.wavenumber_per_m for ring in found],
            "share_of_power_at_zero": [ring.power / at_zero for ring in found],
        }
    )
    return page.drawn(table.assign(field_width_m=WIDTH_M, side_m=SIDE_M))


def _draw_modes(axes: Any, field: Any, at_zero: float, page: Page) -> None:
    points = lattice_points(HIGHEST)
    k = 2 * np.pi * np.hypot(*points.T) / SIDE_M
    share = field.power(k) / at_zero
    angle = np.linspace(0, 2 * np.pi, 361)
    for contour in CONTOURS:
        radius = np.sqrt(-np.log(contour)) * SIDE_M / (2 * np.pi * WIDTH_M)
        axes.plot(
            radius * np.cos(angle), radius * np.sin(angle), color=PALE, linewidth=0.8 * page.scale, zorder=1
        )
    shown = axes.scatter(
        points[:, 0],
        points[:, 1],
        c=share,
        cmap="viridis_r",
        vmin=0,
        vmax=1,
        s=14 * page.scale,
        zorder=2,
        linewidths=0,
    )
    axes.plot(
        0, 0, "o", markerfacecolor="none", markeredgecolor=VERMILION, markersize=7 * page.scale, zorder=3
    )
    axes.set_aspect("equal")
    axes.set_xlim(-HIGHEST - 0.5, HIGHEST + 0.5)
    axes.set_ylim(-HIGHEST - 0.5, HIGHEST + 0.5)
    axes.set_xlabel("waves per box along x")
    axes.set_ylabel("waves per box along y")
    bar = axes.figure.colorbar(shown, ax=axes, fraction=0.046, pad=0.03)
    bar.outline.set_visible(False)


def _draw_power(axes: Any, found: list, at_zero: float, page: Page) -> None:
    length = np.sqrt([ring.squared for ring in found])
    share = np.array([ring.power for ring in found]) / at_zero
    smooth = np.linspace(0, HIGHEST, 200)
    curve = np.exp(-((WIDTH_M * 2 * np.pi * smooth / SIDE_M) ** 2))
    axes.plot(smooth, curve, color=GREY, linewidth=0.8 * page.scale, zorder=1)
    axes.plot(length, share, "o", color=BLUE, markersize=3.6 * page.scale, zorder=2)
    for ring, x, y in list(zip(found, length, share, strict=True))[:7]:
        words = f"{ring.modes} mode" + ("" if ring.modes == 1 else "s")
        at = {"textcoords": "offset points", "xytext": (4 * page.scale, 1 * page.scale), "color": INK}
        axes.annotate(words, (x, y), fontsize=page.small, va="bottom", **at)
    axes.set_xlabel("length of the mode (waves per box)")
    axes.set_ylabel("power over power at zero")
    axes.set_ylim(0, 1.1)
    axes.set_xlim(-0.2, HIGHEST + 0.2)


def judge(data: Frame) -> Verdict:
    """Whether the power is largest at zero and falls from ring to ring."""
    first = data.iloc[0]
    order = data.sort_values("rank")["n_squared"].head(7).astype(int).tolist()
    falls = bool((data.sort_values("n_squared")["share_of_power_at_zero"].diff().dropna() < 0).all())
    return verdict(
        first["n_squared"] == 0 and falls, f"modes by falling power, |n|²: {', '.join(map(str, order))} …"
    )


FIGURE = Figure(
    title="The modes of a Gaussian target in a finite box",
    draw=fig14,
    claim="A Gaussian target's spectrum on the lattice of a finite box peaks at zero: no ring, no period.",
    rule="the mode of largest power is zero, and power falls with every longer ring",
    judge=judge,
    from_theory=True,
)
