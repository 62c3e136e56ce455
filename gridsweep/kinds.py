"""How a part of a run is declared: frozen dataclasses that are JAX pytrees.

A run is a tree. Its structure is the compiled program; its leaves are the lane. A field is declared
once, as one of three sorts:

* ``per_cohort`` fields (units, activation, batch_size …) live in the tree's structure: changing one
  means another compilation;
* ``per_lane`` fields (widths, learning rate, seeds …) are leaves and vary freely inside one program;
* ``part`` fields are other kinds: branches of the tree.

So two runs may share a program exactly when ``jax.tree.structure(a) == jax.tree.structure(b)``, and a
new target takes part in sweeping, batching, storing and plotting by declaring its fields. The metadata
given here (unit, meaning, bounds, choices) is read by the sweep-file checker, the documentation and the
conformance tests; it is written nowhere else.

A field that is added to a kind which has been used says ``before``, the value that older runs had in effect
without it. At that value it is no part of a run's identity, so that older runs keep theirs.

A setting whose name is a keyword of Python is declared with an underscore behind it, as PEP 8 has it:
``pass_`` is ``pass`` in sweep files, columns and declarations, and a node answers to both.
"""

import builtins
import dataclasses
import functools
import importlib
import operator
import pkgutil
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self, TypeVar, dataclass_transform

import jax
from jaxtyping import Array, Float, Integer

Scalar = float | Float[Array, ""]
Whole = int | Integer[Array, ""]

SEED_LIMIT = 2**32


@functools.partial(jax.tree_util.register_dataclass, data_fields=["low", "high"], meta_fields=[])
@dataclasses.dataclass(frozen=True)
class Uniform:
    """A value drawn uniformly for each cell and field: ``{uniform: [low, high]}`` in a sweep file."""

    low: Scalar
    high: Scalar


@dataclasses.dataclass(frozen=True)
class Declaration:
    """What a field of a kind says about itself."""

    sort: str  # cohort, lane or part
    type: builtins.type = float  # of a value: bool, int, float, str, or tuple (of whole numbers)
    unit: str = ""
    meaning: str = ""
    above: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    choices: tuple[str, ...] = ()
    spread: bool = False  # may be {uniform: [low, high]}, drawn for each cell
    follows: str = ""  # takes the value of this sibling when not given
    trains: bool = True  # False: has no influence on training, so it is not part of a run's identity
    many: bool = False  # a part that is a tuple of kinds
    before: Any = None  # of a field added later: what runs had, in effect, without it
    default_kind: str | tuple[str, ...] = ()  # of a part that a sweep file leaves out


def per_cohort(
    default: Any = dataclasses.MISSING, *, unit: str = "", meaning: str = "", **limits: Any
) -> Any:
    """A field of the tree's structure: shared by all lanes of a cohort."""
    return dataclasses.field(
        default=default, metadata={"sort": "cohort", "unit": unit, "meaning": meaning, **limits}
    )


def per_lane(default: Any = dataclasses.MISSING, *, unit: str = "", meaning: str = "", **limits: Any) -> Any:
    """A leaf of the tree: a number that may differ between the lanes of one program."""
    return dataclasses.field(
        default=default, metadata={"sort": "lane", "unit": unit, "meaning": meaning, **limits}
    )


def part(
    *,
    meaning: str = "",
    default: str | tuple[str, ...] = (),
    many: bool = False,
    trains: bool = True,
    before: Mapping[str, Any] | None = None,
) -> Any:
    """A branch of the tree. ``default`` names the kind used when a sweep file gives none.

    ``before`` of a part that is added later is a mapping of all its settings, with ``kind``.
    """
    return dataclasses.field(
        metadata={
            "sort": "part",
            "meaning": meaning,
            "default_kind": default,
            "many": many,
            "trains": trains,
            "before": before,
        }
    )


class Problem(NamedTuple):
    """One thing that is wrong with a value: which field, what was found, what would be right."""

    field: str
    found: str
    expected: str


class Kind:
    """The root of all kinds. Families (Target, Network …) derive from it and name their folder."""

    package: ClassVar[str] = ""
    family: ClassVar[str] = ""

    @classmethod
    def kind_name(cls) -> str:
        """The name in a sweep file: that of the file the class stands in."""
        return cls.__module__.rsplit(".", 1)[-1]

    @classmethod
    def declarations(cls) -> Mapping[str, Declaration]:
        """The fields in order, as sweep files spell them, with what they say about themselves."""
        return _declarations(cls)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """The defaults by field; None where it follows another field. Parts have none of their own."""
        fields = dataclasses.fields(cls)  # pyright: ignore[reportArgumentType]
        return {spelled(field.name): field.default for field in fields if field.metadata["sort"] != "part"}

    @classmethod
    def complete(cls, settings: dict[str, Any]) -> dict[str, Any]:
        """Fills in settings whose default depends on other settings. Most kinds have none."""
        return settings

    def problems(self) -> list[Problem]:
        """What no single field can know: combinations that cannot run. Empty when all is well."""
        return []

    def canonical(self) -> Self:
        """The normal form that identity is computed from: equal meaning, one spelling.

        A kind with two ways of saying the same thing, or with fields that have no effect beside
        others, returns the one spelling chosen for all.
        """
        return self


@functools.cache
def _declarations(cls: type) -> Mapping[str, Declaration]:
    known = {field.name for field in dataclasses.fields(Declaration)}
    found = {}
    for field in dataclasses.fields(cls):
        said = {key: value for key, value in field.metadata.items() if key in known}
        if said.get("sort") == "cohort":
            said.setdefault("type", _value_type(field.type))
        found[spelled(field.name)] = Declaration(**said)
    return found


def spelled(attribute: str) -> str:
    """Returns the name of a field in sweep files: ``pass`` for ``pass_``."""
    return attribute.removesuffix("_")


def _value_type(annotation: Any) -> type:
    for candidate in (bool, int, float, str):
        if annotation is candidate:
            return candidate
    return tuple


K = TypeVar("K")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(per_cohort, per_lane, part))
def kind(cls: type[K]) -> type[K]:
    """Makes a class a kind: a frozen dataclass registered as a pytree by its declarations."""
    made: Any = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
    sorts = {field.name: field.metadata.get("sort") for field in dataclasses.fields(made)}
    for name, sort in sorts.items():
        if sort is None:
            raise TypeError(f"{cls.__qualname__}.{name}: declare it with per_cohort, per_lane or part")
    jax.tree_util.register_dataclass(
        made,
        data_fields=[name for name, sort in sorts.items() if sort != "cohort"],
        meta_fields=[name for name, sort in sorts.items() if sort == "cohort"],
    )
    _answer_to_spellings(made, [name for name in sorts if name != spelled(name)])
    return made


def _answer_to_spellings(made: Any, attributes: list[str]) -> None:
    """Lets a kind be made and read by the spelling of the fields that Python spells otherwise."""
    if not attributes:
        return
    attribute_of = {spelled(attribute): attribute for attribute in attributes}
    make = made.__init__

    @functools.wraps(make)
    def init(self: Any, **settings: Any) -> None:
        for name in attribute_of.keys() & settings.keys():
            if attribute_of[name] in settings:
                raise TypeError(f"{made.__qualname__}: {name} is given twice")
            settings[attribute_of[name]] = settings.pop(name)
        make(self, **settings)

    made.__init__ = init
    for name, attribute in attribute_of.items():
        setattr(made, name, property(operator.attrgetter(attribute)))


@functools.cache
def discover(package: str, base: type) -> dict[str, type]:
    """The kinds of a folder, by name: each module not starting with ``_`` defines exactly one.

    Raises:
        TypeError: a module defines no subclass of ``base``, or several.
    """
    folder = importlib.import_module(package)
    found: dict[str, type] = {}
    for entry in pkgutil.iter_modules(folder.__path__):
        if entry.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package}.{entry.name}")
        classes = [
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__
        ]
        if len(classes) != 1:
            names = ", ".join(sorted(value.__name__ for value in classes)) or "none"
            raise TypeError(f"{module.__name__} defines {names}: a file holds one {base.__name__}")
        found[entry.name] = classes[0]
    return found
