"""``gridsweep bench --device``: one table, without Ray, on a machine that has little beside JAX."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import gridsweep

SMALL = [
    *("--units", "16", "--network", "rnn", "--network", "gru", "--precision", "float32"),
    *("--lanes", "1", "--lanes", "2", "--place-cells", "16", "--batch-size", "4", "--steps", "3"),
    *("--updates", "1"),
]
# What the machines with a GPU may lack.
LACKING = """
import importlib.abc, sys
class Lacking(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"ray", "pydantic", "duckdb", "orbax", "ruamel", "torch"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Lacking())
from gridsweep.cli import app
app(sys.argv[1:])
"""
# Answers as benchmarks.rotation.serve does: a worker that makes 10, 20, 5 updates a second.
ANSWERING = """#!/bin/sh
case "$1" in
-c) echo "9.9|cpu" ;;
*)  read task; case "$task" in *'"gru"'*'"tuned"'*) exit 3 ;; esac
    echo '{"ready": true}'
    for wall in 0.1 0.05 0.2; do read updates; echo "{\\"wall_s\\": $wall, \\"cpu_s\\": 1}"; done ;;
esac
"""


@pytest.fixture
def peer(tmp_path):
    """An executable that stands for a Python with PyTorch."""
    path = tmp_path / "python"
    path.write_text(ANSWERING)
    path.chmod(0o700)
    return path


def rows(path: Path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_it_runs_without_what_a_gpu_machine_may_lack(tmp_path):
    command = [
        sys.executable,
        "-c",
        LACKING,
        "bench",
        "--device",
        *SMALL,
        "--out",
        str(tmp_path / "table.csv"),
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[2])
    table = rows(tmp_path / "table.csv")
    assert [(row["network"], row["lanes"]) for row in table] == [
        ("rnn", "1"), ("rnn", "2"), ("gru", "1"), ("gru", "2"),
    ]  # fmt: skip
    assert all(float(row["updates_per_s"]) > 0 and 0 < float(row["of_ceiling"]) < 1.5 for row in table)


def test_pytorch_stands_beside_it(tmp_path, peer):
    out = tmp_path / "table.csv"
    done = gridsweep("bench", "--device", *SMALL, "--torch", peer, "--out", out)
    assert done.exit_code == 0, done.output
    found = {(row["who"], row["network"], row["lanes"]): row for row in rows(out)}
    ours = [who for who, _, _ in found].count("ours")
    assert (ours, len(found)) == (4, 9)
    assert float(found["torch published", "rnn", "1"]["updates_per_s"]) == 20
    assert float(found["torch batched", "rnn", "2"]["us_per_update"]) == pytest.approx(25_000)
    assert found["torch tuned", "gru", "1"]["failed"] == "exit code 3"
    assert "torch 9.9 on cpu" in found["torch tuned", "rnn", "1"]["device"]


def test_a_python_without_pytorch_is_refused_before_anything_is_measured(tmp_path):
    without = tmp_path / "python"
    without.write_text("#!/bin/sh\necho \"No module named 'torch'\" >&2; exit 1\n")
    without.chmod(0o700)
    for python, found in ((without, "No module named 'torch'"), (tmp_path / "none", "No such file")):
        done = gridsweep("bench", "--device", *SMALL, "--torch", python)
        assert done.exit_code == 2
        assert "--torch: found" in done.output
        assert found in done.output
        assert "ours" not in done.output
