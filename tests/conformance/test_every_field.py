"""Two runs have one id exactly when they have the same numbers: every field of every kind, changed and run.

A field that is hashed and does nothing would train a network twice; one that does something and is not
hashed would give a network another's results. So each field of each kind is changed by itself, in the usual
company and in company in which some lose their effect, both runs are trained, and bits are compared with ids.
"""

import copy
import functools

import jax
import numpy as np
import pytest

from gridsweep.kinds import discover
from gridsweep.spec import Rejected, build, run_id
from gridsweep.spec.build import part_family, part_names
from gridsweep.systems import System
from tests.conformance.test_every_kind import KINDS, NAMES, another_value, places_of, run_with

# Company for the kinds of a family; what a kind or a system cannot have is left out.
COMPANY = {
    "arena": [{"target": {"kind": "cartesian"}}],
    "trajectory": [{"arena": {"kind": "torus"}}],
    "network": [{"network": {"initializer_family": "torch"}}, {"training": {"weight_decay": 0.0}}],
    "target": [
        {"target": {"fields_per_cell": 3}},
        {"target": {"amplitude_inhibitory": 0.0}},
        {"target": {"surround_convention": "variance"}},
        {"target": {"reported": "position", "told": "position_and_heading"}, "loss": {"kind": "mse"}},
    ],
    "system": [
        {"system": {"pass": "band"}},
        {"target": {"kind": "cartesian"}, "loss": {"kind": "mse"}},
        {"training": {"clipping": "element_wise"}},
    ],
}
# Enough walks for some to meet a wall; a clipping that, where there is one, does something.
SMALL = {"batch_size": 16, "steps": 6, "updates": 2, "clip_at": 1e-4}
SIZES = ("units", "place_cells", "batch_size", "steps")  # whose numbers have another shape
OF_THE_DEVICE = ("precision",)  # a CPU has one for float32 and tf32
APART = ("score", "evaluation")  # of how a run is looked at


# Compiled in a third of the time; what is compared is compiled alike.
@functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
def look(system):
    """What comes of a run: weights and the last line of history, or maps, and their size, of the untrained."""
    keys = system.keys()
    state = system.init(keys)
    if not system.total_updates:
        return system.observe(state, keys), system.map_side_m
    state = system.advance(state, keys, np.int32(system.total_updates))
    return state.weights, system.metrics(state, keys)


@functools.cache
def numbers(system):
    leaves, structure = jax.tree.flatten(jax.device_get(look(system)))
    return structure, tuple(np.asarray(leaf).tobytes() for leaf in leaves)


def merged(run, changes):
    """The settings with some of some parts changed; a part of another kind is replaced."""
    run = copy.deepcopy(run)
    for part, settings in changes.items():
        before = run.get(part, {})
        run[part] = dict(settings) if "kind" in settings or isinstance(before, str) else before | settings
    return run


def small(run):
    if "training" not in run:
        return copy.deepcopy(run)
    system = discover(System.package, System)[run["system"]["kind"]]
    known = part_family(system, "training").declarations()
    return merged(run, {"training": {name: value for name, value in SMALL.items() if name in known}})


def companies(family, kind):
    """Small runs of a kind, and the fields that are set in each."""
    usual = small(run_with(family, kind))
    try:
        build(usual)
    except Rejected:  # a target that is no distribution
        usual = merged(usual, {"loss": {"kind": "mse"}})
    yield usual, set()
    for changes in COMPANY.get(family.family, []):
        if set(changes) <= set(usual):
            run = merged(usual, changes)
            try:
                build(run)
            except Rejected:
                continue
            yield run, set(changes.get(family.family, {}))


def node_at(run, path):
    for name in path:
        if isinstance(run.get(name), str):
            run[name] = {"kind": run[name]}
        run = run.setdefault(name, {})
    return run


def owners(family, kind):
    """The kind with its place in the settings of a run, and the parts of it that are of no family."""
    place = ("system",) if family is System else places_of(family)[0][1]
    yield kind, place
    if family is System:
        bare = [(part_family(kind, name), (name,)) for name in part_names(kind)]
        yield from ((cls, path) for cls, path in bare if not cls.package)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "kind"),
    [pair for pair in KINDS if pair[0].family not in APART],
    ids=[name for name, pair in zip(NAMES, KINDS, strict=True) if pair[0].family not in APART],
)
def test_ids_differ_exactly_where_numbers_do(family, kind):
    wrong = []
    for run, set_already in companies(family, kind):
        plain = build(run)
        for owner, path in owners(family, kind):
            for name, declared in owner.declarations().items():
                if declared.sort == "part" or name in {*SIZES, *OF_THE_DEVICE, *set_already}:
                    continue
                other = another_value(owner, name, declared)
                changed = copy.deepcopy(run)
                node_at(changed, path)[name] = other
                try:
                    system = build(changed)
                except Rejected:
                    continue
                if other is not None and (numbers(system) == numbers(plain)) != (
                    run_id(system) == run_id(plain)
                ):
                    same = "the same" if numbers(system) == numbers(plain) else "other"
                    company = {
                        part: run[part] for part in ("arena", "target", "training", "network") if part in run
                    }
                    wrong.append(f"{'.'.join(path)}.{name} = {other}: {same} numbers in {company}")
    assert not wrong, "\n".join(wrong)
