"""A run's settings as columns: one dotted name a field, one type a column, and back again."""

import json
from collections.abc import Mapping
from typing import Any

from gridsweep.kinds import Kind, Uniform
from gridsweep.spec.build import build
from gridsweep.systems import System

Plain = bool | int | float | str | None


def flatten(system: System) -> dict[str, Plain]:
    """Returns every setting of a run under its dotted name: the configuration columns of a store.

    A per-cell uniform setting becomes ``…_low`` and ``…_high`` beside NULL; ``…_kind`` says which.
    Settings of the evaluation are not among them: evaluations are rows of their own.
    """
    flat: dict[str, Plain] = {"system.kind": system.kind_name()}
    for name, declared in system.declarations().items():
        if declared.sort == "part":
            if not declared.many:
                _flatten_node(getattr(system, name), name, flat)
        else:
            flat[f"system.{name}"] = getattr(system, name)
    return flat


def _flatten_node(node: Kind, prefix: str, flat: dict[str, Plain]) -> None:
    if node.package:
        flat[f"{prefix}.kind"] = node.kind_name()
    for name, declared in node.declarations().items():
        key, value = f"{prefix}.{name}", getattr(node, name)
        if declared.sort == "part":
            _flatten_node(value, key, flat)
        elif declared.spread:
            uniform = isinstance(value, Uniform)
            flat[key] = None if uniform else value
            flat[f"{key}_kind"] = "uniform" if uniform else "constant"
            flat[f"{key}_low"] = float(value.low) if uniform else None
            flat[f"{key}_high"] = float(value.high) if uniform else None
        else:
            flat[key] = json.dumps(value) if isinstance(value, tuple) else value


def unflatten(columns: Mapping[str, Any], *, evaluation: Any = None) -> System:
    """Returns the run whose settings the columns hold; evaluations, which they do not hold, may be given.

    Raises:
        Rejected: the columns are not those of a run of this version.
    """
    settings: dict[str, Any] = {}
    for name, value in columns.items():
        spread = next(
            (
                end
                for end in ("_kind", "_low", "_high")
                if name.removesuffix(end) + "_kind" in columns and name.endswith(end)
            ),
            None,
        )
        if "." not in name or spread or value is None or value != value:  # NULL, which pandas reads as NaN
            continue
        _put(settings, name, json.loads(value) if _is_list(value) else value)
    for name, value in columns.items():
        if name.endswith("_kind") and value == "uniform":
            field = name.removesuffix("_kind")
            _put(settings, field, {"uniform": [columns[f"{field}_low"], columns[f"{field}_high"]]})
    if evaluation is not None:
        settings["evaluation"] = evaluation
    return build(settings)


def _is_list(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("[")


def _put(settings: dict[str, Any], name: str, value: Any) -> None:
    *path, field = name.split(".")
    for step in path:
        settings = settings.setdefault(step, {})
    settings[field] = value
