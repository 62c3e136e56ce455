"""A kind that has been used can grow a field: older runs keep their ids, new values make new ones."""

import dataclasses

from gridsweep.kinds import Kind, kind, part, per_cohort, per_lane
from gridsweep.spec.identity import canonical_json


@kind
class Gate(Kind):
    package = "tests"
    width: float = per_lane(1.0, meaning="how wide")
    height: float = per_lane(2.0, meaning="how high", before=2.0)


@kind
class Road(Kind):
    package = "tests"
    lanes: int = per_cohort(2, meaning="how many")


@kind
class Grown(Road):
    """The same with three fields more."""

    paved: bool = per_cohort(True, meaning="whether it is", before=False)
    gate: Gate = part(
        meaning="what stands in it", before={"kind": "test_identity_of_added_fields", "width": 1.0}
    )
    gates: tuple[Gate, ...] = part(many=True, meaning="others")


GATE = Gate()


def identity(**changes):
    return canonical_json(Grown(**{"paved": False, "gate": GATE, "gates": ()} | changes))


def test_a_field_that_was_added_is_left_out_at_the_value_that_older_runs_had():
    assert identity() == canonical_json(Road()).replace("}", "").replace('"kind"', '"gates":[],"kind"') + "}"
    assert len({identity(), identity(paved=True), identity(gate=Gate(height=1.0))}) == 3


def test_it_is_left_out_at_that_value_and_not_at_whatever_the_default_is_now():
    assert '"paved":true' in identity(paved=True)
    assert "paved" not in identity(paved=False)


def test_a_part_that_was_added_is_left_out_only_as_a_whole():
    assert '"gate"' not in identity(gate=Gate(width=1.0))
    for gate in (Gate(width=2.0), Gate(height=9.0)):
        assert '"gate":{' in identity(gate=gate)


def test_parts_of_which_there_are_several_are_told_apart_in_order():
    wide = dataclasses.replace(GATE, width=3.0)
    assert len({identity(gates=gates) for gates in ((GATE,), (wide,), (GATE, wide), (wide, GATE))}) == 4
