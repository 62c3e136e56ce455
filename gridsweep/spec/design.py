"""The design of a sweep: what all its runs share, and what varies among which values; read off a document.

The grammar is W&B's with dotted keys (``method``, ``parameters``, ``run_cap``), and ours on top: ``base``,
``seeds``, ``zip``, ``exclude``, ``expect``, ``keep``, ``lanes``, ``figures``. Everything that a document says
is checked here, and all its mistakes are said at once; what becomes of it, run by run, is ``sweep.py``.
"""

import functools
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridsweep.kinds import SEED_LIMIT
from gridsweep.spec.assignments import check_assignment, check_base
from gridsweep.spec.axes import Axis, Law, read_axes, read_excluded
from gridsweep.spec.candidates import Candidates
from gridsweep.spec.mistakes import Mistake, SweepError, describe, did_you_mean

LARGEST_SWEEP = 1_000_000  # runs
MOST_LANES = 1024
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
KEYS = (
    "name", "description", "method", "metric", "parameters", "run_cap", "sampling_seed", "runs",
    "base", "seeds", "zip", "exclude", "expect", "keep", "lanes", "figures",
)  # fmt: skip
METHODS = ("grid", "random", "list")
KEEP = {"rate_maps": ("none", "best", "all"), "weights": ("none", "final")}
DEFAULT_KEEP = {"rate_maps": "best", "weights": "none"}
REFUSED = (
    "the survival function is an estimate over all networks of the stated space, and stopping or steering "
    "on any score biases its tail; use grid or random"
)


@dataclass(frozen=True)
class Design:
    """What a document asks for.

    Args:
        name: of the sweep, a slug.
        method: ``grid``, ``random`` or ``list``.
        base: what all runs share.
        listed: what each row of a list sets beyond the base; otherwise one row that sets nothing.
        axes: what varies among listed values.
        laws: what a random sweep draws.
        draws: how many settings a random sweep draws.
        sampling_seed: of the draws.
        seeds: of the networks; None where the file gives none.
        excluded: the combinations left out, each a spelling of a value for some keys.
        expected: how many runs the file says it has.
        keep: which rate maps and weights are stored.
        lanes: runs in a cohort; None leaves it to the plan.
    """

    name: str
    method: str
    base: dict[str, Any]
    listed: list[dict[str, Any]]
    axes: list[Axis]
    laws: list[Law]
    draws: int | None
    sampling_seed: int
    seeds: list[int] | None
    excluded: list[dict[str, str]]
    expected: int | None
    keep: dict[str, str]
    lanes: int | None

    @property
    def shape(self) -> tuple[int, ...]:
        """How many list rows, values of each axis (or draws), and seeds; the last of them vary fastest."""
        middle = (self.draws or 1,) if self.method == "random" else (len(axis.values) for axis in self.axes)
        return (len(self.listed), *middle, len(self.seeds or [0]))

    @functools.cached_property
    def candidates(self) -> Candidates:
        """The kinds that may stand at each part of its runs."""
        return Candidates(self.base, self._alternatives())

    def varying(self) -> list[tuple[str, ...]]:
        """Returns the keys that differ between runs, those that are tied together."""
        axes = [axis.keys for axis in self.axes if len(axis.values) > 1]
        return axes + [(law.key,) for law in self.laws]

    def _alternatives(self) -> Iterator[tuple[str, Sequence[Any]]]:
        """Returns each key that is set beyond the base, with the values of which every run has one."""
        for key in dict.fromkeys(key for row in self.listed for key in row):
            yield key, [row.get(key) for row in self.listed]
        for axis in self.axes:
            for place, key in enumerate(axis.keys):
                yield key, [values[place] for values in axis.values]
        for law in self.laws:
            yield law.key, law.bounds


def read_design(document: Mapping[str, Any], *, where: str, name: str) -> Design:
    """Returns what a document asks for.

    Args:
        document: the mapping a sweep file holds.
        where: the file, for errors.
        name: of the sweep, if the document gives none.

    Raises:
        SweepError: with every mistake of the document.
    """
    mistakes: list[Mistake] = []
    _check_keys(document, mistakes)
    name = document.get("name", name)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        mistakes.append(Mistake("name", f"found {describe(name)}, expected a slug such as width-and-target"))
    method = _read_method(document, mistakes)
    base = _read_base(document.get("base"), mistakes)
    seeds = _read_seeds(document.get("seeds"), mistakes)
    keep = _read_keep(document.get("keep", {}), mistakes)
    lanes = _read_whole(document, "lanes", 1, MOST_LANES, mistakes)
    _check_notes(document, mistakes)
    listed = _read_list(document, method, mistakes)
    axes, laws = read_axes(
        {} if document.get("parameters") is None else document["parameters"],
        document.get("zip"),
        random=method == "random",
        mistakes=mistakes,
    )
    draws = _read_whole(document, "run_cap", 1, LARGEST_SWEEP, mistakes)
    expected = _read_whole(document, "expect", 0, LARGEST_SWEEP, mistakes)
    sampling_seed = _read_whole(document, "sampling_seed", 0, SEED_LIMIT - 1, mistakes) or 0
    if method == "random" and document.get("run_cap") is None:
        text = "a random sweep has no size of its own: give run_cap (or --runs N)"
        mistakes.append(Mistake("run_cap", text))
    of_excluded: list[Mistake] = []  # said last
    excluded = read_excluded(document.get("exclude"), axes, seeds, of_excluded)
    design = Design(
        name=name,
        method=method,
        base=base,
        listed=listed,
        axes=axes,
        laws=laws,
        draws=draws,
        sampling_seed=sampling_seed,
        seeds=seeds,
        excluded=excluded,
        expected=expected,
        keep=keep,
        lanes=lanes,
    )
    if (rows := math.prod(design.shape)) > LARGEST_SWEEP:
        mistakes.append(Mistake("parameters", f"{rows:,} runs, more than the limit of {LARGEST_SWEEP:,}"))
    _check_assignments(design, mistakes)
    if mistakes or of_excluded:
        raise SweepError(where, dict.fromkeys(mistakes + of_excluded))
    return design


def _check_keys(document: Mapping[str, Any], mistakes: list[Mistake]) -> None:
    if "early_terminate" in document:
        mistakes.append(Mistake("early_terminate", f"refused: {REFUSED}"))
    for key in document:
        if key not in KEYS and key != "early_terminate":
            known = ", ".join(KEYS)
            mistakes.append(Mistake(key, f"unknown key{did_you_mean(key, KEYS)}; known: {known}"))


def _read_method(document: Mapping[str, Any], mistakes: list[Mistake]) -> Any:
    method = document.get("method", "grid")
    if method == "bayes":
        mistakes.append(Mistake("method", f"bayes is refused: {REFUSED}"))
    elif method not in METHODS:
        text = f"found {describe(method)}, expected one of {', '.join(METHODS)}"
        mistakes.append(Mistake("method", text))
    return method


def _read_base(base: Any, mistakes: list[Mistake]) -> dict[str, Any]:
    if base is None:
        return {}
    if not isinstance(base, dict):
        text = f"found {describe(base)}, expected a mapping of parts (target, network …)"
        mistakes.append(Mistake("base", text))
        return {}
    return base


def _check_notes(document: Mapping[str, Any], mistakes: list[Mistake]) -> None:
    """Checks what no run depends on, but every plan keeps."""
    for key, sort, expected in (
        ("description", str, "text"),
        ("metric", dict, "a mapping such as {name: grid_score_60, goal: maximize}"),
        ("figures", list, "a list"),
    ):
        value = document.get(key)
        if value is not None and not isinstance(value, sort):
            mistakes.append(Mistake(key, f"found {describe(value)}, expected {expected}"))
            continue
        try:
            json.dumps(value, allow_nan=False)
        except ValueError:
            mistakes.append(Mistake(key, "holds a number that is not finite"))


def _read_seeds(seeds: Any, mistakes: list[Mistake]) -> list[int] | None:
    if seeds is None:
        return None
    if isinstance(seeds, int) and not isinstance(seeds, bool):
        if 1 <= seeds <= LARGEST_SWEEP:
            return list(range(seeds))
        text = f"found {describe(seeds)}, expected how many (1 to {LARGEST_SWEEP:,}) or a list of seeds"
        mistakes.append(Mistake("seeds", text))
        return None
    if not isinstance(seeds, list) or not seeds:
        found = "an empty list" if seeds == [] else describe(seeds)
        mistakes.append(Mistake("seeds", f"found {found}, expected how many, or a list of seeds"))
        return None
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < SEED_LIMIT:
            text = f"found {describe(seed)}, expected a whole number of at least 0 and below 2^32"
            mistakes.append(Mistake("seeds", text))
            return None
    twice = [seed for seed, times in Counter(seeds).items() if times > 1]
    if twice:
        mistakes.append(Mistake("seeds", f"the seed {min(twice)} stands twice: it would run twice"))
    return list(seeds)


def _read_keep(keep: Any, mistakes: list[Mistake]) -> dict[str, str]:
    if not isinstance(keep, dict):
        text = f"found {describe(keep)}, expected a mapping such as {{rate_maps: best}}"
        mistakes.append(Mistake("keep", text))
        return DEFAULT_KEEP
    for key, value in keep.items():
        if key not in KEEP:
            text = f"unknown{did_you_mean(key, KEEP)}; known: {', '.join(KEEP)}"
            mistakes.append(Mistake(f"keep.{key}", text))
        elif value not in KEEP[key]:
            text = f"found {describe(value)}, expected one of {', '.join(KEEP[key])}"
            mistakes.append(Mistake(f"keep.{key}", text))
    return DEFAULT_KEEP | keep


def _read_whole(
    document: Mapping[str, Any], key: str, least: int, most: int, mistakes: list[Mistake]
) -> int | None:
    value = document.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        text = f"found {describe(value)}, expected a whole number from {least} to {most:,}"
        mistakes.append(Mistake(key, text))
        return None
    return value


def _read_list(document: Mapping[str, Any], method: Any, mistakes: list[Mistake]) -> list[dict[str, Any]]:
    if method != "list":
        if "runs" in document:
            mistakes.append(Mistake("runs", "needs method: list"))
        return [{}]
    rows = document.get("runs")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        text = f"found {describe(rows)}, expected a list of settings that differ from base"
        mistakes.append(Mistake("runs", text))
        return [{}]
    return rows


def _check_assignments(design: Design, mistakes: list[Mistake]) -> None:
    """Checks every value that some run sets, and whether what varies makes other networks."""
    candidates = design.candidates
    check_base(candidates, mistakes)
    for number, row in enumerate(design.listed):
        for key, value in row.items():
            check_assignment(candidates, key, value, f'runs[{number}]: "{key}"', mistakes)
    for axis in design.axes:
        for values in axis.values:
            for key, value in zip(axis.keys, values, strict=True):
                check_assignment(candidates, key, value, f'parameters: "{key}"', mistakes)
    for law in design.laws:
        for bound in law.bounds:
            check_assignment(candidates, law.key, bound, f'parameters: "{law.key}"', mistakes)
    for keys in design.varying():
        if not any(candidates.trains(key) for key in keys):
            text = "does not change training, so it cannot be an axis: a network is trained once"
            text += "; base.evaluation takes a list" if keys[0].startswith("evaluation") else ""
            mistakes.append(Mistake(f'parameters: "{keys[0]}"', text))
    keys = {key for axis in design.axes for key in axis.keys} | {law.key for law in design.laws}
    if design.seeds is not None and "system.seed" in keys.union(*design.listed):
        mistakes.append(Mistake("seeds", '"system.seed" is set as well: keep one of the two'))
