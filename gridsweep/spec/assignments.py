"""Assignments: what a run sets beyond the base, each a dotted key with its value; checked, and made.

``target.field_width_m`` sets a leaf and ``target`` a whole node, which keeps those of its settings that it is
not given anew. A value is checked against every kind that it may meet when the file is read, so that no run
has to be made to find what is wrong with it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gridsweep.kinds import Kind
from gridsweep.spec.build import as_node, build_part, check_value, part_names, unknown_field, unknown_kind
from gridsweep.spec.candidates import Candidates
from gridsweep.spec.mistakes import Mistake, describe, did_you_mean


def assign(base: Mapping[str, Any], assignments: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Returns the base with assignments made, whole nodes before their leaves."""
    settings = dict(base)
    for key, value in sorted(assignments, key=lambda item: item[0].count(".")):
        part, *path = key.split(".")
        for name in reversed(path):
            value = {name: value}
        settings[part] = _merged(settings.get(part), value)
    return settings


def _merged(before: Any, value: Any) -> Any:
    """Returns a value in its place: a node keeps those of its settings that it is not given anew."""
    if isinstance(value, str) and isinstance(before, dict):
        value = {"kind": value}
    if not isinstance(value, dict) or "uniform" in value:
        return value
    kept = as_node(before) if isinstance(before, dict | str) else {}
    return {**kept, **{name: _merged(kept.get(name), item) for name, item in value.items()}}


def check_base(candidates: Candidates, mistakes: list[Mistake]) -> None:
    """Checks the base: each part as far as it goes, leaf by leaf; mistakes are added to the list."""
    for name, value in candidates.base.items():
        if "." not in name and candidates.classes(name):
            check_assignment(candidates, name, value, f"base.{name}", mistakes)
        else:
            kinds = " or ".join(system.kind_name() for system in candidates.systems())
            text = f"a {kinds} has no such part{did_you_mean(name, candidates.part_names())}"
            mistakes.append(Mistake(f"base.{name}", text))


def check_assignment(
    candidates: Candidates, key: str, value: Any, where: str, mistakes: list[Mistake]
) -> None:
    """Checks one value of one key against every kind it may meet; mistakes are added to the list."""
    if key == "seed":
        mistakes.append(Mistake(where, 'seeds are given by "seeds", or by the axis "system.seed"'))
        return
    classes = candidates.classes(key)
    if classes:
        _check_part(candidates, key, value, classes, where, mistakes)
        return
    owner_path, _, name = key.rpartition(".")
    owners = candidates.classes(owner_path) if owner_path else ()
    if not owners:
        mistakes.append(Mistake(where, _no_such_part(candidates, key)))
        return
    if isinstance(candidates.base.get(owner_path), list):
        mistakes.append(Mistake(where, f'"{owner_path}" is a list in base: set it as a whole'))
        return
    if name == "kind":
        _check_part(candidates, owner_path, {"kind": value}, owners, where, mistakes)
        return
    having = [owner for owner in owners if name in owner.declarations() and name not in part_names(owner)]
    if not having:
        mistakes.append(Mistake(where, unknown_field(owners[0], name)))
    for owner in having:
        _, complaint = check_value(owner.declarations()[name], value)
        if complaint:
            mistakes.append(Mistake(where, complaint))
            return


def _no_such_part(candidates: Candidates, key: str) -> str:
    first, known = key.split(".")[0], candidates.part_names()
    if candidates.classes(first):
        return f'"{first}" has no part "{key.split(".")[1]}"'
    return f'no part "{first}" in these runs{did_you_mean(first, known)}; parts: {", ".join(known)}'


def _check_part(
    candidates: Candidates,
    key: str,
    value: Any,
    classes: Sequence[type[Kind]],
    where: str,
    mistakes: list[Mistake],
) -> None:
    owner_path, _, name = key.rpartition(".")
    owners = candidates.classes(owner_path) if owner_path else candidates.systems()
    owner = next((owner for owner in owners if name in part_names(owner)), None)
    if owner is not None and owner.declarations()[name].many:
        build_part(owner, name, value, where, mistakes)
        return
    value = as_node(value)
    if not isinstance(value, Mapping):
        mistakes.append(Mistake(where, f"found {describe(value)}, expected a mapping such as {{kind: …}}"))
        return
    if "kind" in value and value["kind"] not in [cls.kind_name() for cls in classes if cls.package]:
        text = unknown_kind(classes[0], value["kind"]) if classes[0].package else "has no kinds"
        mistakes.append(Mistake(f"{where}.kind", text))
        return
    for name, item in value.items():
        if "." in name:
            mistakes.append(Mistake(where, unknown_field(classes[0], name)))
        elif name != "kind":
            check_assignment(candidates, f"{key}.{name}", item, f"{where}.{name}", mistakes)
