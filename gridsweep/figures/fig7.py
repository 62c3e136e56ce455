"""Figure 7: no lattices for Gaussian targets in the model of Xu et al. 2022, unless isometry is asked for.

The paper shows an image of that work, which is not reproduced. In its place: grid scores of the system
``conformal_isometry`` as trained here, hexagonal and square, beside noise, by which terms its loss has.

Source: spec sweeps_and_figures b.1; other_systems 5.4.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gridsweep.analysis.frames import Frame
from gridsweep.figures._ask import Ask
from gridsweep.figures._entry import OPEN, Figure, Verdict
from gridsweep.figures._gaussian_against_noise import judge_against_noise
from gridsweep.figures._score_panels import SCORES, TITLES, draw_score_panels, rank, score_title
from gridsweep.figures.drawn import Drawn

if TYPE_CHECKING:
    from gridsweep.analysis.selection import Selection
    from gridsweep.store import Store

CONDITIONS = ("\"system.kind\" = 'conformal_isometry'",)
WEIGHTS = ("system.isometry_weight", "system.kernel_weight")
KERNEL_ALONE = "Gaussian kernel alone"
TERMS = {
    (True, True): "isometry and Gaussian kernel",
    (True, False): "isometry alone",
    (False, True): KERNEL_ALONE,
    (False, False): "neither",
}
# Cut at zero, as rates are.
NULL = "\"system.threshold\" = 'rectified'"


def fig7(store: "Store", ask: Ask | None = None, axes: Mapping[str, Any] | None = None) -> Drawn:
    """Draws both scores by terms of the loss. Panels: hexagonal, square (and both " linear")."""
    ask = ask or Ask()
    panels = {
        TITLES[score]: (
            score_title(score),
            rank(by_terms(ask.select(store, score, WEIGHTS, CONDITIONS, null_where=NULL)), ask),
        )
        for score in SCORES
    }
    words = ["The paper's own panel is an image of Xu et al. 2022 and is not reproduced."]
    return draw_score_panels(panels, ask, axes, words=words)


def by_terms(selection: "Selection") -> "Selection":
    """Returns the selection with groups named after the terms whose weights are above zero."""
    trained = selection.groups[~selection.groups["null"]]
    names: dict[str, str] = {
        str(group): TERMS[float(isometry) > 0, float(kernel) > 0]
        for group, isometry, kernel in trained[["group", *WEIGHTS]].itertuples(index=False)
    }
    order = [name for name in TERMS.values() if name in names.values()]
    ordered = sorted(names, key=lambda group: order.index(names[group]))
    return selection.regrouped({group: names[group] for group in ordered}, "terms.kind")


def judge(data: Frame) -> Verdict:
    """Whether units trained with the kernel alone lie at or below noise."""
    alone = data[data["group"] == KERNEL_ALONE]
    return judge_against_noise(alone) if len(alone) else Verdict(OPEN, "needs networks with the kernel alone")


FIGURE = Figure(
    title="Conformal isometry",
    draw=fig7,
    sweeps=("conformal_isometry",),
    folders=("systems",),
    claim="The model of Xu et al. 2022 with Gaussian targets shows no lattices.",
    rule="for both scores, the area between the curve of the Gaussian kernel alone and each null's beyond a "
    "score of 0.3 is not above zero: its 95 % interval over networks does not lie above it",
    judge=judge,
)
