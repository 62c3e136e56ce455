"""A sweep: the runs of a design, counted, and made one by one.

The number of runs is computed by multiplication before any is made; run number i is made from i alone, so
that a worker needs the file and the numbers of its runs and nothing else.
"""

import copy
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gridsweep.spec.assignments import assign
from gridsweep.spec.axes import Axis, spelling
from gridsweep.spec.build import Builder, Rejected
from gridsweep.spec.design import read_design
from gridsweep.spec.identity import run_id, run_ids_by_seed
from gridsweep.spec.mistakes import Mistake, SweepError
from gridsweep.systems import System


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
        self._design = design = read_design(document, where=where, name=name)
        self.name, self.method, self.seeds = design.name, design.method, design.seeds
        self.keep, self.lanes = design.keep, design.lanes
        self._builder = Builder()
        self._shape = design.shape
        self._rows = self._surviving_rows()
        if design.expected is not None and design.expected != len(self):
            found = f"the file has {len(self):,} runs, expected {design.expected:,}"
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
        return tuple(self._design.axes)

    def system_with(self, assigned: Mapping[str, Any]) -> System:
        """Returns the system of the base with some keys set.

        Raises:
            SweepError: the settings cannot be combined.
        """
        return self._build(list(assigned.items()))

    def settings(self, number: int) -> dict[str, Any]:
        """Returns the settings of run ``number`` as nested dictionaries, defaults not filled in."""
        return copy.deepcopy(self._settings(self._assignments(self._rows[number])))

    def varied(self) -> list[str]:
        """Returns the keys that differ between runs of this sweep."""
        return [key for keys in self._design.varying() for key in keys]

    def _build(self, assigned: Sequence[tuple[str, Any]]) -> System:
        try:
            return self._builder.build(self._settings(assigned))
        except Rejected as rejected:
            chosen = ", ".join(f"{key} = {str(value)[:80]}" for key, value in assigned)
            mistakes = [
                Mistake(m.key, f"{m.text} (in the run with {chosen or 'no axes'})") for m in rejected.mistakes
            ]
            raise SweepError(self.where, mistakes) from None

    def _settings(self, assigned: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        return self._design.candidates.fitted(assign(self._design.base, assigned))

    def _surviving_rows(self) -> range | list[int]:
        """Returns the rows of the whole product of which no combination is excluded."""
        rows, excluded = range(math.prod(self._shape)), self._design.excluded
        if not excluded:
            return rows
        kept = []
        for row in rows:
            said = {key: spelling(value) for key, value in self._assignments(row)}
            if not any(all(said.get(key) == value for key, value in item.items()) for item in excluded):
                kept.append(row)
        if not kept:
            raise SweepError(self.where, [Mistake("exclude", "nothing is left: every run is excluded")])
        return kept

    def _assignments(self, row: int) -> list[tuple[str, Any]]:
        """Returns what row ``row`` sets beyond the base, in the order it is said."""
        design, digits = self._design, []
        for length in reversed(self._shape):
            row, digit = divmod(row, length)
            digits.append(digit)
        listed, *middle, seed = reversed(digits)
        assigned = list(design.listed[listed].items())
        if design.method == "random":
            rng = np.random.default_rng([design.sampling_seed, middle[0]])
            for axis in design.axes:
                assigned += zip(axis.keys, axis.values[rng.integers(len(axis.values))], strict=True)
            assigned += [(law.key, law.draw(rng)) for law in design.laws]
        else:
            for axis, digit in zip(design.axes, middle, strict=True):
                assigned += zip(axis.keys, axis.values[digit], strict=True)
        if design.seeds:
            assigned.append(("system.seed", design.seeds[seed]))
        return assigned
