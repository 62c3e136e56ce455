"""What a score is: a measure of each unit's rate map, one per file of this folder."""

from abc import ABC, abstractmethod
from typing import ClassVar

from jaxtyping import Array, Float, Shaped


class Score(ABC):
    """One or more numbers about each rate map, looked at by itself."""

    columns: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def measure(
        self, maps: Float[Array, "units bins bins"], side_m: Float[Array, ""] | float
    ) -> dict[str, Shaped[Array, " units"]]:
        """Returns one value for each unit in each of ``columns``.

        Args:
            maps: float64, first axis x; NaN where nobody has been.
            side_m: side of the box that the bins cover; may be traced.
        """
