"""From settings to a tree: every value checked against the declaration of its field.

Settings are plain nested dictionaries, as a sweep file gives them. Nothing here knows any kind by name:
what is allowed is read from the declarations (``gridsweep.kinds``).
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from gridsweep.kinds import Declaration, Kind, Uniform, discover
from gridsweep.spec.mistakes import Mistake, describe, did_you_mean, is_number
from gridsweep.systems import System

DEFAULT_SYSTEM = "path_integrator"
REMEMBERED = 20_000  # parts of one sweep's runs kept in memory
FLOAT32 = (1.1754944e-38, 3.4028234e38)  # the smallest and the largest that a lane can hold, but for zero
Settings = Mapping[str, Any]


class Rejected(ValueError):
    """Settings that do not make a tree; carries every mistake found."""

    def __init__(self, mistakes: list[Mistake]):
        self.mistakes = mistakes
        super().__init__("; ".join(f"{mistake.key}: {mistake.text}" for mistake in mistakes))


class Builder:
    """Builds the runs of one sweep; what was built before is taken from memory.

    The runs of a sweep have most of their parts in common: a part is checked and made once for each way
    it is set.
    """

    def __init__(self) -> None:
        """Starts with an empty memory."""
        self._memory: dict[tuple[Any, ...], Any] = {}

    def build(self, settings: Settings) -> System:
        """Returns the system that settings describe; see :func:`build`."""
        mistakes: list[Mistake] = []
        root = as_node(settings.get("system", {}))
        if not isinstance(root, Mapping):
            raise Rejected(
                [Mistake("system", f"found {describe(root)}, expected a mapping such as {{kind: …}}")]
            )
        cls = system_class(root.get("kind", DEFAULT_SYSTEM), mistakes)
        if cls is None:
            raise Rejected(mistakes)
        settings = cls.complete({name: as_node(value) for name, value in settings.items()})
        root = settings.get("system", root)
        values = dict(self._remembered(_root_fields, root, cls, "system", mistakes))
        parts = part_names(cls)
        for name in settings:
            if name not in parts and name != "system":
                text = f'a {cls.kind_name()} has no part "{name}"{did_you_mean(name, parts)}'
                mistakes.append(Mistake(name, text))
        for name in parts:
            values[name] = self._remembered(_root_part, settings.get(name), cls, name, mistakes)
        if mistakes:
            raise Rejected(mistakes)
        system = cls(**values)
        _check_whole(system, "system.", mistakes)
        if mistakes:
            raise Rejected(mistakes)
        return system

    def _remembered(
        self, make: Callable[..., Any], settings: Any, cls: type[Kind], name: str, mistakes: list[Mistake]
    ) -> Any:
        """Returns what ``make`` makes of these settings, from memory if it was made without mistakes."""
        key = (cls, name, repr(settings))
        if key not in self._memory:
            before = len(mistakes)
            made = make(settings, cls, name, mistakes)
            if len(mistakes) > before:
                return made
            if len(self._memory) >= REMEMBERED:
                self._memory.clear()
            self._memory[key] = made
        return self._memory[key]


def build(settings: Settings) -> System:
    """Returns the system that settings describe: ``{"system": {"kind": …}, "target": {…}, …}``.

    Raises:
        Rejected: unknown kinds or fields, values of the wrong sort or out of bounds, or a combination
            that cannot run; all mistakes at once.
    """
    return Builder().build(settings)


def as_node(settings: Any) -> Any:
    """Returns the settings of a part with a kind's name alone written out: ``rnn`` is ``{kind: rnn}``."""
    return {"kind": settings} if isinstance(settings, str) else settings


def _root_fields(root: Settings, cls: type[Kind], name: str, mistakes: list[Mistake]) -> dict[str, Any]:
    own = {key: value for key, value in root.items() if key != "kind"}
    for key in sorted(own.keys() & set(part_names(cls))):
        mistakes.append(Mistake(f"{name}.{key}", f'a part of its own: write "{key}" beside "{name}"'))
    return _check_fields(cls, own, f"{name}.", mistakes)


def _root_part(settings: Any, cls: type[Kind], name: str, mistakes: list[Mistake]) -> Any:
    return build_part(cls, name, settings, name, mistakes)


@functools.cache
def part_names(cls: type[Kind]) -> tuple[str, ...]:
    """Returns the names of the fields of a kind that are kinds themselves."""
    return tuple(name for name, declared in cls.declarations().items() if declared.sort == "part")


def system_class(name: Any, mistakes: list[Mistake]) -> type[System] | None:
    """Returns the system of that name, or None and a mistake."""
    return _find_kind(System, name, "system", mistakes)


def build_part(cls: type[Kind], name: str, settings: Any, where: str, mistakes: list[Mistake]) -> Any:
    """Returns the node, or tuple of nodes, for one part of a kind; mistakes are added to the list."""
    declared = cls.declarations()[name]
    base = part_family(cls, name)
    if declared.many:
        items = settings if settings is not None else list(declared.default_kind)
        items = items if isinstance(items, list | tuple) else [items]
        if not items:
            mistakes.append(Mistake(where, "an empty list, expected at least one"))
        default = next(iter(declared.default_kind), None)
        nodes = tuple(
            _build_node(base, item, default, f"{where}[{number}]" if len(items) > 1 else where, mistakes)
            for number, item in enumerate(items)
        )
        names = [node.kind_name() for node in nodes if node is not None]
        for name in sorted({name for name in names if names.count(name) > 1}):
            mistakes.append(
                Mistake(where, f'the kind "{name}" stands twice: its results could not be told apart')
            )
        return nodes
    return _build_node(base, settings, declared.default_kind, where, mistakes)


@functools.cache
def part_family(cls: type[Kind], name: str) -> type[Kind]:
    """Returns the class a part is declared with: a family's base, or one concrete kind."""
    annotation = cls.__annotations__.get(name) or next(
        base.__annotations__[name] for base in cls.__mro__ if name in getattr(base, "__annotations__", {})
    )
    arguments = getattr(annotation, "__args__", None)
    return arguments[0] if arguments else annotation


def _build_node(base: type[Kind], settings: Any, default: Any, where: str, mistakes: list[Mistake]) -> Any:
    settings = {} if settings is None else as_node(settings)
    if not isinstance(settings, Mapping):
        mistakes.append(Mistake(where, f"found {describe(settings)}, expected a mapping such as {{kind: …}}"))
        return None
    settings = dict(settings)
    cls: type[Kind] | None = base
    if base.package:
        name = settings.pop("kind", default)
        if not name:
            mistakes.append(
                Mistake(where, f"no kind given; known: {', '.join(sorted(discover(base.package, base)))}")
            )
            return None
        cls = _find_kind(base, name, where, mistakes)
        if cls is None:
            return None
    return build_fields(cls, cls.complete(settings), f"{where}.", mistakes)


def _find_kind(base: type[Kind], name: Any, where: str, mistakes: list[Mistake]) -> Any:
    known = discover(base.package, base)
    if isinstance(name, str) and name in known:
        return known[name]
    mistakes.append(Mistake(f"{where}.kind", unknown_kind(base, name)))
    return None


def unknown_kind(base: type[Kind], name: Any) -> str:
    """Returns the complaint about a kind that a family does not have, with those it has."""
    base = next(owner for owner in base.__mro__ if "package" in vars(owner))
    known = discover(base.package, base)
    hint = did_you_mean(name, known) if isinstance(name, str) else ""
    return f"found {describe(name)}, expected a kind of {base.family}: {', '.join(sorted(known))}{hint}"


def build_fields(cls: type[Kind], settings: Settings, where: str, mistakes: list[Mistake]) -> Any:
    """Returns the node with every field checked, or None when there are mistakes, which are added."""
    before = len(mistakes)
    values = _check_fields(cls, settings, where, mistakes)
    for name in part_names(cls):
        values[name] = build_part(cls, name, settings.get(name), where + name, mistakes)
    if len(mistakes) > before:
        return None
    node = cls(**values)
    _check_whole(node, where, mistakes)
    return node if len(mistakes) == before else None


def _check_fields(cls: type[Kind], settings: Settings, where: str, mistakes: list[Mistake]) -> dict[str, Any]:
    """Returns the checked values of the fields that are no parts; mistakes are added to the list."""
    declarations = cls.declarations()
    for name in settings:
        if name not in declarations:
            mistakes.append(Mistake(where + name, unknown_field(cls, name)))
    values = {}
    for name, declared in declarations.items():
        if declared.sort != "part" and name in settings:
            values[name], complaint = check_value(declared, settings[name])
            if complaint:
                mistakes.append(Mistake(where + name, complaint))
    return values


def _check_whole(node: Kind, where: str, mistakes: list[Mistake]) -> None:
    """Adds what is wrong with a node whose fields are each right by themselves."""
    for problem in node.problems():
        key = problem.field if "." in problem.field else where + problem.field
        mistakes.append(Mistake(key, f"found {problem.found}, expected {problem.expected}"))


def unknown_field(cls: type[Kind], name: str) -> str:
    """Returns the complaint about a field that a kind does not have, with those it has."""
    fields = {key: said for key, said in cls.declarations().items() if said.sort != "part"}
    listed = ", ".join(f"{key} ({said.unit})" if said.unit else key for key, said in fields.items())
    owner = f'{cls.family} kind "{cls.kind_name()}"' if cls.package else cls.family
    return f'{owner} has no field "{name}"{did_you_mean(name, fields)}; its fields: {listed or "none"}'


def check_value(declared: Declaration, value: Any) -> tuple[Any, str]:
    """Returns (the value as its declared type, "") or (None, what is wrong with it)."""
    if declared.spread and isinstance(value, Mapping):
        return _check_uniform(declared, value)
    if declared.type is tuple:
        items = value if isinstance(value, list | tuple) else [value]
        checked = [_check_number(declared, item, whole=True) for item in items]
        wrong = [complaint for _, complaint in checked if complaint]
        numbers = [number for number, _ in checked]
        if not wrong and (not items or len(set(numbers)) < len(items)):
            found = f"found {', '.join(map(str, numbers))}" if items else "an empty list"
            wrong.append(f"{found}, expected distinct whole numbers")
        return (tuple(number for number, _ in checked), "") if not wrong else (None, wrong[0])
    if declared.type is bool:
        return (
            (value, "")
            if isinstance(value, bool)
            else (None, f"found {describe(value)}, expected true or false")
        )
    if declared.type is str:
        if isinstance(value, str) and value in declared.choices:
            return value, ""
        hint = did_you_mean(value, declared.choices) if isinstance(value, str) else ""
        return None, f"found {describe(value)}, expected one of {', '.join(declared.choices)}{hint}"
    return _check_number(declared, value, whole=declared.type is int)


def _check_uniform(declared: Declaration, value: Mapping[str, Any]) -> tuple[Any, str]:
    bounds = value.get("uniform")
    if set(value) != {"uniform"} or not isinstance(bounds, list | tuple) or len(bounds) != 2:
        return None, f"found {describe(value)}, expected a number or {{uniform: [low, high]}}"
    checked = [_check_number(declared, bound, whole=False) for bound in bounds]
    for _, complaint in checked:
        if complaint:
            return None, f"uniform: {complaint}"
    (low, _), (high, _) = checked
    if low >= high:
        return None, f"uniform: found [{low}, {high}], expected low below high"
    return Uniform(low, high), ""


def _check_number(declared: Declaration, value: Any, *, whole: bool) -> tuple[Any, str]:
    wrong = f"found {describe(value)}, expected {_expected(declared, whole)}"
    if not is_number(value) or (whole and value != int(value)):
        return None, wrong
    outside = (
        (declared.above is not None and value <= declared.above)
        or (declared.at_least is not None and value < declared.at_least)
        or (declared.at_most is not None and value > declared.at_most)
    )
    if outside:
        return None, wrong
    if not whole and value != 0 and not FLOAT32[0] <= abs(value) <= FLOAT32[1]:
        return None, f"{wrong}, within the range of float32"
    return (int(value) if whole else float(value)), ""


def _expected(declared: Declaration, whole: bool) -> str:
    sort = "a whole number" if whole else "a number"
    bounds = []
    if declared.above is not None:
        bounds.append(f"above {declared.above:g}")
    if declared.at_least is not None:
        bounds.append(f"of at least {declared.at_least:g}")
    if declared.at_most is not None:
        bounds.append(f"at most {declared.at_most:.12g}")
    unit = f" ({declared.unit})" if declared.unit else ""
    return " and ".join([f"{sort} {bounds[0]}", *bounds[1:]]) + unit if bounds else f"{sort}{unit}"
