"""What figures 4, 11, 12 and 13 share: the LSTM with a dense layer, on Gaussian cells and head directions.

The claim is that the square lattices published for it need strong dropout, a high learning rate and Adam.
Its networks are recognised by ``network.kind = 'lstm_dense'``.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis.frames import Frame, pd
from gridsweep.analysis.per_network import QUANTILES, mean_with_band, quantiles_of_networks
from gridsweep.figures._ask import Ask
from gridsweep.figures._page import KeyEntry, Page, Panel
from gridsweep.figures._score_panels import about, bands_words
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import GREY, SIZES, VERMILION, Mark, house_style, shades
from gridsweep.figures.words import counted

if TYPE_CHECKING:
    from gridsweep.analysis.selection import Selection
    from gridsweep.store import Store

CONDITIONS = ("\"network.kind\" = 'lstm_dense'",)
SCORE = "grid_score_90"
DROPOUT = "network.dense_dropout"  # share of the dense layer's units dropped in training
LEARNING_RATE = "training.learning_rate"
OPTIMIZER = "training.optimizer.kind"
# Not cut at zero, as the dense layer is linear; of the widths of other figures, where a store has more.
NULL = '"system.threshold" = \'signed\' AND "system.pass" = \'low\' AND "system.smoothing_bins" IN (2, 3, 4)'
GOOD_CM = 15.0  # drawn as a dashed line in the original


def select(store: "Store", ask: Ask, column: str) -> "Selection":
    """Returns the units of such networks, grouped by a setting, beside noise."""
    return ask.select(store, SCORE, column, CONDITIONS, null_where=NULL)


def quantiles_by(selection: "Selection", ask: Ask) -> tuple[Frame, Frame]:
    """Returns (quantiles, errors): mean over networks with band, a row a group and quantile, or a group."""
    each = quantiles_of_networks(selection.beside_null(), QUANTILES, SCORE)
    each["group"] = each["group"].astype(object)
    how = {"draws": ask.draws, "seed": ask.seed, "level": ask.level}
    names = list(selection.groups["group"])
    is_null = dict(zip(names, selection.groups["null"], strict=True))
    rows, errors = [], []
    for name in names:
        mine = each[each["group"] == name]
        for quantile, values in mine.groupby("quantile"):
            band = mean_with_band(values["value"].to_numpy(float), **how)
            rows.append(
                {"group": name, "quantile": quantile, "null": is_null[name], **_band(band, len(values))}
            )
        if not is_null[name]:
            found = selection.networks[selection.networks["group"] == name]["position_error_cm"].to_numpy(
                float
            )
            errors.append({"group": name, **_band(mean_with_band(found, **how), len(found))})
    return pd.DataFrame(rows), pd.DataFrame(errors)


def _band(band: tuple[float, float, float], networks: int) -> dict:
    return {**dict(zip(("value", "low", "high"), band, strict=True)), "networks": networks}


def draw_by_number(
    store: "Store", ask: Ask, axes: Mapping[str, Any] | None, column: str, label: str, *, log: bool
) -> Drawn:
    """Draws quantiles of square scores and the position error against a setting. Panels: quantiles, error."""
    selection = select(store, ask, column)
    scores, errors = quantiles_by(selection, ask)
    for table in (scores, errors):
        table["x"] = pd.to_numeric(table["group"], errors="coerce")
    colours = dict(zip(QUANTILES, shades(len(QUANTILES)), strict=True))
    key = [
        KeyEntry(Mark(colour, "-"), f"{100 * quantile:g} % quantile") for quantile, colour in colours.items()
    ]
    key.append(KeyEntry(Mark(GREY, (0, (3.2, 1.6))), "null, the same quantiles"))
    rows = [[Panel("quantiles", "square scores of a network's units"), Panel("error", "position error")]]
    with house_style(SIZES[ask.size].font_pt):
        page = Page(ask.size, rows, key=key, words=foot(selection, ask), axes=axes)
        panel = page.axes["quantiles"]
        for quantile, colour in colours.items():
            line = scores[~scores["null"] & (scores["quantile"] == quantile)].sort_values("x")
            panel.fill_between(line["x"], line["low"], line["high"], color=colour, alpha=0.2, linewidth=0)
            panel.plot(line["x"], line["value"], "o-", color=colour, markersize=3 * page.scale)
            for level in scores[scores["null"] & (scores["quantile"] == quantile)]["value"]:
                panel.axhline(
                    level, color=colour, linestyle=(0, (3.2, 1.6)), linewidth=0.8 * page.scale, alpha=0.7
                )
        panel.set_ylabel("grid score (90°)")
        draw_errors(page.axes["error"], errors, page.scale)
        for one in page.axes.values():
            one.set_xlabel(label)
            if log:
                from matplotlib.ticker import FuncFormatter, NullFormatter

                one.set_xscale("log")
                one.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
                one.xaxis.set_minor_formatter(NullFormatter())
    return page.drawn(as_table(scores, errors, selection))


def draw_errors(axes: Any, errors: Frame, scale: float) -> None:
    """Draws the position error over a number, with the original's line at 15 cm."""
    line = errors.sort_values("x")
    axes.fill_between(line["x"], line["low"], line["high"], color=GREY, alpha=0.2, linewidth=0)
    axes.plot(line["x"], line["value"], "o-", color=GREY, markersize=3 * scale)
    axes.axhline(GOOD_CM, color=VERMILION, linestyle=(0, (3.2, 1.6)), linewidth=0.9 * scale)
    axes.set_ylim(0, 110)
    axes.set_ylabel("position error (cm)")


def as_table(scores: Frame, errors: Frame, selection: "Selection") -> Frame:
    """Returns what is drawn in one table."""
    tables = [scores.assign(what="quantile of grid_score_90"), errors.assign(what="position_error_cm")]
    about_all = {"filter": selection.filter, "snapshot_id": selection.snapshot_id}
    return pd.concat(tables, ignore_index=True).assign(**about_all)


def foot(selection: "Selection", ask: Ask) -> list[str]:
    """Returns the sentences below such a figure."""
    trained = selection.groups[~selection.groups["null"]]
    networks, units = (int(trained[column].sum()) for column in ("networks", "units"))
    count = f"{counted(networks, 'network')}, {counted(units, 'unit')}"
    return [
        about([selection]),
        f"{count}. {bands_words(ask, [selection])}",
        *selection.notes,
        f"Store\u00a0snapshot\u00a0{selection.snapshot_id}.",
    ]


def medians(data: Frame) -> Frame:
    """Returns from a figure's table the mean over networks of the median unit's score, a row a group."""
    found = data[(data["what"] == "quantile of grid_score_90") & (data["null"] == False)]  # noqa: E712
    return found[np.isclose(found["quantile"].astype(float), 0.5)]
