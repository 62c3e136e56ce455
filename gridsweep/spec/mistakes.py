"""Errors of a sweep file: where, what was found, what would be right, all of them at once."""

import difflib
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

LONGEST_NUMBER_BITS = 256  # a longer whole number is not printed


class Mistake(NamedTuple):
    """One mistake: the key it stands at, and what is wrong there."""

    key: str
    text: str


class SweepError(ValueError):
    """A sweep that cannot be used as it is. Nothing was written."""

    def __init__(self, where: str, mistakes: Iterable[Mistake]):
        self.where = where
        self.mistakes = tuple(mistakes)
        lines = [
            f"{where}, {mistake.key}: {mistake.text}" if mistake.key else f"{where}: {mistake.text}"
            for mistake in self.mistakes
        ]
        super().__init__("\n".join(map(_printable, lines)))


def _printable(text: str) -> str:
    """Returns one line that is safe on a terminal, whatever the file holds."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns '; did you mean "x"?' for the nearest known name, or nothing."""
    near = difflib.get_close_matches(name[:200], list(known), n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else ""


def is_number(value: Any) -> bool:
    """Whether a value is a number as a sweep file means it: finite, and neither true nor false."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def describe(value: Any) -> str:
    """Returns how to speak of a value that was found."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return f'the text "{value[:80]}"'
        case int() if value.bit_length() > LONGEST_NUMBER_BITS:
            return f"a number of {value.bit_length():,} bits"
        case int() | float():
            return f"the number {value!r}"
        case list() | tuple():
            return f"a list of {len(value)}"
        case dict():
            return f"a mapping of {', '.join(map(str, value)) or 'nothing'}"[:120]
        case _:
            return f"a {type(value).__name__}"
