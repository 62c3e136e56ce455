"""What the pages read: one run's row, units with their scores and kept maps, and pictures of both."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from gridsweep.analysis.frames import Frame
from gridsweep.figures._maps import as_square, draw_map
from gridsweep.figures.style import GREY, VERMILION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gridsweep.store import Store

RINGS = {
    "grid_score_60": ("ring_60_inner", "ring_60_outer"),
    "grid_score_90": ("ring_90_inner", "ring_90_outer"),
}


def run_row(store: "Store", run_id: str) -> dict[str, Any]:
    """Returns a run's row without its empty columns.

    Args:
        store: where from.
        run_id: whole, or the beginning of exactly one.

    Raises:
        ValueError: none begins so, or several do.
    """
    ids = [name for name in store.ledger.run_statuses() if name.startswith(run_id)]
    if len(ids) != 1:
        found = ", ".join(sorted(ids)[:4]) + (", …" if len(ids) > 4 else "")
        raise ValueError(
            f"found {len(ids)} runs that begin with {run_id!r} ({found or 'none'}), expected one"
        )
    row = store.runs(where=f"run_id = '{ids[0]}'").iloc[0].to_dict()
    return {name: value for name, value in row.items() if not (value is None or value != value)}


def units_with_maps(
    store: "Store", conditions: Sequence[str], *, bins: int | None, evaluation: str | None
) -> Frame:
    """Returns units (all their columns) whose rate map is kept, with ``map``; of the largest size kept.

    Raises:
        ValueError: there is none.
    """
    where = " AND ".join(f"({condition}\n)" for condition in conditions) or "true"
    said = [] if bins is None else [f"bins = {bins:d}"]
    said += [] if evaluation is None else [f"evaluation = '{evaluation}'"]
    units: Frame = store.units(where=" AND ".join([where, *said]))
    units = units.astype({"run_id": object, "evaluation": object})
    runs = list(dict.fromkeys(units["run_id"]))
    named = ", ".join(f"'{run_id}'" for run_id in runs)
    maps: Frame = store.rate_maps(where=" AND ".join([f"run_id IN ({named})", *said]) if runs else "false")
    maps = maps.astype({"run_id": object, "evaluation": object})
    found = units.merge(maps, on=["run_id", "evaluation", "bins", "unit"], how="inner")
    if found.empty:
        raise ValueError(
            f"no rate maps are kept of units with {where} (of {len(units):,} such units); "
            "a sweep keeps them with keep: {rate_maps: best} or all"
        )
    found = found[found["bins"] == found["bins"].max()]
    return found[found["evaluation"] == sorted(found["evaluation"])[0]].reset_index(drop=True)


def autocorrelogram_of(values: Any) -> Float[np.ndarray, "lags lags"]:
    """Returns the autocorrelogram that the scorer looks at, in float64."""
    # JAX only when it is needed: importing the figures must not import it.
    import jax

    from gridsweep.maps.autocorrelogram import autocorrelogram

    with jax.enable_x64(True):
        return np.asarray(autocorrelogram(jax.numpy.asarray(as_square(values)[None])))[0]


def draw_pair(
    map_axes: "Axes", lag_axes: "Axes", unit: dict[str, Any], score: str, font_pt: float, scale: float
) -> None:
    """Draws a unit's map, and its autocorrelogram with the ring that gave the score."""
    draw_map(map_axes, unit["map"], f"{unit[score]:.2f}", font_pt, smoothed=False)
    draw_autocorrelogram(lag_axes, unit, score, scale)


def draw_autocorrelogram(axes: "Axes", unit: dict[str, Any], score: str, scale: float) -> None:
    """Draws an autocorrelogram from -1 (blue) to 1 (red), lags in map widths, with the score's ring."""
    correlation = autocorrelogram_of(unit["map"])
    look: dict[str, Any] = {"origin": "lower", "cmap": "RdBu_r", "vmin": -1, "vmax": 1}
    axes.imshow(correlation.T, extent=(-1, 1, -1, 1), interpolation="nearest", **look)
    angle = np.linspace(0, 2 * np.pi, 181)
    for column in RINGS.get(score, ()):
        radius = unit.get(column)
        if radius is not None and np.isfinite(radius):
            x, y = radius * np.cos(angle), radius * np.sin(angle)
            axes.plot(x, y, color="black", linewidth=0.7 * scale, clip_on=True)
    axes.set_xlim(-1, 1)
    axes.set_ylim(-1, 1)
    axes.set_xticks([])
    axes.set_yticks([])


def mean_power(maps: Frame) -> Float[np.ndarray, "bins bins"]:
    """Returns the mean power of maps by mode, zero in the middle and left out; unvisited bins are zero."""
    squares = np.stack([np.nan_to_num(as_square(values)) for values in maps["map"]])
    power = np.mean(np.abs(np.fft.fft2(squares)) ** 2, axis=0)
    power[0, 0] = 0.0
    return np.fft.fftshift(power)


HIGHEST = 8  # waves a box


def draw_power(axes: "Axes", power: Float[np.ndarray, "bins bins"]) -> None:
    """Draws power by mode over its largest, as far as modes of 8 waves a box."""
    middle = len(power) // 2
    reach = min(HIGHEST, middle - 1)
    near = slice(middle - reach, middle + reach + 1)
    edge = reach + 0.5
    largest = power.max()
    look: dict[str, Any] = {"origin": "lower", "cmap": "viridis", "vmin": 0, "vmax": 1}
    shown = power[near, near].T / (largest if largest > 0 else 1.0)
    axes.imshow(shown, extent=(-edge, edge, -edge, edge), **look)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(range(-reach // 2 * 2, reach + 1, 4))
    axes.set_xlabel("waves per box along x")
    axes.set_ylabel("waves per box along y")


LINE_MM = 3.0  # of words in a panel, for a font of 7 points


def draw_words(axes: "Axes", lines: Sequence[str], font_pt: float, columns: int = 1) -> None:
    """Writes lines into axes without any frame, in columns read from top to bottom."""
    axes.set_axis_off()
    look: dict[str, Any] = {
        "va": "top",
        "ha": "left",
        "fontsize": font_pt,
        "color": GREY,
        "linespacing": 1.35,
    }
    rows = -(-len(lines) // columns)
    for column in range(columns):
        words = "\n".join(lines[column * rows : (column + 1) * rows])
        axes.text(column / columns, 1.0, words, transform=axes.transAxes, **look)


def as_lines(values: Mapping[str, Any]) -> list[str]:
    """Returns a line for each value, numbers with four digits that count."""
    return [
        f"{name}  {value:.4g}" if isinstance(value, float) else f"{name}  {value}"
        for name, value in values.items()
    ]


def mark_score(axes: "Axes", score: float, scale: float) -> None:
    """Marks a score on an x axis of scores."""
    axes.axvline(score, color=VERMILION, linewidth=1.0 * scale)
