"""What a run is called, over the whole tree: any system, any kind of every part, any field, however spelt."""

import copy
import dataclasses
import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from gridsweep.kinds import Uniform, discover
from gridsweep.spec import Rejected, Sweep, build, flatten, load_sweep, run_id, unflatten
from gridsweep.spec.build import part_names
from gridsweep.systems import System
from gridsweep.targets import Target
from tests.spec.trees import fields, runs, values

SWEEPS = Path(__file__).parents[2] / "sweeps"
MANY = settings(max_examples=100, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])


def made(said):
    """The run that settings make; a combination that cannot run is no example."""
    try:
        return build(said)
    except Rejected:
        reject()


def with_floats(said):
    """The same settings with every whole number written as a float, and keys in another order."""
    if isinstance(said, dict):
        items = [(name, with_floats(item)) for name, item in said.items()]
        random.Random(0).shuffle(items)
        return dict(items)
    if isinstance(said, list):
        return [with_floats(item) for item in said]
    return float(said) if isinstance(said, int) and not isinstance(said, bool) else said


@MANY
@given(said=runs())
def test_a_run_has_one_id_however_it_is_spelt(said):
    system = made(said)
    name = run_id(system)
    assert run_id(build(with_floats(said))) == name
    columns = flatten(system)
    again = unflatten(json.loads(json.dumps(columns)))
    assert run_id(again) == name
    assert flatten(again) == columns
    assert run_id(build({**said, "evaluation": [{"kind": "published", "bins": [64]}]})) == name
    assert run_id(Sweep({"base": said, "keep": {"weights": "final"}})[0].system) == name
    # Every setting said by itself, in a base that names the kinds alone.
    bare, axes = {}, {}
    for part, node in said.items():
        bare[part] = {"kind": node["kind"]} if "kind" in node else {}
        axes |= {f"{part}.{key}": {"value": value} for key, value in node.items() if key != "kind"}
    assert run_id(Sweep({"base": bare, "parameters": axes})[0].system) == name


@MANY
@given(said=runs())
def test_the_normal_form_of_a_run_is_the_same_run(said):
    system = made(said)
    assert run_id(normal(system)) == run_id(system)


def normal(node):
    """The normal form of a run or a part of it, with all its parts in theirs."""
    node, changed = node.canonical(), {}
    for name in part_names(type(node)):
        value = getattr(node, name)
        changed[name] = tuple(map(normal, value)) if isinstance(value, tuple) else normal(value)
    return dataclasses.replace(node, **changed)


@MANY
@given(said=runs(), data=st.data())
def test_a_field_changes_the_id_exactly_when_it_changes_the_normal_form(said, data):
    system = made(said)
    cls = discover(System.package, System)[said["system"]["kind"]]
    path, declared = data.draw(st.sampled_from(sorted(fields(said, cls), key=lambda item: item[0])))
    changed = copy.deepcopy(said)
    node = changed
    for name in path[:-1]:
        node = node.setdefault(name, {})
    node[path[-1]] = data.draw(values(declared))
    other = made(changed)
    assert (run_id(other) == run_id(system)) == (trained(normal(other)) == trained(normal(system)))


def trained(node):
    """What of a normal form trains, as plain data. Slow and by itself: no hashing, no text."""
    if not dataclasses.is_dataclass(node) or isinstance(node, Uniform):
        return (node.low, node.high) if isinstance(node, Uniform) else node
    kept = {"kind": node.kind_name()} if node.package else {}
    for name, declared in node.declarations().items():
        if declared.trains:
            value = getattr(node, name)
            kept[name] = tuple(map(trained, value)) if declared.many else trained(value)
            if declared.type is float and isinstance(kept[name], float):
                kept[name] = float(f"{kept[name]:.12g}")
    return kept


WITH_SURROUND = [
    name
    for name, target in discover(Target.package, Target).items()
    if "surround_convention" in target.declarations()
]


@pytest.mark.parametrize("kind", WITH_SURROUND)
@given(ratio=st.floats(1.01, 1e3))
def test_a_surround_is_one_surround_written_either_way_for_every_target(kind, ratio):
    target = {"kind": kind, "surround_ratio": ratio}
    other = {"kind": kind, "surround_ratio": ratio**2, "surround_convention": "variance"}
    assert run_id(build({"target": target})) == run_id(build({"target": other}))


# The first network of a few sweeps. Stores hold results under these ids, so they stay what they are while
# SCIENCE_VERSION does. A field that is added to a kind says ``before=…`` and leaves them alone; where the same
# settings come to train other numbers, SCIENCE_VERSION is raised, and these are written anew.
GOLDEN = {
    "nulls.yaml": "7afff6d3b2554624",
    "no_free_lunch/pc_ce_dog_ideal.yaml": "7803a15bbbaef9cc",
    "no_free_lunch/banino.yaml": "7f83906241eb5870",
    "no_free_lunch/cartesian_mse.yaml": "1fbd78f937af9a37",
    "no_free_lunch/pc_ce_true_dog_global.yaml": "8f0cdf44edf87106",
}


@pytest.mark.parametrize("file", GOLDEN)
def test_ids_stay_what_they_were(file):
    assert run_id(load_sweep(SWEEPS / file)[0].system) == GOLDEN[file], (
        "the ids of all networks have changed: declare before=… with a field that was added, "
        "or raise SCIENCE_VERSION if numbers change"
    )
