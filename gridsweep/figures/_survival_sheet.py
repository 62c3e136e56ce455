"""The page of a survival figure: where each panel and each word stands."""

from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis.frames import Frame
from gridsweep.figures._survival_numbers import Group, Numbers
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import GREY, INK, MM_PER_INCH, PALE, Size, cut, marks, text_width_mm, wrap
from gridsweep.figures.words import counted, score_words, share_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMOOTHED = (
    "Curves smoothed as published (kernel density, Scott's bandwidth, silent units at 0): beyond the largest "
    "score they are the kernel's."
)

_DOTS = 40  # up to so many networks are dots in a row; more are thin strokes
FEW = 5  # with fewer networks a band covers less than it says (77 % instead of 95 % with three)
_MANY = 5  # more curves get paler bands

# In millimetres, for a font of 7 points.
_LINE, _SMALL_LINE = 2.9, 2.75
_SHARE, _SAMPLE = 13.5, 9.0  # widths in the table: a share, a piece of the curve's line
_LEFT, _RIGHT, _TOP, _GAP, _EDGE = 14.0, 3.0, 5.0, 15.0, 2.0


def draw_curves(axes: "Axes", numbers: Numbers, scale: float) -> None:
    """Draws the bands, then the curves, so that no band covers a curve; the null first, below the others."""
    logarithmic = axes.get_yscale() == "log"
    styles = marks([group.null for group in numbers.groups], numbers.numeric)
    drawn = sorted(zip(numbers.groups, styles, strict=True), key=lambda pair: not pair[0].null)
    for group, mark in drawn:
        curve = numbers.curve(group)
        if len(curve) and curve["low"].notna().all():
            look: dict[str, Any] = {"color": mark.colour, "linewidth": 0, "zorder": 1}
            look["alpha"] = 0.16 if group.null else 0.22 if len(drawn) <= _MANY else 0.1
            axes.fill_between(curve["threshold"], curve["low"], curve["high"], step="post", **look)
    for group, mark in drawn:
        for curve in numbers.curves_alone(group):
            thin: dict[str, Any] = {"color": mark.colour, "linewidth": 0.4 * scale, "alpha": 0.5, "zorder": 2}
            axes.plot(*_steps(curve, logarithmic), drawstyle="steps-post", **thin)
    for group, mark in drawn:
        exact = numbers.smoothed is None
        x, y = _steps(numbers.curve(group), logarithmic and exact)
        line: dict[str, Any] = {"color": mark.colour, "linestyle": mark.line, "linewidth": 1.15 * scale}
        line["drawstyle"] = "steps-post" if exact else "default"
        axes.plot(x, y, label=group.label, zorder=3, **line)
        if logarithmic and exact and len(x):
            # Where the data ends: the curve does not go on below.
            axes.plot(x[-1:], y[-1:], "o", color=mark.colour, markersize=2.6 * scale, zorder=4, clip_on=False)


def draw_panel(axes: "Axes", numbers: Numbers, scale: float, small_pt: float, y_scale: str) -> None:
    """Draws the curves into empty axes and dresses these: labels, limits, the criterion."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_yscale(y_scale)
    draw_curves(axes, numbers, scale)
    dress_score_axis(axes, numbers, scale)
    axes.set_xlabel(score_words(numbers.selection.score))
    axes.set_ylabel("fraction of units above")
    axes.set_ylim(0.5 / max(group.units for group in numbers.groups) if y_scale == "log" else 0.0, 1.0)
    if y_scale == "log":
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    criterion = numbers.criteria[0]
    words: dict[str, Any] = {"ha": "center", "va": "bottom", "color": GREY, "fontsize": small_pt}
    above = {"xycoords": axes.get_xaxis_transform(), "textcoords": "offset points"}
    axes.annotate(str(criterion), (criterion, 1.0), xytext=(0, 1.5 * scale), **above, **words)


def dress_score_axis(axes: "Axes", numbers: Numbers, scale: float) -> None:
    """Gives an x axis the range and ticks of scores, and the criterion as a line."""
    from matplotlib.ticker import MultipleLocator

    largest = max((group.largest for group in numbers.groups if np.isfinite(group.largest)), default=0.0)
    axes.set_xlim(-0.5, max(1.6, float(np.ceil(largest * 10) / 10)))
    axes.xaxis.set_major_locator(MultipleLocator(0.5))
    axes.xaxis.set_minor_locator(MultipleLocator(0.1))
    axes.axvline(numbers.criteria[0], color=PALE, linewidth=0.6 * scale, zorder=0)


def _steps(curve: Frame, logarithmic: bool) -> tuple[np.ndarray, np.ndarray]:
    """Returns the corners of a curve. On a logarithmic axis it ends level, since zero is nowhere on it."""
    x, y = curve["threshold"].to_numpy(), curve["fraction"].to_numpy().copy()
    if logarithmic and len(y) > 1:
        y[-1] = y[-2]
    return x, y


class Sheet:
    """A page in millimetres from its top left corner, laid out for a font of 7 points and scaled with it."""

    def __init__(self, numbers: Numbers, size: Size) -> None:
        self.numbers = numbers
        self.groups = numbers.groups
        self.marks = marks([group.null for group in self.groups], numbers.numeric)
        self.scale = size.scale
        self.font, self.small = size.font_pt, size.font_pt * 6 / 7
        self.width = size.width_mm / size.scale
        self.wide = self.width > 130
        columns = 2 if self.wide else 1
        self.panel = (self.width - _LEFT - _RIGHT - _GAP * (columns - 1)) / columns
        self.table_right = _LEFT + self.panel - (2.0 if self.wide else 0.0)
        self.names = [self._names(group) for group in self.groups]
        self.row = _LINE * max(map(len, self.names)) + 1.6
        self.footnote = self._footnote()

    def draw(self) -> Drawn:
        """Returns the figure: linear panel, logarithmic panel, best units, table, footnote."""
        from matplotlib.figure import Figure

        rows = len(self.groups)
        strip = rows * (self.row if self.wide else 4.0)
        below = _SMALL_LINE * len(self.footnote) + 2.0
        if self.wide:
            # As high as a slide if that leaves the panels enough.
            height = float(np.clip(self.width * 9 / 16 - (_TOP + 17.5 + strip + 6.5 + below), 42.0, 52.0))
            log_x, log_y = _LEFT + self.panel + _GAP, _TOP
            strip_y = table_y = _TOP + height + 17.5
            footnote_y = strip_y + strip + 6.5
        else:
            height = 42.0
            log_x, log_y = _LEFT, _TOP + height + 12.5
            strip_y = log_y + height + 16.5
            table_y = strip_y + strip + 13.5
            footnote_y = table_y + rows * self.row + 2.5
        self.height = footnote_y + below
        inches = (self.width * self.scale / MM_PER_INCH, self.height * self.scale / MM_PER_INCH)
        self.figure = Figure(figsize=inches)

        axes = {
            "linear": self._axes(_LEFT, _TOP, height),
            "log": self._axes(log_x, log_y, height),
            "best": self._axes(log_x, strip_y, strip),
        }
        draw_panel(axes["linear"], self.numbers, self.scale, self.small, "linear")
        draw_panel(axes["log"], self.numbers, self.scale, self.small, "log")
        self._best(axes["best"])
        self._text(log_x, strip_y - 5.2, "best unit of each network", colour=GREY)
        self._text(log_x, strip_y - 2.2, self._best_words(), small=True, colour=GREY)
        self._table(table_y)
        for number, words in enumerate(self.footnote):
            self._text(_EDGE, footnote_y + _SMALL_LINE * (number + 0.5), words, small=True, colour=GREY)
        return Drawn(self.figure, axes, self.numbers.data())

    def _best(self, axes: "Axes") -> None:
        """Draws a row a group: the best unit of each network, under the panels' axis of scores."""
        from matplotlib.collections import LineCollection

        axes.set_ylim(len(self.groups), 0)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        dress_score_axis(axes, self.numbers, self.scale)
        for row, (group, mark) in enumerate(zip(self.groups, self.marks, strict=True)):
            best = self.numbers.best(group)["best"].dropna().to_numpy()
            if len(best) <= _DOTS:
                dots: dict[str, Any] = {"markersize": 3.4 * self.scale, "alpha": 0.6, "markeredgewidth": 0}
                axes.plot(best, np.full(len(best), row + 0.5), "o", color=mark.colour, **dots)
            else:
                alpha = float(np.clip(_DOTS / len(best), 0.04, 0.6))
                strokes: dict[str, Any] = {"alpha": alpha, "linewidths": 0.5 * self.scale}
                ends = np.stack([np.full(len(best), row + 0.25), np.full(len(best), row + 0.75)], axis=1)
                lines = np.stack([np.repeat(best[:, None], 2, axis=1), ends], axis=-1)
                # Limits are set, so nobody needs the extent of thousands of lines.
                axes.add_collection(LineCollection(list(lines), colors=mark.colour, **strokes), autolim=False)
            if len(best) >= FEW:
                axes.vlines(np.median(best), row + 0.12, row + 0.88, color=INK, linewidth=1.1 * self.scale)

    def _best_words(self) -> str:
        """Returns what else is to be known of the rows of best units, as far as it is drawn."""
        words = []
        if any(group.null for group in self.groups):
            words.append(f"null: of each {self.numbers.selection.hand:,} maps")
        if any(len(self.numbers.best(group)) >= FEW for group in self.groups):
            words.append("stroke: median")
        return "; ".join(words)

    def _names(self, group: Group) -> list[str]:
        """Returns the lines of a group in the table: its name in one or two, then its numbers."""
        room = (self.table_right - _EDGE - _SAMPLE - 2 * _SHARE) * self.scale
        if group.null:
            name, _, settings = group.label.partition(", ")
            numbers = f"{settings}, {counted(group.units, 'map')}"
            return [cut(name, room, self.font), cut(numbers, room, self.small)]
        first, *rest = wrap(group.label, room, self.font)
        name = [first, " ".join(rest)] if rest else [first]
        numbers = f"{counted(group.networks, 'network')}, {counted(group.units, 'unit')}"
        if np.isfinite(group.position_error_cm):
            error = f"{group.position_error_cm:.1f} cm"
            longer = (f"{numbers}, error {error}", f"{numbers}, {error}")
            numbers = next((text for text in longer if text_width_mm(text, self.small) <= room), numbers)
        return [*(cut(line, room, self.font) for line in name), cut(numbers, room, self.small)]

    def _table(self, top: float) -> None:
        """Draws a line a group: how it is drawn, its name, its numbers."""
        from matplotlib.lines import Line2D

        first, second = self.numbers.criteria
        centres = {first: self.table_right - 1.5 * _SHARE, second: self.table_right - 0.5 * _SHARE}
        self._text(self.table_right - _SHARE, top - 5.2, "share of units", ha="center", colour=GREY)
        for threshold, centre in centres.items():
            self._text(centre, top - 2.2, f"above {threshold}", ha="center", small=True, colour=GREY)
        shares = self.numbers.shares
        for number, (group, mark) in enumerate(zip(self.groups, self.marks, strict=True)):
            *name, numbers = self.names[number]
            y = top + self.row * (number + 0.5) - _LINE * len(name) / 2
            xs, ys = [self._x(_EDGE), self._x(_EDGE + 7.0)], [self._y(y)] * 2
            width = 1.3 * self.scale
            sample = Line2D(xs, ys, color=mark.colour, linestyle=mark.line, linewidth=width)
            self.figure.add_artist(sample)
            for line, words in enumerate(name):
                self._text(_EDGE + _SAMPLE, y + _LINE * line, words)
            self._text(_EDGE + _SAMPLE, y + _LINE * len(name), numbers, small=True, colour=GREY)
            for threshold, centre in centres.items():
                share = shares.loc[(group.name, threshold)]
                words, interval = share_words(share["fraction"], share["low"], share["high"])
                if share["units_above"] == 0:
                    # Resampling cannot imagine what it has not seen: its interval would be 0 to 0.
                    interval = f"0 of {counted(group.units)}"
                self._text(centre, y, words, ha="center")
                self._text(centre, y + _LINE, interval or "no range", ha="center", small=True, colour=GREY)

    def _footnote(self) -> list[str]:
        selection = self.numbers.selection
        trained = [group for group in self.groups if not group.null]
        silent, unscored = sum(group.silent for group in trained), sum(group.unscored for group in trained)
        fewest = min(group.networks for group in trained)
        bands = "Ranges" if self.numbers.smoothed is not None else "Bands and ranges"
        bands += f": {100 * self.numbers.ranked.level:g} %, bootstrap over networks"
        if len(trained) < len(self.groups):
            bands += f" (null: over {selection.hand:,} maps at a time)"
        if fewest == 1:
            bands += "; a single network has none"
        elif fewest < FEW:
            bands += f"; from {fewest} networks hardly more than their range"
        words = [
            f"{selection.filter[:1].upper()}{selection.filter[1:]}. {selection.denominators}.",
            f"Silent ({silent:,}) and unscored ({unscored:,}) units count as never exceeding.",
            f"{bands}.",
            *selection.notes,
            f"Store\u00a0snapshot\u00a0{selection.snapshot_id}.",
        ]
        if self.numbers.smoothed is not None:
            words.insert(3, SMOOTHED)
        if any(np.isfinite(group.position_error_cm) for group in trained):
            words.insert(3, "Error: median position error of the networks.")
        return wrap(" ".join(words), (self.width - 2 * _EDGE) * self.scale, self.small)

    def _axes(self, x: float, y: float, height: float) -> "Axes":
        box = (self._x(x), self._y(y + height), self.panel / self.width, height / self.height)
        return self.figure.add_axes(box)

    def _text(self, x: float, y: float, words: str, *, ha="left", small=False, colour=INK) -> None:
        size = self.small if small else self.font
        self.figure.text(self._x(x), self._y(y), words, ha=ha, va="center", fontsize=size, color=colour)

    def _x(self, mm: float) -> float:
        return mm / self.width

    def _y(self, mm: float) -> float:
        return 1.0 - mm / self.height
