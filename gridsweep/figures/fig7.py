"""Figure 7: no lattices for Gaussian targets in the model of Xu et al. 2022 either.

The paper shows an image of that work, which is not reproduced. In its place: grid scores of the system
``conformal_isometry`` as trained here, hexagonal and square, beside noise.

Source: spec sweeps_and_figures b.1; other_systems 5.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gridsweep.analysis.frames import Frame
from gridsweep.figures._ask import Ask
from gridsweep.figures._entry import Figure, Verdict
from gridsweep.figures._gaussian_against_noise import RULE, judge_against_noise
from gridsweep.figures._score_panels import SCORES, TITLES, draw_score_panels, rank, score_title
from gridsweep.figures.drawn import Drawn

if TYPE_CHECKING:
    from gridsweep.store import Store

CONDITIONS = ("\"system.kind\" = 'conformal_isometry'",)


def fig7(store: "Store", ask: Ask | None = None, axes: Mapping[str, Any] | None = None) -> Drawn:
    """Draws both scores by system. Panels: hexagonal, square (and both " linear")."""
    ask = ask or Ask()
    panels = {
        TITLES[score]: (score_title(score), rank(ask.select(store, score, "system.kind", CONDITIONS), ask))
        for score in SCORES
    }
    words = ["The paper's own panel is an image of Xu et al. 2022 and is not reproduced."]
    return draw_score_panels(panels, ask, axes, words=words)


def judge(data: Frame) -> Verdict:
    """Whether its units lie at or below noise."""
    return judge_against_noise(data)


FIGURE = Figure(
    title="Conformal isometry",
    draw=fig7,
    trained_by="gridsweep run sweeps/systems/conformal_isometry.yaml",
    claim="The model of Xu et al. 2022 with Gaussian targets shows no lattices.",
    rule=RULE.replace("for every field width and both scores", "for both scores"),
    judge=judge,
)
