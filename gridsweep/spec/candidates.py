"""Which kinds may stand at each part of a sweep's runs, and which settings therefore mean something.

A sweep may sweep whole nodes: ``target: {values: [{kind: gaussian}, {kind: difference_of_softmaxes}]}``.
A setting that some of those kinds have and others do not (``target.surround_ratio``) applies where it
means something and is dropped elsewhere, so that equal networks stay equal. A setting that no kind of the
sweep has is a mistake.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gridsweep.kinds import Kind, discover
from gridsweep.spec.build import DEFAULT_SYSTEM, REMEMBERED, as_node, part_family, part_names
from gridsweep.systems import System


class Candidates:
    """The kinds that occur at each part, collected from the base and every value of every axis."""

    def __init__(self, base: Mapping[str, Any], alternatives: Iterable[tuple[str, Sequence[Any]]]):
        """Collects the kinds.

        Args:
            base: the tree that all runs share.
            alternatives: keys with the values they take; each run has one of them.
        """
        self.base = base
        named = _kinds_of("", base)
        self._names: dict[str, set[str]] = {path: {name} for path, name in named.items()}
        self._settled = set(named)  # parts that no run leaves to their default kind
        for path, values in alternatives:
            found = [_kinds_of(path, value) for value in values]
            for kinds in found:
                for part, name in kinds.items():
                    self._names.setdefault(part, set()).add(name)
            self._settled |= set.intersection(*(set(kinds) for kinds in found)) if found else set()
        self._classes = functools.cache(self._find_classes)
        self._fits: dict[tuple[Any, ...], Any] = {}

    def systems(self) -> list[type[System]]:
        """Returns the systems of the sweep's runs; the usual one when none that is named exists."""
        known = discover(System.package, System)
        names = self._names.get("system", set())
        names = names if "system" in self._settled else names | {DEFAULT_SYSTEM}
        return [known[name] for name in sorted(names) if name in known] or [known[DEFAULT_SYSTEM]]

    def classes(self, path: str) -> tuple[type[Kind], ...]:
        """Returns the classes that may stand at a part; empty where no system has such a part."""
        return self._classes(path)

    def part_names(self) -> list[str]:
        """Returns the names of everything that may stand at the root of the sweep's runs."""
        return ["system", *sorted({part for root in self.systems() for part in part_names(root)})]

    def trains(self, key: str) -> bool:
        """Whether a key can make two runs different networks."""
        part, _, field = key.partition(".")
        for system in self.systems():
            declared = system.declarations().get(field if part == "system" else part)
            followed = any(other.follows == field for other in system.declarations().values()) and bool(field)
            if declared is None or declared.trains or followed:
                return True
        return False

    def fitted(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the settings of one run without those that only other kinds of the sweep have."""
        root = as_node(settings.get("system", {}))
        name = root.get("kind", DEFAULT_SYSTEM) if isinstance(root, Mapping) else ""
        system = discover(System.package, System).get(name)
        if system is None:
            return dict(settings)
        kept: dict[str, Any] = {}
        for part, value in settings.items():
            if part == "system" or part in part_names(system):
                key = (system, part, repr(value))  # most runs of a sweep have most parts in common
                if key not in self._fits:
                    if len(self._fits) >= REMEMBERED:
                        self._fits.clear()
                    node = part == "system"
                    self._fits[key] = (
                        self._fit_node(root, system, part)
                        if node
                        else self._fit_part(value, system, part, part)
                    )
                kept[part] = self._fits[key]
            elif not any(part in part_names(other) for other in self.systems()):
                kept[part] = value  # unknown to all: left in place, to be complained about
        return kept

    def _fit_part(self, value: Any, owner: type[Kind], name: str, path: str) -> Any:
        value = as_node(value)
        if owner.declarations()[name].many or not isinstance(value, Mapping):
            return value
        base = part_family(owner, name)
        cls: type[Kind] | None = base
        if base.package:
            cls = discover(base.package, base).get(value.get("kind", owner.declarations()[name].default_kind))
        return value if cls is None else self._fit_node(value, cls, path)

    def _fit_node(self, value: Mapping[str, Any], cls: type[Kind], path: str) -> dict[str, Any]:
        declared = cls.declarations()
        others = [other.declarations() for other in self.classes(path)]
        kept: dict[str, Any] = {}
        for name, item in value.items():
            if name in declared and declared[name].sort == "part":
                kept[name] = self._fit_part(item, cls, name, f"{path}.{name}")
            elif name == "kind" or name in declared or not any(name in other for other in others):
                kept[name] = item
        return kept

    def _find_classes(self, path: str) -> tuple[type[Kind], ...]:
        if path == "system":
            return tuple(self.systems())
        owner_path, _, name = path.rpartition(".")
        if owner_path == "system":
            return ()  # the parts of the root stand beside "system", not in it
        found: dict[type[Kind], None] = {}
        for owner in self.classes(owner_path) if owner_path else self.systems():
            if name not in part_names(owner):
                continue
            base = part_family(owner, name)
            if not base.package:
                found[base] = None
                continue
            known = discover(base.package, base)
            default = owner.declarations()[name].default_kind
            defaults = set(default) if isinstance(default, tuple) else {default}
            names = self._names.get(path, set()) & set(known)
            names = names if names and path in self._settled else names | defaults
            found |= {known[kind]: None for kind in sorted(names) if kind in known}
        return tuple(found)


def _kinds_of(path: str, value: Any) -> dict[str, str]:
    """Returns the kinds that a value names, each under the path of its part."""
    if path.endswith(".kind"):
        path, value = path.removesuffix(".kind"), {"kind": value}
    if isinstance(value, str) and path:
        value = {"kind": value}
    if not isinstance(value, Mapping):
        return {}
    found: dict[str, str] = {}
    for name, item in value.items():
        if name == "kind":
            found |= {path: item} if isinstance(item, str) and path else {}
        elif isinstance(item, Mapping | str):
            found |= _kinds_of(f"{path}.{name}" if path else name, item)
    return found
