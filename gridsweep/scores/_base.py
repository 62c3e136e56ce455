"""What a score is: a measure of each unit's rate map, one per file of this folder."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from jaxtyping import Array, Float, Shaped

from gridsweep.maps.autocorrelogram import HalfAutocorrelogram, half_autocorrelogram

T = TypeVar("T")


class Look:
    """Some maps while they are being scored, and what several scores need of them, computed once.

    A look lives inside one traced function. What ``once`` computes there must not be asked for first
    inside a loop or a branch of it.
    """

    def __init__(self, maps: Float[Array, "units bins bins"], side_m: Float[Array, ""] | float) -> None:
        """Begins to look.

        Args:
            maps: float64, first axis x; NaN where nobody has been.
            side_m: side of the box that the bins cover; may be traced.
        """
        self.maps = maps
        self.side_m = side_m
        self._found: dict[Callable[["Look"], Any], Any] = {}

    def once(self, compute: Callable[["Look"], T]) -> T:
        """Returns ``compute(self)``, computed when it is first asked for."""
        if compute not in self._found:
            self._found[compute] = compute(self)
        return self._found[compute]

    @property
    def autocorrelogram(self) -> HalfAutocorrelogram:
        """The autocorrelogram of each map, which half of the scores are about."""
        return self.once(_autocorrelogram)


def _autocorrelogram(look: Look) -> HalfAutocorrelogram:
    return half_autocorrelogram(look.maps)


class Score(ABC):
    """One or more numbers about each rate map, looked at by itself."""

    columns: ClassVar[tuple[str, ...]] = ()
    nullable: ClassVar[tuple[str, ...]] = ()  # columns in which NaN says that a map has no such number

    @abstractmethod
    def measure(self, look: Look) -> dict[str, Shaped[Array, " units"]]:
        """Returns one value for each unit in each of ``columns``."""
