"""Whole runs drawn from the declarations of whatever kinds there are, for properties that hold for all."""

from typing import Any

from hypothesis import strategies as st

from gridsweep.kinds import Declaration, Kind, discover
from gridsweep.spec.build import part_family, part_names
from gridsweep.systems import System

LARGEST = 1e6


def values(declared: Declaration) -> st.SearchStrategy[Any]:
    """Values that a field may have, as a sweep file says them."""
    low = next((bound for bound in (declared.at_least, declared.above) if bound is not None), -LARGEST)
    high = LARGEST if declared.at_most is None else declared.at_most
    if declared.choices:
        return st.sampled_from(declared.choices)
    if declared.type is bool:
        return st.booleans()
    if declared.type is tuple:
        return st.lists(st.integers(int(low), int(high)), min_size=1, max_size=3, unique=True)
    if declared.type is int:
        return st.integers(int(low) + (declared.above is not None), int(high))
    # A step from the bound: nothing is drawn that a float32 cannot hold.
    numbers = st.floats(low + 1e-6, min(high, low + 2 * LARGEST)).map(lambda value: float(f"{value:.9g}"))
    if not declared.spread:
        return numbers
    ends = st.tuples(st.floats(low + 0.01, low + 1.0), st.floats(1.1, 2.0))
    return numbers | ends.map(lambda pair: {"uniform": [pair[0], pair[0] * pair[1]]})


@st.composite
def nodes(draw, cls: type[Kind], most: int = 2) -> dict[str, Any]:
    """Settings of a kind: a few of its fields, and its parts of any kind."""
    settings: dict[str, Any] = {"kind": cls.kind_name()} if cls.package else {}
    declared = {name: said for name, said in cls.declarations().items() if said.sort != "part"}
    if declared:
        for name in draw(st.lists(st.sampled_from(sorted(declared)), max_size=most, unique=True)):
            settings[name] = draw(values(declared[name]))
    for name in part_names(cls):
        settings |= draw(parts(cls, name))
    return settings


@st.composite
def parts(draw, cls: type[Kind], name: str) -> dict[str, Any]:
    """One part of a kind, or nothing where its default kind is to stand."""
    family = part_family(cls, name)
    if cls.declarations()[name].many or draw(st.booleans()):
        return {}
    if not family.package:
        return {name: draw(nodes(family))}
    known = discover(family.package, family)
    return {name: draw(nodes(known[draw(st.sampled_from(sorted(known)))]))}


@st.composite
def runs(draw) -> dict[str, Any]:
    """Settings of a run of any system."""
    known = discover(System.package, System)
    cls = known[draw(st.sampled_from(sorted(known)))]
    own = draw(nodes(cls))
    settings = {name: own.pop(name) for name in part_names(cls) if name in own}
    if "target" in settings:
        settings.pop("loss", None)  # the usual one of the target
    return {"system": own} | settings


def fields(settings: dict[str, Any], cls: type[Kind], path: tuple[str, ...] = ()):
    """Every field of a run with the path to it: those set and those left at their default."""
    root = not path
    for name, declared in cls.declarations().items():
        if declared.sort != "part":
            yield (("system", name) if root else (*path, name)), declared
        elif not declared.many:
            family, said = part_family(cls, name), settings.get(name, {})
            kind = family
            if family.package:
                assert isinstance(declared.default_kind, str)
                kind = discover(family.package, family)[said.get("kind", declared.default_kind)]
            yield from fields(said, kind, (*path, name))
