"""Runs small enough to train in a test, of every kind there is."""

import copy
import functools
from typing import Any

import jax

from gridsweep.arena import Arena
from gridsweep.kinds import Kind, discover
from gridsweep.spec import Run, Sweep
from gridsweep.spec.build import part_family, part_names
from gridsweep.targets import Target
from gridsweep.trajectories import Walk
from gridsweep.trajectories.random_walk import RandomWalk

# How small the fields are that set the size of a program; a kind takes those that it has.
SMALL = {
    "units": 8,
    "place_cells": 12,
    "points": 12,
    "neurons_per_side": 16,
    "recorded_neurons": 8,
    "settling_updates": 2,
    "batch_size": 4,
    "steps": 3,
    "updates": 3,
    "positions": 1_000,
    "bins": [8],
    "learning_rate": 1e-3,
}


def small_node(cls: type[Kind]) -> dict[str, Any]:
    """Settings of a kind with everything else left at its default, its parts small as well."""
    settings: dict[str, Any] = {"kind": cls.kind_name()} if cls.package else {}
    declared = cls.declarations()
    settings |= {name: value for name, value in SMALL.items() if name in declared}
    for name in part_names(cls):
        settings[name] = small_part(cls, name)
    return copy.deepcopy(settings)


def small_part(cls: type[Kind], name: str) -> Any:
    """Settings of the default kind of one part of a kind."""
    family, said = part_family(cls, name), cls.declarations()[name]
    if not family.package:
        return small_node(family)
    known = discover(family.package, family)
    if said.many:
        return [small_node(known[kind]) for kind in said.default_kind]
    assert isinstance(said.default_kind, str)
    return small_node(known[said.default_kind])


def small_system(cls: type[Kind], **parts: Any) -> dict[str, Any]:
    """Settings of a whole run of a system, with some parts replaced."""
    own = small_node(cls)
    settings: dict[str, Any] = {name: own.pop(name) for name in part_names(cls)}
    settings["system"] = own
    settings |= parts
    if "target" in parts and "loss" not in parts:
        settings.pop("loss", None)  # the usual one of the target
    return settings


def small_document(**changes: Any) -> dict[str, Any]:
    """A sweep file of one small path integrator, with top-level keys added or replaced."""
    from gridsweep.systems.path_integrator import PathIntegrator

    return {"base": small_system(PathIntegrator)} | changes


def small_runs(**changes: Any) -> list[Run]:
    """The runs of :func:`small_document`."""
    return list(Sweep(small_document(**changes)))


def target_for(loss: str) -> type[Target]:
    """A target that is usually trained with that loss."""
    known = discover(Target.package, Target)
    return next((target for target in known.values() if target.usual_loss == loss), known["gaussian"])


@functools.cache
def some_walks(arena: str = "box") -> Walk:
    """Eight walks of five steps, drawn once for all tests: compiling their law takes a second."""
    place = discover(Arena.package, Arena)[arena]()
    return jax.jit(jax.vmap(lambda key: RandomWalk().walk(key, place, 5)))(
        jax.random.split(jax.random.key(7), 8)
    )


def one_walk(arena: str = "box") -> Walk:
    """The first of :func:`some_walks`."""
    return jax.tree.map(lambda leaf: leaf[0], some_walks(arena))
