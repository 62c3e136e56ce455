"""How a part of a run is declared: fields are structure, leaves or branches, and a file holds one kind."""

import dataclasses
import sys

import jax
import pytest

from gridsweep.kinds import Kind, Uniform, discover, kind, part, per_cohort, per_lane


@kind
class Leaf(Kind):
    """A kind with a number."""

    width_m: float = per_lane(0.5, unit="m", meaning="a width", above=0.0)
    cells: int = per_cohort(3, meaning="a count")


@kind
class Branch(Kind):
    """A kind with parts."""

    one: Leaf = part(meaning="a leaf")
    several: tuple[Leaf, ...] = part(many=True, meaning="leaves")
    exact: bool = per_cohort(False, meaning="a choice")


def branch(width_m=0.5, cells=3, exact=False):
    leaf = Leaf(width_m=width_m, cells=cells)
    return Branch(one=leaf, several=(leaf, leaf), exact=exact)


def test_lane_fields_are_leaves_and_cohort_fields_are_structure():
    assert jax.tree.leaves(branch()) == [0.5, 0.5, 0.5]
    assert jax.tree.structure(branch(width_m=0.9)) == jax.tree.structure(branch())
    assert jax.tree.structure(branch(cells=4)) != jax.tree.structure(branch())
    assert jax.tree.structure(branch(exact=True)) != jax.tree.structure(branch())


def test_a_value_drawn_for_each_cell_is_another_structure():
    assert jax.tree.structure(Leaf(width_m=Uniform(0.1, 0.2))) != jax.tree.structure(Leaf())
    same = [jax.tree.structure(Leaf(width_m=Uniform(0.1, high))) for high in (0.2, 0.3)]
    assert same[0] == same[1]


def test_a_declaration_says_what_it_is():
    said = Leaf.declarations()
    assert (said["width_m"].sort, said["width_m"].unit, said["width_m"].above) == ("lane", "m", 0.0)
    assert (said["cells"].sort, said["cells"].type) == ("cohort", int)
    assert Branch.declarations()["exact"].type is bool
    assert Branch.declarations()["several"].many


def test_kinds_are_values():
    assert Leaf() == Leaf()
    assert hash(Leaf()) == hash(Leaf())
    with pytest.raises(dataclasses.FrozenInstanceError):
        Leaf().width_m = 1.0  # type: ignore[misc]
    with pytest.raises(TypeError):
        Leaf(0.5)  # type: ignore[misc]  # fields are named


def test_a_field_that_is_not_declared_is_refused():
    with pytest.raises(TypeError, match=r"Sloppy\.width_m: declare it with per_cohort, per_lane or part"):

        @kind
        class Sloppy(Kind):
            """A kind with a plain field."""

            width_m: float = 1.0


FAMILY = """
from gridsweep.kinds import Kind, kind

@kind
class Shape(Kind):
    package, family = "shapes_NUMBER", "shape"
"""
ROUND = """
from gridsweep.kinds import kind
from shapes_NUMBER._base import Shape

@kind
class CLASS(Shape):
    "A shape."
"""


@pytest.fixture
def folder(tmp_path, monkeypatch, request):
    """Makes a package of kinds from source texts, and discovers it."""
    number = str(abs(hash(request.node.name)))

    def make(**files):
        package = tmp_path / f"shapes_{number}"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "_base.py").write_text(FAMILY.replace("NUMBER", number))
        for name, text in files.items():
            (package / f"{name}.py").write_text(text.replace("NUMBER", number))
        monkeypatch.syspath_prepend(tmp_path)
        from importlib import import_module

        base = import_module(f"{package.name}._base").Shape
        return discover(package.name, base)

    yield make
    for name in [name for name in sys.modules if name.startswith(f"shapes_{number}")]:
        del sys.modules[name]


def test_a_new_file_is_a_new_kind_and_underscored_files_are_none(folder):
    found = folder(
        circle=ROUND.replace("CLASS", "Circle"), oval=ROUND.replace("CLASS", "Oval"), _shared="x = 1"
    )
    assert {name: cls.__name__ for name, cls in found.items()} == {"circle": "Circle", "oval": "Oval"}
    assert found["oval"].kind_name() == "oval"


def test_a_file_with_two_kinds_is_refused(folder):
    two = ROUND.replace("CLASS", "Circle") + ROUND.replace("CLASS", "Oval")
    with pytest.raises(TypeError, match=r"circle defines Circle, Oval: a file holds one Shape"):
        folder(circle=two)


def test_a_file_without_a_kind_is_refused(folder):
    with pytest.raises(TypeError, match=r"circle defines none: a file holds one Shape"):
        folder(circle="radius = 1")


@kind
class _Gate(Kind):
    in_: str = per_cohort("open", choices=("open", "shut"), meaning="whether it lets through")
    width: float = per_lane(1.0, meaning="how wide")


def test_a_field_named_like_a_keyword_is_spelt_without_its_underscore():
    gate = _Gate(**{"in": "shut"})
    assert gate == _Gate(in_="shut")
    assert (gate.in_, getattr(gate, "in")) == ("shut", "shut")
    assert list(_Gate.declarations()) == list(_Gate.defaults()) == ["in", "width"]
    assert dataclasses.replace(gate, width=2.0).in_ == "shut"
    with pytest.raises(TypeError, match="in is given twice"):
        _Gate(**{"in": "shut", "in_": "open"})
