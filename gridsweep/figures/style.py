"""How figures look: one style for all, whatever the reader's own Matplotlib settings, in three sizes.

Colours are those of Okabe and Ito 2008, "Color Universal Design", which people with any colour vision tell
apart; line styles differ as well, for grey printers. The yellow is left out: on white it is hardly seen.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

MM_PER_INCH = 25.4
FONT = "DejaVu Sans"  # comes with Matplotlib, so it is the same everywhere

Line: TypeAlias = Any  # as Matplotlib takes it: "-", or (0, (on, off, …)) in widths of the line

BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
INK, GREY, PALE = "#222222", "#666666", "#c4c4c4"

_LINES: tuple[Line, ...] = ("-", (0, (6, 1.3, 1.3, 1.3)), (0, (1.3, 1.0)), (0, (6, 1.0, 1.3, 1.0, 1.3, 1.0)))
_DASHES = ((0, (3.2, 1.6)), (0, (1.2, 1.6)))
_NULLS = tuple((grey, dash) for dash in _DASHES for grey in ("#000000", "#777777", "#aaaaaa"))
MOST_GROUPS = 24


@dataclass(frozen=True)
class Size:
    """A width to draw for, and the font that is read there.

    Lengths in a layout are given for a font of 7 points and grow with it.
    """

    width_mm: float
    font_pt: float

    @property
    def scale(self) -> float:
        return self.font_pt / 7.0


SIZES = {
    "single": Size(90.0, 6.5),  # one column of a journal
    "double": Size(180.0, 7.0),  # both columns
    "slide": Size(254.0, 10.0),  # 16:9, the width of a standard slide
}


@dataclass(frozen=True)
class Mark:
    """How a group is drawn."""

    colour: str
    line: Line


def marks(null: Sequence[bool], ordered: bool) -> list[Mark]:
    """Returns how to draw each group: the null in black and grey dashes, the others in colour.

    Args:
        null: whether the group is a null.
        ordered: whether the groups are numbers; many of them are then shades from dark to light.
    """
    groups = len(null) - sum(null)
    if sum(null) > len(_NULLS):
        raise ValueError(
            f"found {sum(null)} kinds of null, expected at most {len(_NULLS)}: choose with null_where"
        )
    if groups > MOST_GROUPS:
        raise ValueError(
            f"found {groups} groups, expected at most {MOST_GROUPS}: filter them, or group by less"
        )
    if ordered and groups > 4:
        colours = iter([Mark(colour, "-") for colour in shades(groups)])
    else:
        colours = iter([Mark(c, line) for (c, line) in _colours_and_lines(groups)])
    nulls = iter([Mark(colour, line) for colour, line in _NULLS])
    return [next(nulls) if is_null else next(colours) for is_null in null]


@contextmanager
def house_style(font_pt: float = 7.0) -> Iterator[None]:
    """Draws what stands inside as gridsweep draws, whatever the reader's matplotlibrc says."""
    import matplotlib

    scale = font_pt / 7.0
    ours = {
        "font.family": FONT,
        "font.size": font_pt,
        "axes.linewidth": 0.6 * scale,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.labelpad": 2.5 * scale,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        **{f"{axis}tick.major.{key}": v * scale for axis in "xy" for key, v in _TICKS.items()},
        **{f"{axis}tick.minor.size": 1.4 * scale for axis in "xy"},
        **{f"{axis}tick.minor.width": 0.4 * scale for axis in "xy"},
        "pdf.fonttype": 42,
        "svg.hashsalt": "gridsweep",
        "path.simplify": False,
        "text.parse_math": False,
        "text.hinting": "none",  # letters as wide in a PNG as in a PDF, so that lines end where they were cut
    }
    theirs: Any = {key: value for key, value in matplotlib.rcParamsDefault.items() if "backend" not in key}
    with matplotlib.rc_context(theirs | ours):
        yield


_FINE = 1200  # dots an inch, so fine that no letter is rounded to a whole dot
_TICKS = {"size": 2.6, "width": 0.6, "pad": 2.0}


def text_width_mm(text: str, font_pt: float) -> float:
    """Returns how wide a line of text is."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(family=FONT)))
    font.set_size(font_pt, _FINE)
    font.set_text(text)
    return font.get_width_height()[0] / 64 / _FINE * MM_PER_INCH


def wrap(text: str, width_mm: float, font_pt: float) -> list[str]:
    """Returns the text in lines that are no wider; a single word may be. A no-break space breaks no line."""
    lines: list[str] = []
    for word in filter(None, text.split(" ")):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width_mm(longer, font_pt) <= width_mm:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def cut(text: str, width_mm: float, font_pt: float) -> str:
    """Returns the text, ended early with an ellipsis if it is wider."""
    while text_width_mm(text, font_pt) > width_mm and len(text) > 2:
        text = text[:-2].rstrip(" ,…") + "…"
    return text


def _colours_and_lines(groups: int) -> list[tuple[str, Line]]:
    colours = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
    if groups <= len(_LINES):
        return [(colours[place], _LINES[place]) for place in range(groups)]
    return [(colour, line) for line, colour in product(_LINES, colours)][:groups]


def shades(count: int) -> list[str]:
    """Returns colours of viridis, dark to light, without the yellow that is hardly seen on white."""
    import matplotlib
    from matplotlib.colors import to_hex

    shades = matplotlib.colormaps["viridis"]
    return [to_hex(shades(0.9 * place / max(1, count - 1))) for place in range(count)]
