"""What figures 5 and 6 share: Gaussian targets of many widths beside noise that never saw a network."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gridsweep.analysis.frames import Frame
from gridsweep.figures._ask import Ask
from gridsweep.figures._entry import OPEN, Verdict, verdict
from gridsweep.figures._score_panels import SCORES, TITLES, areas, draw_score_panels, rank, score_title
from gridsweep.figures.drawn import Drawn

if TYPE_CHECKING:
    from gridsweep.store import Store

RULE = (
    "for every field width and both scores, the area between its curve and each null's beyond a score of 0.3 "
    "is not above zero: its 95 % interval over networks does not lie above it"
)


def draw_against_noise(
    store: "Store", ask: Ask, axes: Mapping[str, Any] | None, *, activation: str, threshold: str
) -> Drawn:
    """Draws the hexagonal and the square panel of one activation."""
    conditions = [
        "\"target.kind\" = 'gaussian'",
        "\"network.kind\" = 'rnn'",
        f"\"network.activation\" = '{activation}'",
    ]
    suits = f"\"system.threshold\" = '{threshold}'"
    panels = {
        TITLES[score]: (
            score_title(score),
            rank(ask.select(store, score, "target.field_width_m", conditions, null_where=suits), ask),
        )
        for score in SCORES
    }
    return draw_score_panels(panels, ask, axes)


def judge_against_noise(data: Frame) -> Verdict:
    """Whether no width lies above a null beyond 0.3."""
    found, above = [], []
    for panel in TITLES.values():
        rows = areas(data, panel)
        rows = rows[rows["low"].notna()]
        if rows.empty:
            return Verdict(OPEN, f"{panel}: no null, or single networks: there is no interval")
        over = rows[rows["low"] > 0]
        above += list(over["label"])
        largest = rows.loc[rows["fraction"].idxmax()]
        found.append(
            f"{panel}: {len(over)} of {len(rows)} comparisons above the null, the largest area "
            f"{largest['fraction']:.3f} ({largest['low']:.3f} – {largest['high']:.3f}; {largest['label']})"
        )
    return verdict(not above, "; ".join(found))
