"""Figure 10: do networks that predict neurons better have higher-dimensional rate maps?

a: for each architecture, the participation ratio of its rate maps (mean and standard error over networks)
against the neural predictivity that Nayebi et al. 2021 published for that architecture; nothing is refitted.
Dots for ReLU, as in the paper; small open ones for other activations, if the store has them. Networks that do
not know where they are have no place in it: a network whose units have fallen silent has no dimensions. They
are left out, and counted at the foot.

b and c of the paper are images of others' results (macaque IT, Elmoznino & Bonner; human fMRI, Tuckute et
al.): left out here.

Source: spec other_systems 7.2, path_integrator (g): published predictivity ("Trained", Pearson); the five
published points are drawn in orange, r = .80 against the logarithm. On the x axis the participation ratio as
published: smoothed maps, units as samples.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis.frames import Frame, pd
from gridsweep.analysis.selection import sweep_words
from gridsweep.figures._ask import Ask, NoRuns
from gridsweep.figures._entry import OPEN, Figure, Verdict, verdict
from gridsweep.figures._page import KeyEntry, Page, Panel
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import BLUE, GREY, INK, ORANGE, SIZES, Mark, house_style
from gridsweep.figures.words import counted

if TYPE_CHECKING:
    from gridsweep.store import Store

RATIO = "rate_map_participation_ratio_units_as_samples"
# Nayebi et al. 2021, neural predictivity of trained networks (Pearson r), by architecture and activation.
PUBLISHED = {
    "rnn": {"linear": 0.63, "tanh": 0.71, "sigmoid": 0.32, "relu": 0.68},
    "srnn": {"linear": 0.63, "tanh": 0.63, "sigmoid": 0.24, "relu": 0.78},
    "gru": {"linear": 0.65, "tanh": 0.68, "sigmoid": 0.75, "relu": 0.76},
    "lstm": {"linear": 0.64, "tanh": 0.64, "sigmoid": 0.59, "relu": 0.79},
    "ugrnn": {"linear": 0.73, "tanh": 0.74, "sigmoid": 0.79, "relu": 0.81},
}
# The paper's own points, read off its figure: architecture to (participation ratio, standard error).
ORIGINAL = {
    "rnn": (3.5, 0.35),
    "srnn": (4.9, 0.5),
    "lstm": (8.85, 0.15),
    "gru": (9.4, 0.35),
    "ugrnn": (16.65, 0.95),
}
CONDITIONS = ("\"target.kind\" = 'difference_of_softmaxes'",)
INTEGRATES_CM = 10.0  # the criterion of figure 1


def fig10(store: "Store", ask: Ask | None = None, axes: Mapping[str, Any] | None = None) -> Drawn:
    """Draws predictivity against dimensionality. Panel: dimensionality."""
    ask = ask or Ask()
    networks = ask.networks(store, [RATIO, "network.kind", "network.activation"], CONDITIONS)
    networks = networks[networks[RATIO].notna() & networks["network.kind"].isin(list(PUBLISHED))]
    if networks.empty:
        raise NoRuns(f"no network has a {RATIO}: scored before it was measured")
    lost = networks[~(networks["position_error_cm"] < INTEGRATES_CM)]
    networks = networks[networks["position_error_cm"] < INTEGRATES_CM]
    if networks.empty:
        raise NoRuns(f"no network has a position error below {INTEGRATES_CM:g} cm")
    points = pd.DataFrame(
        [
            _point(kind, mine)
            for kind, mine in networks.groupby(["network.kind", "network.activation"], observed=True)
        ]
    )
    original = pd.DataFrame(
        [
            {
                "architecture": name,
                "activation": "relu",
                "participation_ratio": ratio,
                "standard_error": error,
            }
            for name, (ratio, error) in ORIGINAL.items()
        ]
    )
    original["predictivity"] = [PUBLISHED[name]["relu"] for name in original["architecture"]]
    correlations = {
        "this store, ReLU": log_correlation(points[points["activation"] == "relu"]),
        "this store, all": log_correlation(points),
        "published": log_correlation(original),
    }
    key = [
        KeyEntry(Mark(BLUE, "-"), f"this store: {counted(len(networks), 'network')}"),
        KeyEntry(Mark(ORANGE, "-"), "published points (4,096 units), names below"),
    ]
    of_sweep = "" if ask.sweep is None else f" of the {sweep_words(ask.sweep)}"
    said = ", ".join(f"{name} {value:.2f}" for name, value in correlations.items() if np.isfinite(value))
    words = [
        f"Correlation of predictivity with log dimensionality: {said}; five points settle nothing "
        "(published: p about 0.11).",
        "Predictivity: Nayebi et al. 2021, published, not refitted. Panels b and c of the paper reproduce "
        "others' results and are left out. No null: noise has no published predictivity.",
        lost_words(lost),
        f"{counted(len(networks), 'network')}{of_sweep}, where "
        f"{' and '.join([*CONDITIONS, *([ask.where] if ask.where else [])])}.",
        f"Store\u00a0snapshot\u00a0{store.snapshot_id()}.",
    ]
    with house_style(SIZES[ask.size].font_pt):
        page = Page(ask.size, [[Panel("dimensionality", "", 58.0)]], key=key, words=words, axes=axes)
        draw_points(page.axes["dimensionality"], points, original, page)
    tables = [points.assign(what="this store"), original.assign(what="published")]
    rows = [{"what": "correlation", "of": name, "r": value} for name, value in correlations.items()]
    return page.drawn(
        pd.concat([*tables, pd.DataFrame(rows)], ignore_index=True).assign(snapshot_id=store.snapshot_id())
    )


def lost_words(lost: Frame) -> str:
    """Returns how many networks are left out, and of which kinds."""
    if lost.empty:
        return f"All have an error below {INTEGRATES_CM:g} cm."
    several = lost.groupby(["network.kind", "network.activation"], observed=True).size()
    said = ", ".join(
        f"{number} {kind.upper()} {activation}" for (kind, activation), number in several.items()
    )
    return f"Left out, with an error of {INTEGRATES_CM:g} cm or more: {said}."


def _point(kind: tuple[str, str], mine: Frame) -> dict:
    architecture, activation = kind
    values = mine[RATIO].to_numpy(float)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return {
        "architecture": architecture,
        "activation": activation,
        "networks": len(values),
        "participation_ratio": values.mean(),
        "standard_error": error,
        "predictivity": PUBLISHED[architecture].get(activation, float("nan")),
    }


def log_correlation(points: Frame) -> float:
    """Returns Pearson's r of predictivity with the logarithm of the participation ratio; NaN below three."""
    points = points[points["predictivity"].notna() & (points["participation_ratio"] > 0)]
    if len(points) < 3:
        return float("nan")
    return float(
        np.corrcoef(np.log(points["participation_ratio"].to_numpy(float)), points["predictivity"])[0, 1]
    )


def draw_points(axes: Any, points: Frame, original: Frame, page: Page) -> None:
    """Draws both sets of points; names beside the store's."""
    axes.set_xscale("log")
    for rows, colour, size in ((original, ORANGE, 4.0), (points, BLUE, 4.6)):
        above = rows is points
        for row in rows.to_dict("records"):
            x, y, error = row["participation_ratio"], row["predictivity"], row["standard_error"]
            relu = row["activation"] == "relu"
            if np.isfinite(error):
                axes.hlines(y, max(x - error, 1e-3), x + error, color=colour, linewidth=1.0 * page.scale)
            face: dict[str, Any] = {"markerfacecolor": colour if relu else "none", "markeredgecolor": colour}
            axes.plot(x, y, "o", markersize=(size if relu else 3.0) * page.scale, **face)
            if relu or rows is points:
                at: dict[str, Any] = {
                    "textcoords": "offset points",
                    "xytext": (0, (4 if above else -4) * page.scale),
                    "ha": "center",
                    "va": "bottom" if above else "top",
                }
                words = row["architecture"].upper() + ("" if relu else f", {row['activation']}")
                axes.annotate(
                    words, (x, y), color=GREY if rows is original else INK, fontsize=page.small, **at
                )
    axes.set_xlabel("participation ratio of rate maps")
    axes.set_ylabel("neural predictivity (Pearson r)")
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(0.08, 0.14)


def judge(data: Frame) -> Verdict:
    """Whether predictivity rises with log dimensionality over the five ReLU architectures."""
    ours = data[(data["what"] == "this store") & (data["activation"] == "relu")]
    r = log_correlation(ours)
    if len(ours) < 5:
        said = "" if np.isnan(r) else f"; r = {r:.2f} over these"
        return Verdict(OPEN, f"needs the five ReLU architectures, each integrating, found {len(ours)}{said}")
    return verdict(r >= 0.5, f"r = {r:.2f} over five architectures (published: 0.80)")


FIGURE = Figure(
    title="Neural predictivity and dimensionality",
    draw=fig10,
    sweeps=("architecture",),
    claim="Networks that predict neurons better have higher-dimensional rate maps: predictivity rises with "
    "the logarithm of the participation ratio.",
    rule="over the five ReLU architectures, the correlation of published predictivity with the log of the "
    "measured participation ratio is at least 0.5",
    judge=judge,
)
