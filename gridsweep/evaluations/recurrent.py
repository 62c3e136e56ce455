"""Evaluation of the recurrent units, where what is scored is a layer after them.

A network with a dense layer after its cell is judged by the dense layer. This evaluation makes the maps of
the cell's own units h, of the same trained network, on as many places as ``corrected``: list both. In a
network without such a layer the two see the same units.
"""

from typing import ClassVar

from gridsweep.evaluations.corrected import Corrected
from gridsweep.kinds import kind


@kind
class Recurrent(Corrected):
    """Streams positions, and maps the units of the cell."""

    layer: ClassVar[str] = "recurrent"
