"""Figure 2: the target's spectrum sets the period: one period a network, in proportion to the field width.

a and b: the covariance of a difference of softmaxes and its power on the modes of the box, a ring. Then, for
each surround, the periods of the units that score above 0.8, by width. Last, the period of each network (the
median of those units) and of each width, beside what theory hands over: 7.55 widths for a ratio of standard
deviations of 2, 6.16 widths for a ratio of variances of 2.

Source: spec sweeps_and_figures b.1; periods e.7, in m, where the published figure has bins of 5 cm under the
label cm (f.14). Published: d is the mode of a kernel density with a bandwidth of one bin.
"""

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis.frames import Frame, pd
from gridsweep.analysis.per_network import mean_with_band
from gridsweep.figures._ask import Ask, NoRuns
from gridsweep.figures._entry import OPEN, Figure, Verdict, verdict
from gridsweep.figures._page import KeyEntry, Page, Panel
from gridsweep.figures._score_panels import about
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import GREY, SIZES, VERMILION, Mark, house_style, shades
from gridsweep.figures.words import counted
from gridsweep.theory.closed_form import hexagonal_period_m, ring_wavenumber

if TYPE_CHECKING:
    from gridsweep.store import Store

GRID_LIKE = 0.8
BIN_M = 0.05
BY = ("target.field_width_m", "target.surround_ratio", "target.surround_convention")
CONDITIONS = (
    "\"target.kind\" = 'difference_of_softmaxes'",
    "\"network.kind\" = 'rnn'",
    "\"network.activation\" = 'relu'",
)
HIGHEST_MODE = 7
NAMED = {"o": "circles", "s": "squares", "D": "diamonds", "^": "triangles", "v": "triangles down"}


def fig2(store: "Store", ask: Ask | None = None, axes: Mapping[str, Any] | None = None) -> Drawn:
    """Draws theory and periods. Panels: covariance, power, "distribution 0" … by surround, width."""
    ask = ask or Ask()
    conditions = [*CONDITIONS, f"grid_score_60 > {GRID_LIKE}"]
    selection = ask.select(store, "period_m", BY, conditions, include_null=False)
    table = selection.table[selection.table["period_m"].notna()]
    if table.empty:
        raise NoRuns(f"no unit above {GRID_LIKE} has a period_m in this store")
    groups = selection.groups.copy()
    groups["width_m"] = groups["target.field_width_m"].astype(float)
    ratio = groups["target.surround_ratio"].astype(float)
    of_variances = groups["target.surround_convention"] == "variance"
    groups["surround_ratio"] = np.where(of_variances, np.sqrt(ratio), ratio)
    groups["predicted_m"] = [
        hexagonal_period_m(ring_wavenumber(width, surround))
        for width, surround in zip(groups["width_m"], groups["surround_ratio"], strict=True)
    ]
    units = table.astype({"group": object, "run_id": object}).merge(groups, on="group")
    networks = (
        units.groupby(["group", "width_m", "surround_ratio", "predicted_m", "run_id"])["period_m"]
        .agg(centre_of_density if ask.published else "median")
        .reset_index()
    )
    middle = groups.iloc[(groups["width_m"] - groups["width_m"].median()).abs().argmin()]
    surrounds = sorted(units["surround_ratio"].unique(), reverse=True)
    signs = dict(zip(surrounds, itertools.cycle(NAMED), strict=False))
    below = [
        Panel(f"distribution {place}", f"units above {GRID_LIKE}, surround {ratio:.3g}", 46.0)
        for place, ratio in enumerate(surrounds)
    ]
    below.append(Panel("width", "period of each network", 46.0))
    rows = [
        [
            Panel("covariance", "covariance of the target", 40.0, left_mm=12.0),
            Panel("power", "its power, mode by mode", 40.0, left_mm=12.0),
        ],
        *(below[start : start + 3] for start in range(0, len(below), 3)),
    ]
    widths = sorted(groups["width_m"].unique())
    colours = dict(zip(widths, shades(len(widths)), strict=True))
    key = [KeyEntry(Mark(colour, "-"), f"field width {width:g} m") for width, colour in colours.items()]
    key.append(KeyEntry(Mark(VERMILION, (0, (3.2, 1.6))), "theory: hexagonal lattice on the ring"))
    words = [
        about([selection]),
        f"{counted(len(networks), 'network')} with {counted(len(units), 'such unit')}. a, b: theory for "
        f"{middle['width_m']:g} m, 512 cells, one draw, zero mode left out, relative to the largest value. "
        "Surround: ratio of standard deviations ("
        f"{', '.join(f'{NAMED[sign]} {ratio:.3g}' for ratio, sign in signs.items())}).",
        "No null: noise has no period of its own.",
        *selection.notes,
        f"Store\u00a0snapshot\u00a0{selection.snapshot_id}.",
    ]
    with house_style(SIZES[ask.size].font_pt):
        page = Page(ask.size, rows, key=key, words=words, axes=axes)
        power = draw_theory(page, float(middle["width_m"]), float(middle["surround_ratio"]))
        longest_m = float(units["period_m"].max())
        histograms = [
            draw_distribution(
                page.axes[f"distribution {place}"],
                units[units["surround_ratio"] == ratio],
                colours,
                page.scale,
                longest_m,
            ).assign(panel=f"distribution {place}", surround_ratio=ratio)
            for place, ratio in enumerate(surrounds)
        ]
        highest = max(page.axes[f"distribution {place}"].get_ylim()[1] for place in range(len(surrounds)))
        for place in range(len(surrounds)):
            page.axes[f"distribution {place}"].set_ylim(0, highest)
        means = draw_widths(page.axes["width"], networks, ask, page.scale, signs)
    tables = [
        *histograms,
        networks.assign(what="network", panel="width"),
        means.assign(what="width", panel="width"),
        power,
    ]
    about_all = {"filter": selection.filter, "snapshot_id": selection.snapshot_id}
    return page.drawn(pd.concat(tables, ignore_index=True).assign(**about_all))


def centre_of_density(periods_m: Any) -> float:
    """Returns the mode of a Gaussian kernel density with a bandwidth of one 5 cm bin, as published."""
    values = np.asarray(periods_m, float)
    at = np.linspace(0, 150 * BIN_M, 1000)
    density = np.exp(-((at[:, None] - values[None]) ** 2) / (2 * BIN_M**2)).sum(axis=1)
    return float(at[np.argmax(density)])


def draw_theory(page: Page, width_m: float, surround_ratio: float) -> Frame:
    """Draws covariance and power of one draw of cells."""
    # Computed with JAX, which importing the figures must not import.
    from gridsweep.theory.spectrum import spectrum_of_softmaxes

    found = spectrum_of_softmaxes(width_m, surround_ratio)
    half = found.side_m / 2
    covariance = found.covariance / np.abs(found.covariance).max()
    look: dict[str, Any] = {"origin": "lower", "cmap": "RdBu_r", "vmin": -1, "vmax": 1}
    page.axes["covariance"].imshow(covariance.T, extent=(-half, half, -half, half), **look)
    page.axes["covariance"].set_xlabel("lag along x (m)")
    page.axes["covariance"].set_ylabel("lag along y (m)")
    middle = len(found.power) // 2
    power = found.power.copy()
    power[middle, middle] = 0.0
    near = slice(middle - HIGHEST_MODE, middle + HIGHEST_MODE + 1)
    power = power[near, near] / power.max()
    edge = HIGHEST_MODE + 0.5
    look = {"origin": "lower", "cmap": "viridis", "vmin": 0, "vmax": 1}
    page.axes["power"].imshow(power.T, extent=(-edge, edge, -edge, edge), **look)
    k = ring_wavenumber(width_m, surround_ratio) * found.side_m / (2 * np.pi)
    angle = np.linspace(0, 2 * np.pi, 181)
    page.axes["power"].plot(
        k * np.cos(angle),
        k * np.sin(angle),
        color=VERMILION,
        linewidth=0.9 * page.scale,
        linestyle=(0, (3.2, 1.6)),
    )
    page.axes["power"].set_xlabel("waves per box along x")
    page.axes["power"].set_ylabel("waves per box along y")
    side = np.arange(-HIGHEST_MODE, HIGHEST_MODE + 1)
    x, y = np.meshgrid(side, side, indexing="ij")
    return pd.DataFrame(
        {
            "what": "power",
            "panel": "power",
            "mode_x": x.ravel(),
            "mode_y": y.ravel(),
            "fraction": power.ravel(),
        }
    )


def draw_distribution(
    axes: Any, units: Frame, colours: dict[float, str], scale: float, longest_m: float
) -> Frame:
    """Draws for each width which share of its units has which period, in bins of 5 cm."""
    edges = np.arange(0, np.ceil(longest_m / BIN_M) + 2) * BIN_M
    rows = []
    for width, mine in units.groupby("width_m"):
        counts, _ = np.histogram(mine["period_m"], edges)
        share = counts / counts.sum()
        axes.stairs(share, edges, color=colours[width], linewidth=1.1 * scale)
        rows.append(
            pd.DataFrame(
                {"width_m": width, "period_m": edges[:-1], "fraction": share, "units": int(counts.sum())}
            )
        )
    axes.set_xlabel("grid period (m)")
    axes.set_ylabel("share of units")
    axes.set_xlim(0, edges[-1])
    axes.set_ylim(0, None)
    return pd.concat(rows, ignore_index=True).assign(what="units by period")


def draw_widths(axes: Any, networks: Frame, ask: Ask, scale: float, signs: Mapping[float, str]) -> Frame:
    """Draws networks, means with bands, and theory for each surround."""
    rows = []
    for surround, mine in networks.groupby("surround_ratio"):
        marker = signs[surround]
        axes.plot(
            100 * mine["width_m"], mine["period_m"], marker, color=GREY, markersize=2.2 * scale, alpha=0.5
        )
        for width, here in mine.groupby("width_m"):
            band = mean_with_band(
                here["period_m"].to_numpy(), draws=ask.draws, seed=ask.seed, level=ask.level
            )
            rows.append(
                {
                    "width_m": width,
                    "surround_ratio": surround,
                    "predicted_m": here["predicted_m"].iloc[0],
                    **dict(zip(("period_m", "low", "high"), band, strict=True)),
                    "networks": len(here),
                }
            )
            axes.vlines(100 * width, band[1], band[2], color="black", linewidth=1.0 * scale)
            axes.plot(100 * width, band[0], marker, color="black", markersize=3.6 * scale)
        line = np.array([mine["width_m"].min() * 0.92, mine["width_m"].max() * 1.05])
        theory = [hexagonal_period_m(ring_wavenumber(width, surround)) for width in line.tolist()]
        dashes: dict[str, Any] = {"linestyle": (0, (3.2, 1.6)), "linewidth": 1.0 * scale, "zorder": 1}
        axes.plot(100 * line, theory, color=VERMILION, **dashes)
        axes.annotate(
            f" {theory[1] / line[1]:.2f} widths",
            (100 * line[1], theory[1]),
            ha="left",
            va="center",
            color=VERMILION,
        )
    axes.set_xlim(None, 165 * networks["width_m"].max())  # room for the words
    axes.set_xlabel("field width (cm)")
    axes.set_ylabel("grid period (m)")
    axes.set_ylim(0, None)
    return pd.DataFrame(rows)


def judge(data: Frame) -> Verdict:
    """Whether periods grow with the width and lie near theory."""
    means = data[data["what"] == "width"]
    found, agree = [], []
    for surround, mine in means.groupby("surround_ratio"):
        mine = mine.sort_values("width_m")
        if len(mine) < 3:
            continue
        over = (mine["period_m"] / mine["predicted_m"]).astype(float)
        order = float(mine["period_m"].rank().corr(mine["width_m"].rank()))
        agree.append(order >= 0.9 and bool(over.between(0.75, 1.25).all()))
        found.append(
            f"ratio {surround:.2f}: rank correlation {order:.2f}, measured over predicted "
            f"{over.min():.2f} – {over.max():.2f}"
        )
    if not found:
        return Verdict(OPEN, "needs three widths with grid-like units")
    return verdict(all(agree), "; ".join(found))


FIGURE = Figure(
    title="The target's spectrum sets the period",
    draw=fig2,
    sweeps=("field-width",),
    claim="Units of a network have one period, and it grows with the field width as the spectrum of the "
    "target says.",
    rule="for each surround, mean periods rise with the width (rank correlation at least 0.9) and lie "
    "within 25 % of the period of a hexagonal lattice on the target's ring",
    judge=judge,
)
