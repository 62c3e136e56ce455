"""What holds for every kind of every family: a new file is tested before its author has written a test."""

import dataclasses
import importlib
import inspect
from pathlib import Path

import jax
import pytest

import gridsweep
from gridsweep.kinds import Kind, Uniform, discover
from gridsweep.spec import Rejected, build, flatten, run_id, unflatten
from gridsweep.spec.build import check_value, part_family, part_names
from gridsweep.systems import System
from gridsweep.systems.path_integrator import PathIntegrator
from tests.tiny import small_node, small_system, target_for

# What the end of a name says its unit is. Longer ends first.
UNITS = {
    "_m_per_s": "m/s",
    "_rad_per_s": "rad/s",
    "_per_m": "1/m",
    "_per_s": "1/s",
    "_cm": "cm",
    "_deg": "deg",
    "_rad": "rad",
    "_bins": "bins",
    "_m": "m",
    "_s": "s",
}


def families():
    """The base class of each folder of kinds."""
    for base in sorted(Path(gridsweep.__file__).parent.glob("*/_base.py")):
        package = f"gridsweep.{base.parent.name}"
        if f'package = "{package}"' in base.read_text():
            module = importlib.import_module(f"{package}._base")
            yield from (
                value
                for value in vars(module).values()
                if isinstance(value, type)
                and issubclass(value, Kind)
                and vars(value).get("package") == package
            )


FAMILIES = {family.family: family for family in families()}
KINDS = [(family, kind) for family in FAMILIES.values() for kind in discover(family.package, family).values()]
NAMES = [f"{family.family}-{kind.kind_name()}" for family, kind in KINDS]
every_kind = pytest.mark.parametrize(("family", "kind"), KINDS, ids=NAMES)
every_class = pytest.mark.parametrize("kind", [kind for _, kind in KINDS], ids=NAMES)


def places_of(family, owner=System, path=()):
    """Where in a run a kind of a family may stand: (system, path of part names)."""
    if family is System:
        return [(System, ())]
    # The system that has every family first: others draw from some of a part's fields only.
    systems = sorted(discover(System.package, System).values(), key=lambda cls: cls is not PathIntegrator)
    owners = systems if owner is System else [owner]
    found = []
    for cls in owners:
        for name in part_names(cls):
            base = part_family(cls, name)
            root = path or (cls,)
            if base is family:
                found.append((root[0], (*root[1:], name)))
            elif not base.package:
                found += places_of(family, base, (*root, name))
    return found


def run_with(family, kind, settings=None):
    """Settings of a small run that has a kind at the first place where it may stand."""
    settings = {"kind": kind.kind_name()} if settings is None else settings
    if family is System:
        return small_system(kind, system=settings)
    system, path = places_of(family)[0]
    run = small_system(system)
    node = run
    for name in path[:-1]:
        node = node[name]
    node[path[-1]] = settings
    if family.family == "target":
        run.pop("loss", None)
    if family.family == "loss":
        run["target"] = small_node(target_for(kind.kind_name()))
    return run


def test_every_family_has_kinds_and_a_place_in_a_run():
    assert {"arena", "trajectory", "target", "network", "loss", "optimizer", "evaluation", "system"} <= set(
        FAMILIES
    )
    for family in FAMILIES.values():
        assert discover(family.package, family), family
        assert places_of(family), f"no system has a part for a {family.family}"


@every_kind
def test_a_kind_is_a_frozen_tree_named_after_its_file(family, kind):
    assert issubclass(kind, family)
    assert kind.kind_name() == Path(inspect.getfile(kind)).stem
    assert dataclasses.is_dataclass(kind)
    node = kind(**dict.fromkeys(part_names(kind)))
    field = next(iter(kind.declarations()), None)
    if field:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(node, field, 1)
    leaves, structure = jax.tree.flatten(node)
    assert jax.tree.structure(jax.tree.unflatten(structure, leaves)) == structure


@every_class
def test_a_kind_implements_all_that_its_family_asks_for(kind):
    asked = [name for name in dir(kind) if getattr(getattr(kind, name), "__isabstractmethod__", False)]
    assert not asked, f"{kind.__name__} lacks {', '.join(asked)}"


@every_class
def test_a_kind_says_what_it_is_and_what_it_does(kind):
    module = inspect.getmodule(kind)
    assert module is not None
    assert len((module.__doc__ or "").split()) >= 5, "the file opens by saying what it is, and why"
    assert "__doc__" in vars(kind)
    assert not (kind.__doc__ or "").startswith(f"{kind.__name__}("), "the class has no docstring of its own"
    for name, value in vars(kind).items():
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        own = inspect.isfunction(function) and function.__module__ == kind.__module__
        if own and not name.startswith("_"):
            assert (function.__doc__ or "").strip(), f"{kind.__name__}.{name} has no docstring"


@every_class
def test_every_field_has_a_meaning_and_lengths_have_units(kind):
    for name, declared in kind.declarations().items():
        assert declared.meaning, f"{kind.__name__}.{name} has no meaning"
        if declared.sort == "part" or declared.type in (bool, str):
            continue
        unit = next((unit for end, unit in UNITS.items() if name.endswith(end)), None)
        if unit or declared.unit in UNITS.values():
            end = next((end for end, known in UNITS.items() if known == declared.unit), None)
            named = name == declared.unit or (end is not None and name.endswith(end))
            assert declared.unit == (unit or declared.unit), f"{kind.__name__}.{name} is in {declared.unit}"
            assert named, f"{kind.__name__}.{name} does not say that it is in {declared.unit}"


@every_class
def test_defaults_are_within_their_own_bounds(kind):
    defaults = kind.defaults()
    for name, declared in kind.declarations().items():
        if declared.sort == "part" or declared.follows:
            continue
        assert defaults[name] is not dataclasses.MISSING, f"{kind.__name__}.{name} has no default"
        value, complaint = check_value(declared, defaults[name])
        assert not complaint, f"{kind.__name__}.{name}: {complaint}"
        assert value == defaults[name]


@every_kind
def test_a_kind_is_made_from_its_name_alone_and_comes_back_from_columns(family, kind):
    system = build(run_with(family, kind))
    columns = flatten(system)
    assert all(isinstance(value, bool | int | float | str | None) for value in columns.values())
    evaluation = run_with(family, kind).get("evaluation")
    again = unflatten(columns, evaluation=evaluation)
    assert run_id(again) == run_id(system)
    assert flatten(again) == columns
    assert jax.tree.structure(again) == jax.tree.structure(system)


@every_kind
def test_values_drawn_for_each_cell_come_back_from_columns(family, kind):
    for name, declared in kind.declarations().items():
        if declared.spread:
            default = kind.defaults()[name]
            settings = {"kind": kind.kind_name(), name: {"uniform": [default * 1.01, default * 1.5]}}
            system = build(run_with(family, kind, settings))
            again = unflatten(flatten(system), evaluation=run_with(family, kind).get("evaluation"))
            assert again == system
            assert run_id(again) == run_id(system)


def with_default_parts(kind):
    """A kind with every field at its default and the default kind of each part."""
    parts = {}
    for name in part_names(kind):
        family, said = part_family(kind, name), kind.declarations()[name].default_kind
        known = discover(family.package, family) if family.package else {(): family}
        made = [
            with_default_parts(known[one]) for one in (said if isinstance(said, tuple) and said else [said])
        ]
        parts[name] = tuple(made) if kind.declarations()[name].many else made[0]
    return kind(**parts)


@every_class
def test_a_normal_form_is_its_own_normal_form(kind):
    node = with_default_parts(kind)
    assert node.canonical() == node.canonical().canonical()


@every_kind
def test_every_field_that_trains_is_part_of_the_identity(family, kind):
    for name, declared in kind.declarations().items():
        other = None if declared.sort == "part" else another_value(kind, name, declared)
        if other is None:
            continue
        settings = {"kind": kind.kind_name(), name: other}
        try:
            plain, changed = build(run_with(family, kind)), build(run_with(family, kind, settings))
        except Rejected:  # not with the usual loss: a target that is no distribution
            if family is System:
                continue  # not beside the other defaults, such as a sheet of an odd number of neurons
            loss = {"loss": {"kind": "mse"}}
            plain = build(run_with(family, kind) | loss)
            changed = build(run_with(family, kind, settings) | loss)
        no_effect = changed.canonical() == plain.canonical() or _node(changed, family) == _node(plain, family)
        influences = declared.trains and family.family != "evaluation"
        followed = any(said.follows == name for said in kind.declarations().values())
        expected = (influences or followed) and not no_effect
        assert (run_id(changed) != run_id(plain)) == expected, f"{kind.__name__}.{name}"


def _node(system, family):
    """The canonical form of the part of a family in a run; the root's for systems."""
    if family is System:
        return system.canonical()
    _, path = places_of(family)[0]
    node = system
    for name in path:
        node = getattr(node, name)
    return node[0].canonical() if isinstance(node, tuple) else node.canonical()


def another_value(kind, name, declared):
    """A value that the declaration allows and that is not the default; None where there is none."""
    default = kind.defaults()[name]
    if declared.follows:
        return 12345
    tried = [*declared.choices, not default] if declared.type in (bool, str) else []
    if declared.type in (int, float):
        tried = [default + 1, default * 1.5, default / 2, default - 1]
    if declared.type is tuple:
        tried = [[*default, 16], [12]]
    for value in tried:
        if value != default and not check_value(declared, value)[1]:
            return value
    return None


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_field_has_one_type_and_one_unit_in_all_kinds_of_a_family(family):
    said = {}
    for kind in discover(family.package, family).values():
        for name, declared in kind.declarations().items():
            seen = (declared.type, declared.unit, declared.spread, declared.sort)
            assert said.setdefault(name, seen) == seen, f"{kind.__name__}.{name}"


def test_uniform_is_a_tree_of_its_two_ends():
    assert jax.tree.leaves(Uniform(0.1, 0.2)) == [0.1, 0.2]
