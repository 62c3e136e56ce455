"""A sweep: a file read, checked and counted, whose runs can be made one by one.

The grammar is W&B's with dotted keys (``method``, ``parameters``, ``run_cap``), and ours on top: ``base``,
``seeds``, ``zip``, ``exclude``, ``expect``, ``keep``, ``lanes``, ``figures``. The number of runs is
computed by multiplication before any is made; run number i is made from i alone, so that a worker needs
the file and the numbers of its runs and nothing else.
"""

import copy
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gridsweep.kinds import SEED_LIMIT, Kind
from gridsweep.spec.axes import Axis, read_axes, spelling
from gridsweep.spec.build import (
    Builder,
    Rejected,
    as_node,
    build_part,
    check_value,
    part_names,
    unknown_field,
    unknown_kind,
)
from gridsweep.spec.candidates import Candidates
from gridsweep.spec.identity import run_id, run_ids_by_seed
from gridsweep.spec.mistakes import Mistake, SweepError, describe, did_you_mean
from gridsweep.systems import System

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


class Run(NamedTuple):
    """One configuration with one seed: one network."""

    run_id: str
    system: System


class Sweep:
    """The runs a document describes. Make one with ``gridsweep.spec.load_sweep``."""

    def __init__(self, document: Mapping[str, Any], where: str = "sweep", name: str = "sweep"):
        """Reads and checks a document.

        Raises:
            SweepError: with every mistake of the document.
        """
        self.where = where
        self.document = dict(document)
        self._mistakes: list[Mistake] = []
        self._read(name)
        if self._mistakes:
            raise SweepError(where, self._mistakes)
        self._builder = Builder()
        self._rows = self._surviving_rows()
        if self._expected is not None and self._expected != len(self):
            found = f"the file has {len(self):,} runs, expected {self._expected:,}"
            raise SweepError(where, [Mistake("expect", found)])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, number: int) -> Run:
        """Returns run ``number``.

        Raises:
            SweepError: the settings of that run cannot be combined.
        """
        system = self._build(self._assignments(self._rows[number]))
        return Run(run_id(system), system)

    def __iter__(self) -> Iterator[Run]:
        return (self[number] for number in range(len(self)))

    def by_seed(self) -> Iterator[tuple[Run, list[str]]]:
        """Returns all runs in order, those that differ in their seed alone together: the first, all ids.

        The others are not made: a million runs are counted and named in seconds.

        Raises:
            SweepError: the settings of some run cannot be combined.
        """
        seeds = self.seeds or [0]
        for _, group in itertools.groupby(self._rows, lambda row: row // len(seeds)):
            rows = list(group)
            system = self._build(self._assignments(rows[0]))
            first, ids = Run(run_id(system), system), None
            if len(rows) > 2:
                second = self._build(self._assignments(rows[1]))
                ids = run_ids_by_seed(system, second, [seeds[row % len(seeds)] for row in rows])
            if ids is None:
                rest = (run_id(self._build(self._assignments(row))) for row in rows[1:])
                ids = [first.run_id, *rest]
            yield first, ids

    @property
    def axes(self) -> tuple[Axis, ...]:
        """What varies among listed values; laws to draw from are not among them."""
        return tuple(self._axes)

    def system_with(self, assigned: Mapping[str, Any]) -> System:
        """Returns the system of the base with some keys set.

        Raises:
            SweepError: the settings cannot be combined.
        """
        return self._build(list(assigned.items()))

    def settings(self, number: int) -> dict[str, Any]:
        """Returns the settings of run ``number`` as nested dictionaries, defaults not filled in."""
        settings = self._assigned(self._assignments(self._rows[number]))
        return copy.deepcopy(self._candidates.fitted(settings))

    def varied(self) -> list[str]:
        """Returns the keys that differ between runs of this sweep."""
        keys = [key for axis in self._axes if len(axis.values) > 1 for key in axis.keys]
        return keys + [law.key for law in self._laws]

    def _build(self, assigned: Sequence[tuple[str, Any]]) -> System:
        try:
            return self._builder.build(self._candidates.fitted(self._assigned(assigned)))
        except Rejected as rejected:
            chosen = ", ".join(f"{key} = {str(value)[:80]}" for key, value in assigned)
            mistakes = [
                Mistake(m.key, f"{m.text} (in the run with {chosen or 'no axes'})") for m in rejected.mistakes
            ]
            raise SweepError(self.where, mistakes) from None

    # -- reading -------------------------------------------------------------------------------------

    def _complain(self, key: str, text: str) -> None:
        self._mistakes.append(Mistake(key, text))

    def _read(self, name: str) -> None:
        document = self.document
        if "early_terminate" in document:
            self._complain("early_terminate", f"refused: {REFUSED}")
        for key in document:
            if key not in KEYS and key != "early_terminate":
                self._complain(key, f"unknown key{did_you_mean(key, KEYS)}; known: {', '.join(KEYS)}")
        self.name = document.get("name", name)
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            self._complain("name", f"found {describe(self.name)}, expected a slug such as width-and-target")
        self.method = document.get("method", "grid")
        if self.method == "bayes":
            self._complain("method", f"bayes is refused: {REFUSED}")
        elif self.method not in METHODS:
            self._complain("method", f"found {describe(self.method)}, expected one of {', '.join(METHODS)}")
        self.base = {} if document.get("base") is None else document["base"]
        if not isinstance(self.base, dict):
            self._complain(
                "base", f"found {describe(self.base)}, expected a mapping of parts (target, network …)"
            )
            self.base = {}
        self.seeds = self._read_seeds(document.get("seeds"))
        self.keep = self._read_keep(document.get("keep", {}))
        self.lanes = self._read_whole("lanes", 1, MOST_LANES)
        self._check_notes()
        self.figures = document.get("figures") or []
        self._overrides = self._read_list() if self.method == "list" else [{}]
        if "runs" in document and self.method != "list":
            self._complain("runs", "needs method: list")
        self._axes, self._laws = read_axes(
            {} if document.get("parameters") is None else document["parameters"],
            document.get("zip"),
            random=self.method == "random",
            mistakes=self._mistakes,
        )
        self._run_cap = self._read_whole("run_cap", 1, LARGEST_SWEEP)
        self._expected = self._read_whole("expect", 0, LARGEST_SWEEP)
        self._sampling_seed = self._read_whole("sampling_seed", 0, SEED_LIMIT - 1) or 0
        if self.method == "random" and document.get("run_cap") is None:
            self._complain("run_cap", "a random sweep has no size of its own: give run_cap (or --runs N)")
        self._shape = self._read_shape()
        self._candidates = Candidates(self.base, self._alternatives())
        self._check_assignments()
        self._excluded = self._read_excluded()
        self._mistakes = list(dict.fromkeys(self._mistakes))

    def _check_notes(self) -> None:
        """Checks what no run depends on, but every plan keeps."""
        for key, sort, expected in (
            ("description", str, "text"),
            ("metric", dict, "a mapping such as {name: grid_score_60, goal: maximize}"),
            ("figures", list, "a list"),
        ):
            value = self.document.get(key)
            if value is not None and not isinstance(value, sort):
                self._complain(key, f"found {describe(value)}, expected {expected}")
                continue
            try:
                json.dumps(value, allow_nan=False)
            except ValueError:
                self._complain(key, "holds a number that is not finite")

    def _read_seeds(self, seeds: Any) -> list[int] | None:
        if seeds is None:
            return None
        if isinstance(seeds, int) and not isinstance(seeds, bool):
            if not 1 <= seeds <= LARGEST_SWEEP:
                self._complain(
                    "seeds",
                    f"found {describe(seeds)}, expected how many (1 to {LARGEST_SWEEP:,}) or a list of seeds",
                )
                return None
            return list(range(seeds))
        if not isinstance(seeds, list) or not seeds:
            found = "an empty list" if seeds == [] else describe(seeds)
            self._complain("seeds", f"found {found}, expected how many, or a list of seeds")
            return None
        for seed in seeds:
            if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < SEED_LIMIT:
                self._complain(
                    "seeds", f"found {describe(seed)}, expected a whole number of at least 0 and below 2^32"
                )
                return None
        twice = [seed for seed, times in Counter(seeds).items() if times > 1]
        if twice:
            self._complain("seeds", f"the seed {min(twice)} stands twice: it would run twice")
        return list(seeds)

    def _read_keep(self, keep: Any) -> dict[str, str]:
        if not isinstance(keep, dict):
            self._complain("keep", f"found {describe(keep)}, expected a mapping such as {{rate_maps: best}}")
            return DEFAULT_KEEP
        for key, value in keep.items():
            if key not in KEEP:
                self._complain(f"keep.{key}", f"unknown{did_you_mean(key, KEEP)}; known: {', '.join(KEEP)}")
            elif value not in KEEP[key]:
                self._complain(
                    f"keep.{key}", f"found {describe(value)}, expected one of {', '.join(KEEP[key])}"
                )
        return DEFAULT_KEEP | keep

    def _read_whole(self, key: str, least: int, most: int) -> int | None:
        value = self.document.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self._complain(key, f"found {describe(value)}, expected a whole number from {least} to {most:,}")
            return None
        return value

    def _read_list(self) -> list[dict[str, Any]]:
        rows = self.document.get("runs")
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            self._complain(
                "runs", f"found {describe(rows)}, expected a list of settings that differ from base"
            )
            return [{}]
        return rows

    def _read_shape(self) -> tuple[int, ...]:
        """How many list rows, values of each axis (or draws), and seeds; the last of them vary fastest."""
        seeds = len(self.seeds) if self.seeds else 1
        if self.method == "random":
            shape = (len(self._overrides), self._run_cap or 1, seeds)
        else:
            shape = (len(self._overrides), *(len(axis.values) for axis in self._axes), seeds)
        if math.prod(shape) > LARGEST_SWEEP:
            text = f"{math.prod(shape):,} runs, more than the limit of {LARGEST_SWEEP:,}"
            self._complain("parameters", text)
        return shape

    def _read_excluded(self) -> list[dict[str, str]]:
        """Returns the combinations left out, each a spelling of a value for some keys."""
        excluded = self.document.get("exclude")
        if excluded is None:
            return []
        if not isinstance(excluded, list) or not all(isinstance(item, dict) and item for item in excluded):
            self._complain("exclude", f"found {describe(excluded)}, expected a list of {{key: value}}")
            return []
        values = {
            key: {spelling(value[place]) for value in axis.values}
            for axis in self._axes
            for place, key in enumerate(axis.keys)
        }
        if self.seeds:
            values["system.seed"] = set(map(spelling, self.seeds))
        for item in excluded:
            for key, value in item.items():
                if key not in values:
                    hint = did_you_mean(key, values)
                    self._complain("exclude", f'"{key}" is no axis of parameters{hint}')
                elif spelling(value) not in values[key]:
                    self._complain("exclude", f'"{key}" is never {describe(value)}')
        return [{key: spelling(value) for key, value in item.items()} for item in excluded]

    # -- checking ------------------------------------------------------------------------------------

    def _alternatives(self) -> Iterator[tuple[str, Sequence[Any]]]:
        """Returns each key that is set beyond the base, with the values of which every run has one."""
        for key in dict.fromkeys(key for override in self._overrides for key in override):
            yield key, [override.get(key) for override in self._overrides]
        for axis in self._axes:
            for place, key in enumerate(axis.keys):
                yield key, [values[place] for values in axis.values]
        for law in self._laws:
            yield law.key, law.bounds

    def _check_assignments(self) -> None:
        self._check_node("base", self.base)
        for number, override in enumerate(self._overrides):
            for key, value in override.items():
                self._check_assignment(f'runs[{number}]: "{key}"', key, value)
        for axis in self._axes:
            for values in axis.values:
                for key, value in zip(axis.keys, values, strict=True):
                    self._check_assignment(f'parameters: "{key}"', key, value)
        for law in self._laws:
            for bound in law.bounds:
                self._check_assignment(f'parameters: "{law.key}"', law.key, bound)
        axes = [axis.keys for axis in self._axes if len(axis.values) > 1] + [(law.key,) for law in self._laws]
        for keys in axes:
            if not any(self._trains(key) for key in keys):
                text = "does not change training, so it cannot be an axis: a network is trained once"
                text += "; base.evaluation takes a list" if keys[0].startswith("evaluation") else ""
                self._complain(f'parameters: "{keys[0]}"', text)
        keys = {key for axis in self._axes for key in axis.keys} | {law.key for law in self._laws}
        if self.seeds is not None and "system.seed" in keys.union(*self._overrides):
            self._complain("seeds", '"system.seed" is set as well: keep one of the two')

    def _trains(self, key: str) -> bool:
        """Whether a key can make two runs different networks."""
        part, _, field = key.partition(".")
        for system in self._candidates.systems():
            declared = system.declarations().get(field if part == "system" else part)
            followed = any(other.follows == field for other in system.declarations().values()) and bool(field)
            if declared is None or declared.trains or followed:
                return True
        return False

    def _check_node(self, where: str, settings: Mapping[str, Any]) -> None:
        """Checks the base: each part as far as it goes, leaf by leaf."""
        for name, value in settings.items():
            if "." not in name and self._candidates.classes(name):
                self._check_assignment(f"{where}.{name}", name, value)
            else:
                kinds = " or ".join(system.kind_name() for system in self._candidates.systems())
                text = f"a {kinds} has no such part{did_you_mean(name, self._part_names())}"
                self._complain(f"{where}.{name}", text)

    def _check_assignment(self, where: str, key: str, value: Any) -> None:
        """Checks one value of one key against every kind it may meet."""
        if key == "seed":
            self._complain(where, 'seeds are given by "seeds", or by the axis "system.seed"')
            return
        classes = self._candidates.classes(key)
        if classes:
            self._check_part(where, key, value, classes)
            return
        owner_path, _, name = key.rpartition(".")
        owners = self._candidates.classes(owner_path) if owner_path else ()
        if not owners:
            first, known = key.split(".")[0], self._part_names()
            if self._candidates.classes(first):
                self._complain(where, f'"{first}" has no part "{key.split(".")[1]}"')
            else:
                hint = did_you_mean(first, known)
                self._complain(where, f'no part "{first}" in these runs{hint}; parts: {", ".join(known)}')
            return
        if isinstance(self.base.get(owner_path), list):
            self._complain(where, f'"{owner_path}" is a list in base: set it as a whole')
            return
        if name == "kind":
            self._check_part(where, owner_path, {"kind": value}, owners)
            return
        having = [owner for owner in owners if name in owner.declarations() and name not in part_names(owner)]
        if not having:
            self._complain(where, unknown_field(owners[0], name))
        for owner in having:
            _, complaint = check_value(owner.declarations()[name], value)
            if complaint:
                self._complain(where, complaint)
                return

    def _part_names(self) -> list[str]:
        """Returns the names of everything that may stand at the root of these runs."""
        return ["system", *sorted({part for root in self._candidates.systems() for part in part_names(root)})]

    def _check_part(self, where: str, key: str, value: Any, classes: Sequence[type[Kind]]) -> None:
        owner_path, _, name = key.rpartition(".")
        owners = self._candidates.classes(owner_path) if owner_path else self._candidates.systems()
        owner = next((owner for owner in owners if name in part_names(owner)), None)
        if owner is not None and owner.declarations()[name].many:
            found: list[Mistake] = []
            build_part(owner, name, value, where, found)
            self._mistakes += found
        else:
            self._check_fields(where, as_node(value), key, classes)

    def _check_fields(self, where: str, value: Any, key: str, classes: Sequence[type[Kind]]) -> None:
        if not isinstance(value, Mapping):
            self._complain(where, f"found {describe(value)}, expected a mapping such as {{kind: …}}")
            return
        if "kind" in value and value["kind"] not in [cls.kind_name() for cls in classes if cls.package]:
            text = unknown_kind(classes[0], value["kind"]) if classes[0].package else "has no kinds"
            self._complain(f"{where}.kind", text)
            return
        for name, item in value.items():
            if "." in name:
                self._complain(where, unknown_field(classes[0], name))
            elif name != "kind":
                self._check_assignment(f"{where}.{name}", f"{key}.{name}", item)

    # -- counting and making -------------------------------------------------------------------------

    def _surviving_rows(self) -> range | list[int]:
        rows = range(math.prod(self._shape))
        if not self._excluded:
            return rows
        kept = []
        for row in rows:
            said = {key: spelling(value) for key, value in self._assignments(row)}
            if not any(all(said.get(key) == value for key, value in item.items()) for item in self._excluded):
                kept.append(row)
        if not kept:
            raise SweepError(self.where, [Mistake("exclude", "nothing is left: every run is excluded")])
        return kept

    def _assignments(self, row: int) -> list[tuple[str, Any]]:
        """Returns what row ``row`` sets beyond the base, in the order it is said."""
        digits = []
        for length in reversed(self._shape):
            row, digit = divmod(row, length)
            digits.append(digit)
        override, *middle, seed = reversed(digits)
        assigned = list(self._overrides[override].items())
        if self.method == "random":
            rng = np.random.default_rng([self._sampling_seed, middle[0]])
            for axis in self._axes:
                assigned += zip(axis.keys, axis.values[rng.integers(len(axis.values))], strict=True)
            assigned += [(law.key, law.draw(rng)) for law in self._laws]
        else:
            for axis, digit in zip(self._axes, middle, strict=True):
                assigned += zip(axis.keys, axis.values[digit], strict=True)
        if self.seeds:
            assigned.append(("system.seed", self.seeds[seed]))
        return assigned

    def _assigned(self, assignments: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        """Returns the base with assignments made, whole nodes before their leaves."""
        settings = self.base
        for key, value in sorted(assignments, key=lambda item: item[0].count(".")):
            part, *path = key.split(".")
            for name in reversed(path):
                value = {name: value}
            settings = {**settings, part: _merged(settings.get(part), value)}
        return settings


def _merged(before: Any, value: Any) -> Any:
    """Returns a value in its place: a node keeps those of its settings that it is not given anew."""
    if isinstance(value, str) and isinstance(before, dict):
        value = {"kind": value}
    if not isinstance(value, dict) or "uniform" in value:
        return value
    kept = as_node(before) if isinstance(before, dict | str) else {}
    return {**kept, **{name: _merged(kept.get(name), item) for name, item in value.items()}}
