"""What all kinds share asks none of them by name: a new one needs no branch anywhere else.

Read off the syntax of every file: comparisons and cases that name a kind, ``isinstance`` of a kind's class, and
imports of a kind's module from outside its folder, which are how such a branch would be written.
"""

import ast
from pathlib import Path

import pytest

from gridsweep.kinds import discover
from gridsweep.networks import Network
from gridsweep.systems import System
from gridsweep.targets import Target

ROOT = Path(__file__).parents[2] / "gridsweep"
FAMILIES = [(family, discover(family.package, family)) for family in (System, Network, Target)]
OWN_FILE = {Path(*cls.__module__.split(".")[1:]).with_suffix(".py"): cls for _, known in FAMILIES for cls in known.values()}  # fmt: skip
NAMES = {name for _, known in FAMILIES for name in known}
CLASSES = {cls.__name__ for _, known in FAMILIES for cls in known.values()}

# What a file may name nevertheless, and why it is no branch for one kind in what others share.
OTHER_MEANING = {
    **{
        (f"systems/{own}.py", "PathIntegrator"): "its own part"
        for own in ("_looking", "_memory", "_time_loss")
    },
    **{("train/torch_peer.py", own): "a benchmark beside PyTorch's cells" for own in ("rnn", "srnn")},
    ("systems/pattern_formation.py", "Gaussian"): "stands for any target where none is asked for",
    ("theory/spectrum.py", "DifferenceOfSoftmaxes"): "the one target without a closed form",
    ("spec/wandb_export.py", "path_integrator"): "the published program has nothing else to export to",
    (
        "systems/pattern_formation.py",
        "gaussian",
    ): "a kernel given in closed form, one of the kind's own choices",
}
# A figure of the paper is about the kinds that its claim names; everything else in figures/ is shared.
PAPER_FIGURE = "figures/fig[0-9]*.py"
FILES = sorted(
    path for path in (found.relative_to(ROOT) for found in ROOT.rglob("*.py")) if not path.match(PAPER_FIGURE)
)


def named(path: Path):
    """Every kind that a file's branches name, with the line."""
    own = OWN_FILE.get(path)
    folder = path.parts[0]
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Compare | ast.MatchValue):
            words = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
            yield from ((word, node.lineno) for word in words if word in NAMES)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("isinstance", "issubclass"):
            asked = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
            yield from ((name, node.lineno) for name in asked if name in CLASSES)
        if isinstance(node, ast.ImportFrom) and node.module:
            there = Path(*node.module.split(".")[1:]).with_suffix(".py") if "." in node.module else None
            if there in OWN_FILE and (own is None or there.parts[0] != folder):
                yield from ((alias.name, node.lineno) for alias in node.names if alias.name in CLASSES)


def allowed(path: Path, name: str) -> bool:
    """Whether a name is the file's own, for annotations, or said above to mean something else."""
    own = OWN_FILE.get(path)
    return (path.as_posix(), name) in OTHER_MEANING or (own is not None and own.__name__ == name)


@pytest.mark.parametrize("path", FILES, ids=Path.as_posix)
def test_no_branch_names_a_kind(path):
    found = [f"gridsweep/{path}:{line}: {name}" for name, line in named(path) if not allowed(path, name)]
    assert not found


def test_each_exception_is_still_needed():
    there = {(path.as_posix(), name) for path in FILES for name, _ in named(path)}
    assert set(OTHER_MEANING) <= there
