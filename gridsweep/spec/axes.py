"""The swept part of a sweep file: axes with values, or laws to draw from; combinations that are left out."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from gridsweep.spec.mistakes import Mistake, describe, did_you_mean, is_number

# What each distribution of a random sweep needs beside its name.
LAWS = {
    "uniform": ("min", "max"),
    "int_uniform": ("min", "max"),
    "log_uniform_values": ("min", "max"),
    "normal": ("mu", "sigma"),
}
LISTED = {"categorical": "values", "constant": "value"}  # W&B's other names for an axis
PARAMETER_KEYS = ("value", "values", "distribution", "min", "max", "mu", "sigma")
INT64 = 2**63


class Axis(NamedTuple):
    """One axis: the keys it sets (several when tied by ``zip``), and for each value one entry per key."""

    keys: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]


class Law(NamedTuple):
    """A distribution that a random sweep draws one key from."""

    key: str
    draw: Callable[[np.random.Generator], Any]
    bounds: tuple[Any, ...]  # values to check when the file is read


def read_axes(
    parameters: Any, zipped: Any, *, random: bool, mistakes: list[Mistake]
) -> tuple[list[Axis], list[Law]]:
    """Returns the axes (tied ones merged) and laws of ``parameters``; mistakes are added to the list."""
    if not isinstance(parameters, Mapping):
        mistakes.append(
            Mistake("parameters", f"found {describe(parameters)}, expected a mapping of keys to values")
        )
        return [], []
    axes: dict[str, Axis] = {}
    laws: list[Law] = []
    for key, said in parameters.items():
        where = f'parameters: "{key}"'
        match _read_parameter(key, said, where, mistakes):
            case Axis() as axis:
                axes[key] = axis
            case Law() as law if random:
                laws.append(law)
            case Law():
                mistakes.append(Mistake(where, "a distribution needs method: random; a grid needs values"))
    return _tie(axes, zipped, parameters, mistakes), laws


def read_excluded(
    excluded: Any, axes: list[Axis], seeds: list[int] | None, mistakes: list[Mistake]
) -> list[dict[str, str]]:
    """Returns the combinations left out, each a spelling of a value for some keys; mistakes are added."""
    if excluded is None:
        return []
    if not isinstance(excluded, list) or not all(isinstance(item, dict) and item for item in excluded):
        text = f"found {describe(excluded)}, expected a list of {{key: value}}"
        mistakes.append(Mistake("exclude", text))
        return []
    values = {
        key: {spelling(value[place]) for value in axis.values}
        for axis in axes
        for place, key in enumerate(axis.keys)
    }
    if seeds:
        values["system.seed"] = set(map(spelling, seeds))
    for item in excluded:
        for key, value in item.items():
            if key not in values:
                text = f'"{key}" is no axis of parameters{did_you_mean(key, values)}'
                mistakes.append(Mistake("exclude", text))
            elif spelling(value) not in values[key]:
                mistakes.append(Mistake("exclude", f'"{key}" is never {describe(value)}'))
    return [{key: spelling(value) for key, value in item.items()} for item in excluded]


def spelling(value: Any) -> str:
    """Returns a text that is one for values that mean one thing: 1 and 1.0, a kind and its name."""
    if is_number(value):
        return hex(int(value)) if value == int(value) else repr(value)
    if isinstance(value, Mapping):
        if set(value) == {"kind"}:
            return spelling(value["kind"])
        return "{" + ",".join(sorted(f"{key!r}:{spelling(item)}" for key, item in value.items())) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(spelling, value)) + "]"
    return repr(value)


def _read_parameter(key: str, said: Any, where: str, mistakes: list[Mistake]) -> Axis | Law | None:
    """Returns the axis or the law that one entry of ``parameters`` describes, or None and a mistake."""
    if not isinstance(said, Mapping):
        mistakes.append(Mistake(where, f"found {describe(said)}, expected {{values: [...]}}"))
        return None
    for name in said:
        if name not in PARAMETER_KEYS:
            known = ", ".join(PARAMETER_KEYS)
            hint = did_you_mean(name, PARAMETER_KEYS)
            mistakes.append(Mistake(where, f'unknown key "{name}"{hint}; known: {known}'))
    law = said.get("distribution")
    if "distribution" in said and not (isinstance(law, str) and law in LISTED | LAWS):
        known = ", ".join(LAWS | LISTED)
        hint = did_you_mean(str(law), LAWS | LISTED) if isinstance(law, str) else ""
        mistakes.append(Mistake(where, f"found {describe(law)}, expected a distribution: {known}{hint}"))
        return None
    listed = LISTED.get(law or "", "value" if "value" in said else "values")
    meant = LAWS.get(law or "", (listed,))
    for name in PARAMETER_KEYS:
        if name in said and name not in (*meant, "distribution"):
            mistakes.append(Mistake(where, f'"{name}" has no meaning beside {law or meant[0]}'))
    if law in LAWS:
        return _read_law(key, law, [said.get(name) for name in meant], where, mistakes)
    if meant[0] not in said:
        mistakes.append(Mistake(where, f"expected {meant[0] if law else 'value, values or distribution'}"))
        return None
    if meant[0] == "value":
        return Axis((key,), ((said["value"],),))
    if not isinstance(said["values"], list):
        mistakes.append(Mistake(where, f"values: found {describe(said['values'])}, expected a list"))
        return None
    _check_values(said["values"], where, mistakes)
    return Axis((key,), tuple((value,) for value in said["values"]))


def _check_values(values: list[Any], where: str, mistakes: list[Mistake]) -> None:
    if not values:
        mistakes.append(Mistake(where, "the axis is empty: the sweep would have 0 runs"))
    seen: dict[str, Any] = {}
    for value in values:
        same = spelling(value)
        if same in seen:
            mistakes.append(
                Mistake(
                    where, f"{describe(seen[same])} and {describe(value)} are the same: it would run twice"
                )
            )
        seen.setdefault(same, value)


def _read_law(key: str, name: str, values: list[Any], where: str, mistakes: list[Mistake]) -> Law | None:
    """Returns the law of that name with its two numbers, or None and a mistake."""
    if not all(is_number(value) and abs(value) < INT64 for value in values):
        found = ", ".join(describe(value) for value in values)
        numbers = " and ".join(LAWS[name])
        mistakes.append(Mistake(where, f"found {found}; {name} needs the numbers {numbers}"))
        return None
    low, high = values
    wrong = ""
    if name == "normal":
        if high < 0:
            wrong = f"found sigma {high}, expected at least 0"
    elif not (low < high and (name != "log_uniform_values" or low > 0)):
        wrong = f"found min {low} and max {high}, expected min below max"
        wrong += " and above 0" if name == "log_uniform_values" else ""
    elif name == "int_uniform" and (low != int(low) or high != int(high)):
        wrong = f"found min {low} and max {high}, expected whole numbers"
    if wrong:
        mistakes.append(Mistake(where, wrong))
        return None
    draws: dict[str, Callable[[np.random.Generator], Any]] = {
        "uniform": lambda rng: float(rng.uniform(low, high)),
        "int_uniform": lambda rng: int(rng.integers(int(low), int(high), endpoint=True)),
        "log_uniform_values": lambda rng: float(math.exp(rng.uniform(math.log(low), math.log(high)))),
        "normal": lambda rng: float(rng.normal(low, high)),
    }
    # One draw beside the ends shows a law of fractions on a field of whole numbers.
    bounds = (
        (low, low + 0.1 * high) if name == "normal" else (low, high, draws[name](np.random.default_rng(0)))
    )
    return Law(key, draws[name], bounds)


def _tie(
    axes: dict[str, Axis], zipped: Any, parameters: Mapping[str, Any], mistakes: list[Mistake]
) -> list[Axis]:
    """Merges the axes that ``zip`` ties, at the place of the first of them."""
    if zipped is None or zipped == []:
        return list(axes.values())
    groups = (
        zipped if isinstance(zipped, list) and all(isinstance(group, list) for group in zipped) else [zipped]
    )
    tied_already: set[str] = set()
    for group in groups:
        if not isinstance(group, list) or len(group) < 2 or not all(isinstance(key, str) for key in group):
            mistakes.append(Mistake("zip", f"found {describe(group)}, expected lists of at least two keys"))
            continue
        unknown = [key for key in group if key not in parameters]
        if unknown:
            mistakes.append(
                Mistake("zip", f'"{unknown[0]}" is no axis of parameters{did_you_mean(unknown[0], axes)}')
            )
            continue
        twice = [key for key in group if group.count(key) > 1 or key in tied_already]
        if twice:
            mistakes.append(Mistake("zip", f'"{twice[0]}" stands twice'))
            continue
        drawn = [key for key in group if key not in axes]
        if drawn:
            if not mistakes:
                mistakes.append(Mistake("zip", f'"{drawn[0]}" is drawn from a distribution: only values tie'))
            continue
        lengths = {key: len(axes[key].values) for key in group}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{key}: {length}" for key, length in lengths.items())
            mistakes.append(Mistake("zip", f"tied axes have different lengths ({said})"))
            continue
        tied = Axis(
            tuple(group), tuple(zip(*(tuple(v[0] for v in axes[key].values) for key in group), strict=True))
        )
        tied_already |= set(group)
        axes = {
            key: tied if key == group[0] else axis
            for key, axis in axes.items()
            if key == group[0] or key not in group
        }
    return list(axes.values())
