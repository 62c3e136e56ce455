"""A page of panels: in millimetres, for a font of 7 points, and scaled with the font.

Panels stand in rows, below them a key of lines, at the foot the words that say which networks these are. On
a narrow page the panels stand one below the other.
"""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gridsweep.analysis.frames import Frame
from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import GREY, INK, MM_PER_INCH, SIZES, Mark, text_width_mm, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_EDGE, _RIGHT, _TOP, _TITLE, _GAP = 2.0, 3.0, 2.0, 5.5, 3.0
_BESIDE, _ABOVE = 1.5, 3.6
_LINE, _SMALL_LINE, _SAMPLE, _BETWEEN = 3.3, 2.75, 8.0, 5.0


@dataclass(frozen=True)
class Panel:
    """A place for axes.

    Args:
        name: of its axes.
        title: above it.
        height_mm: of the axes.
        share: of the row's width.
        left_mm: for the labels of its y axis.
        below_mm: for those of its x axis.
        grid: (rows, columns) of small square axes in place of one; named ``name 0``, ``name 1`` …
        empty: only holds a place in its row.
    """

    name: str
    title: str = ""
    height_mm: float = 46.0
    share: float = 1.0
    left_mm: float = 13.0
    below_mm: float = 10.5
    grid: tuple[int, int] | None = None
    empty: bool = False


@dataclass(frozen=True)
class KeyEntry:
    """A line of the key: how something is drawn and what it is."""

    mark: Mark
    words: str


class Page:
    """The figure and its axes by name; or axes of the caller's, then without key and words."""

    def __init__(
        self,
        size: str,
        rows: Sequence[Sequence[Panel]],
        *,
        key: Sequence[KeyEntry] = (),
        words: Sequence[str] = (),
        axes: "Mapping[str, Axes] | None" = None,
    ) -> None:
        chosen = SIZES[size]
        self.scale, self.font, self.small = chosen.scale, chosen.font_pt, chosen.font_pt * 6 / 7
        self.width = chosen.width_mm / chosen.scale
        if axes is not None:
            names = [panel.name for row in rows for panel in row if not panel.empty]
            if missing := [name for name in names if name not in axes]:
                raise ValueError(f"found axes for {', '.join(axes)}, expected also {', '.join(missing)}")
            self.axes: dict[str, Axes] = dict(axes)
            self.figure = next(iter(axes.values())).figure.figure
            return
        if self.width < 130:
            rows = [[panel] for row in rows for panel in row if not panel.empty]
        self._draw(rows, key, wrap(" ".join(words), (self.width - 2 * _EDGE) * self.scale, self.small))

    def drawn(self, data: Frame) -> Drawn:
        """Returns the figure with the table of what is in it."""
        return Drawn(self.figure, self.axes, data)

    def _draw(self, rows, key, footnote) -> None:
        from matplotlib.figure import Figure

        key_lines = self._flow(key)
        heights = [max(_TITLE + panel.height_mm + panel.below_mm for panel in row) for row in rows]
        below = (_LINE * len(key_lines) + 2.0 if key else 0.0) + _SMALL_LINE * len(footnote) + 2.0
        self.height = _TOP + sum(heights) + below
        inches = (self.width * self.scale / MM_PER_INCH, self.height * self.scale / MM_PER_INCH)
        self.figure, self.axes = Figure(figsize=inches), {}
        letters, y = iter(string.ascii_lowercase), _TOP
        several = sum(map(len, rows)) > 1
        for row, height in zip(rows, heights, strict=True):
            room, x = self.width - _EDGE - _RIGHT - _GAP * (len(row) - 1), _EDGE
            for panel in row:
                width = room * panel.share / sum(other.share for other in row)
                if not panel.empty:
                    self._panel(panel, x, y, width, next(letters) if several else "")
                x += width + _GAP
            y += height
        for line in key_lines:
            for entry, at in line:
                self.sample(entry.mark, at, y + _LINE / 2, _SAMPLE)
                self._text(at + _SAMPLE, y + _LINE / 2, entry.words)
            y += _LINE
        y += 2.0 if key else 0.0
        for line in footnote:
            self._text(_EDGE, y + _SMALL_LINE / 2, line, small=True, colour=GREY)
            y += _SMALL_LINE

    def _panel(self, panel: Panel, x: float, y: float, width: float, letter: str) -> None:
        if letter:
            self._text(x, y + 1.8, letter, weight="bold")
        # A letter is 3 mm wide at most; the title goes on beside it.
        title = wrap(panel.title, (width - 4.0) * self.scale, self.font)
        self._text(x + (4.0 if letter else 0.0), y + 1.8, title[0] if title else "", colour=GREY)
        if panel.grid is None:
            box = (x + panel.left_mm, y + _TITLE, width - panel.left_mm, panel.height_mm)
            self.axes[panel.name] = self._axes(*box)
            return
        rows, columns = panel.grid
        # Each has a line of words above it.
        side = min((width - _BESIDE * (columns - 1)) / columns, panel.height_mm / rows - _ABOVE)
        for place in range(rows * columns):
            left = x + (place % columns) * (side + _BESIDE)
            top = y + _TITLE + (place // columns) * (side + _ABOVE) + _ABOVE - 1.0
            small = self._axes(left, top, side, side)
            small.set_xticks([])
            small.set_yticks([])
            self.axes[f"{panel.name} {place}"] = small

    def _flow(self, key: Sequence[KeyEntry]) -> list[list[tuple[KeyEntry, float]]]:
        """Returns the lines of the key, each entry with its place from the left, in equal columns."""
        if not key:
            return []
        widest = max(text_width_mm(entry.words, self.font) / self.scale for entry in key)
        column = _SAMPLE + widest + _BETWEEN
        columns = max(1, int((self.width - 2 * _EDGE + _BETWEEN) // column))
        rows = -(-len(key) // columns)
        return [
            [(entry, _EDGE + column * place) for place, entry in enumerate(key[row::rows])]
            for row in range(rows)
        ]

    def sample(self, mark: Mark, x: float, y: float, width: float) -> None:
        """Draws a piece of a curve's line, to the left of words that begin ``width`` further right, in mm."""
        from matplotlib.lines import Line2D

        xs, ys = [self._x(x), self._x(x + width - 2.0)], [self._y(y)] * 2
        look: dict[str, Any] = {"color": mark.colour, "linestyle": mark.line, "linewidth": 1.3 * self.scale}
        self.figure.add_artist(Line2D(xs, ys, **look))

    def write(self, x: float, y: float, words: str) -> None:
        """Writes a line in small grey letters, from a place in mm from the page's top left corner."""
        self._text(x, y, words, small=True, colour=GREY)

    def _axes(self, x: float, y: float, width: float, height: float) -> "Axes":
        box = (self._x(x), self._y(y + height), width / self.width, height / self.height)
        return self.figure.add_axes(box)

    def _text(self, x: float, y: float, words: str, *, small=False, colour=INK, weight="normal") -> None:
        size = self.small if small else self.font
        look: dict[str, Any] = {"fontsize": size, "color": colour, "weight": weight}
        self.figure.text(self._x(x), self._y(y), words, ha="left", va="center", **look)

    def _x(self, mm: float) -> float:
        return mm / self.width

    def _y(self, mm: float) -> float:
        return 1.0 - mm / self.height
