"""What a run is called.

``run_id`` is the first 16 hex digits of the sha256 of a canonical JSON text of everything that trains:
defaults filled in, keys sorted, floats at 12 significant digits, fields without effect at one value, one
spelling for what can be said in two ways. Evaluation and what is kept are not in it; git commits and
package versions are provenance, not identity. ``SCIENCE_VERSION`` is in it: it is raised when the same
settings would train other numbers.

Defaults are in it too, though leaving them out would let kinds grow fields for free: a default that is
changed later would then give a new network an old one's id, and with it the old one's results. A field that
is added later declares what it was ``before``, and is left out at that value and no other.
"""

import functools
import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from gridsweep.kinds import Declaration, Kind, Uniform
from gridsweep.systems import System

SCIENCE_VERSION = 1
RUN_ID_DIGITS = 16


def run_id(system: System) -> str:
    """Returns the identity of a run."""
    return _hash(*_root_and_parts(system))


def run_ids_by_seed(first: System, second: System, seeds: Sequence[int]) -> list[str] | None:
    """Returns the identities of runs that differ in their seed alone, told from two of them.

    A field of the root that is the one's seed in the one and the other's in the other follows the seed.
    None where the two differ in anything else: then each run must be made to be told.

    Args:
        first: a run.
        second: the same with another seed.
        seeds: of the runs asked for.
    """
    (own, parts), (other, others_parts) = _root_and_parts(first), _root_and_parts(second)
    follow = [name for name in own if own[name] != other.get(name)]
    expected = (first.seed, second.seed)
    if own.keys() != other.keys() or parts != others_parts:
        return None
    if any((own[name], other[name]) != expected for name in follow):
        return None
    return [_hash(own | dict.fromkeys(follow, seed), parts) for seed in seeds]


def _root_and_parts(system: System) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns the root's own fields, and the canonical text of each part."""
    root = system.canonical()
    own, parts = {"kind": root.kind_name()}, {}
    for name, declared in _identifying(root):
        value = getattr(root, name)
        if declared.sort != "part":
            own[name] = _canonical_value(declared, value)
        else:
            nodes = [canonical_json(node) for node in (value if declared.many else (value,))]
            parts[name] = f"[{','.join(nodes)}]" if declared.many else nodes[0]
    return own, parts


def _hash(own: dict[str, Any], parts: dict[str, str]) -> str:
    parts = parts | {"system": _dump(own), "science_version": str(SCIENCE_VERSION)}
    text = "{" + ",".join(f'"{name}":{parts[name]}' for name in sorted(parts)) + "}"
    return hashlib.sha256(text.encode()).hexdigest()[:RUN_ID_DIGITS]


@functools.lru_cache(maxsize=20_000)  # the runs of a sweep have most of their parts in common
def canonical_json(node: Kind) -> str:
    """Returns the canonical text of one part of a run."""
    return _dump(_canonical_node(node))


def _canonical_node(node: Kind) -> dict[str, Any]:
    node = node.canonical()
    said: dict[str, Any] = {"kind": node.kind_name()} if node.package else {}
    for name, declared in _identifying(node):
        said[name] = _canonical_field(declared, getattr(node, name))
    return said


def _identifying(node: Kind) -> Iterator[tuple[str, Declaration]]:
    """Returns the fields that tell a run from others: those that train and are not as they always were."""
    for name, declared in node.declarations().items():
        if declared.trains and not _is_as_before(declared, getattr(node, name)):
            yield name, declared


def _is_as_before(declared: Declaration, value: Any) -> bool:
    if declared.before is None:
        return False
    if declared.sort == "part":
        return _canonical_field(declared, value) == declared.before
    return _canonical_value(declared, value) == _canonical_value(declared, declared.before)


def _canonical_field(declared: Declaration, value: Any) -> Any:
    if declared.sort != "part":
        return _canonical_value(declared, value)
    return [_canonical_node(node) for node in value] if declared.many else _canonical_node(value)


def _canonical_value(declared: Declaration, value: Any) -> Any:
    if isinstance(value, Uniform):
        return {"uniform": [_canonical_value(declared, value.low), _canonical_value(declared, value.high)]}
    if declared.type is float:
        if not math.isfinite(value):
            raise ValueError(f"{value} has no canonical form: settings are finite")
        return float(f"{value:.12g}") + 0.0  # adding zero turns -0.0 into 0.0
    return list(value) if isinstance(value, tuple) else value


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_dump = _ENCODER.encode
