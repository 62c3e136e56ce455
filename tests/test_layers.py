"""Nothing points back: the layer table of docs/design.md, read off the imports of every file."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOUNS = {
    "arena", "trajectories", "targets", "networks", "losses", "optimizers", "evaluations", "maps", "scores", "theory",
}  # fmt: skip
# Which parts of gridsweep each part may import; itself always.
MAY_IMPORT = {
    "kinds": set(),
    "arena": {"kinds"},
    "trajectories": {"kinds", "arena"},
    "targets": {"kinds", "arena", "trajectories"},
    "networks": {"kinds", "trajectories"},
    "losses": {"kinds"},
    "optimizers": {"kinds"},
    "evaluations": {"kinds"},
    "maps": {"kinds"},
    "scores": {"kinds", "maps"},
    "theory": {"kinds", "arena", "trajectories", "targets", "maps"},
    "systems": {"kinds"} | NOUNS,
    "spec": {"kinds", "systems"} | NOUNS,
    "plan": {"spec"},
    "train": {"spec", "systems", "scores", "kinds", ""},
    "store": {"results_schema"},
    "drive": {"plan", "spec", "train", "store"},
    "kept": {"spec", "systems", "train", "store", "networks"},
    "measuring": {"kept", "results_schema", "scores", "spec", "store", "train"},
    "analysis": {"results_schema", "store"},
    "neural": {"results_schema", "store"},
    "figures": {"analysis", "store", "theory", "maps", "neural"},
}
# Which files alone may import a package.
GATES = {
    "optax": ("gridsweep/optimizers/", "gridsweep/systems/"),
    "flax": ("gridsweep/networks/", "gridsweep/systems/"),
    "ruamel": ("gridsweep/spec/",),
    "pydantic": (),
    "orbax": ("gridsweep/train/",),
    "pyarrow": ("gridsweep/store/", "gridsweep/analysis/", "gridsweep/cli/", "results_schema/"),
    "pyarrow.parquet": ("gridsweep/store/",),
    "duckdb": ("gridsweep/store/",),
    "ray": ("gridsweep/drive/ray_tune.py",),
    "rich": ("gridsweep/drive/progress.py", "gridsweep/cli/"),
    "matplotlib": ("gridsweep/figures/",),
    "typer": ("gridsweep/cli/",),
    "sklearn": ("gridsweep/neural/",),
    "pynwb": ("gridsweep/neural/nwb.py",),
    "scipy": ("gridsweep/maps/", "gridsweep/scores/", "gridsweep/analysis/", "gridsweep/neural/"),
}
NO_JAX = ("gridsweep/store/", "gridsweep/analysis/", "gridsweep/neural/", "gridsweep/cli/", "results_schema/")
NEVER = {"pickle", "cloudpickle", "dill", "joblib", "torch", "tensorflow"}

FILES = sorted([*ROOT.glob("gridsweep/**/*.py"), *ROOT.glob("results_schema/*.py")])


def imports(path):
    """Every module a file imports, wherever in it, as (name, line); names as written in `from x import y`: x.y."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written out, not relative"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def part_of(module):
    """Returns which part of gridsweep a dotted name belongs to; None outside."""
    first, *rest = module.split(".")
    if first == "results_schema":
        return first
    if first != "gridsweep":
        return None
    known = {path.stem if path.suffix else path.name for path in (ROOT / "gridsweep").iterdir()}
    return rest[0] if rest and rest[0] in known else ""


def name_of(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_imports_only_what_its_layer_may(path):
    name = name_of(path)
    here = part_of(name.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    for module, line in imports(path):
        there = part_of(module)
        if here in MAY_IMPORT and there is not None and there != here:
            assert there in MAY_IMPORT[here], f"{name}:{line}: {here} may not import {module}"
        if here == "results_schema":
            assert there in (None, here), f"{name}:{line}: results_schema stands alone"
        for package, allowed in GATES.items():
            if module == package or module.startswith(f"{package}."):
                assert name.startswith(allowed), f"{name}:{line}: {package} is imported only in {allowed}"
        first = module.split(".")[0]
        assert first not in NEVER, (
            f"{name}:{line}: nothing is unpickled, and nobody else's frameworks are used"
        )
        if name.startswith(NO_JAX):
            assert first not in ("jax", "flax", "optax"), f"{name}:{line}: no JAX here"


@pytest.mark.parametrize("path", [path for path in FILES if "/cli/" not in path.as_posix()], ids=name_of)
def test_only_commands_print_and_only_they_read_the_environment_for_settings(path):
    if path == ROOT / "results_schema/__main__.py":
        return
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    names = {call.id for call in calls if isinstance(call, ast.Name)}
    assert names.isdisjoint({"print", "input", "eval", "exec"})


def test_every_part_of_the_house_is_in_the_table():
    parts = {path.stem for path in (ROOT / "gridsweep").iterdir() if not path.name.startswith("__")}
    assert parts - set(MAY_IMPORT) - {"cli"} == set()


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("gridsweep", ("jax", "ray", "pandas", "duckdb", "matplotlib")),
        ("gridsweep.store", ("jax", "ray")),
        ("gridsweep.analysis", ("jax", "ray", "matplotlib")),
        ("gridsweep.neural", ("jax", "ray", "matplotlib", "sklearn", "pynwb")),
        ("gridsweep.figures", ("jax", "ray")),
        ("results_schema", ("gridsweep", "jax", "duckdb", "pandas")),
    ],
)
def test_importing_it_does_not_import_what_it_does_not_need(module, absent):
    code = f"import sys, {module}; print([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
