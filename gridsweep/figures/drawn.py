"""What a figure returns: the drawing, its axes by name, and a table of exactly what is drawn."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridsweep.analysis.frames import Frame
from gridsweep.figures.style import house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawn:
    """A figure and its numbers. A notebook shows it; ``save`` writes it."""

    figure: "Figure"
    axes: "dict[str, Axes]"
    data: Frame

    def _repr_png_(self) -> bytes:
        with house_style(), io.BytesIO() as file:
            self.figure.savefig(file, format="png", dpi=150)
            return file.getvalue()
