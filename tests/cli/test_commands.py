"""The commands, end to end on a small sweep: what they print, what they return, what they leave alone."""

import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests import commands

REPOSITORY = Path(__file__).parents[2]
SWEEP = """
name: small
method: list
seeds: 2
base:
  target: {place_cells: 16, field_width_m: 0.3}
  network: {units: 8}
  training: {learning_rate: 1e-3, batch_size: 4, steps: 4, updates: 50}
  evaluation: {kind: corrected, bins: [12], positions: 2000}
runs:
  - target: {kind: gaussian}
  - target: {kind: difference_of_softmaxes}
  - system: {kind: filtered_noise, units: 8}
keep: {weights: final}
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(scope="module")
def gridsweep(programs):
    """Runs a command with a cache of programs that a process of its own can share."""
    return functools.partial(commands.gridsweep, env={"JAX_COMPILATION_CACHE_DIR": str(programs)})


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweeps") / "small.yaml"
    path.write_text(SWEEP)
    return path


@pytest.fixture(scope="module")
def store(gridsweep, small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores") / "small"
    done = gridsweep("run", small, "--store", folder, "--inline")
    assert done.exit_code == 0, done.stderr
    return folder


def test_help_needs_neither_jax_nor_ray_nor_pandas():
    heavy = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys\nfrom gridsweep.cli import app\n"
            "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
            "heavy = ('jax', 'ray', 'pandas', 'pyarrow', 'duckdb', 'matplotlib')\n"
            "print([name for name in heavy if name in sys.modules])",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert heavy.stdout.splitlines()[-1] == "[]"


def test_plan_counts_and_writes_nothing(gridsweep, small, tmp_path):
    done = gridsweep("plan", small, "--store", tmp_path / "none", "--format", "json")
    said = json.loads(done.stdout)
    assert {"runs", "distinct", "void", "committed", "programs", "cohorts"} <= said.keys()
    assert (said["runs"], said["distinct"], said["void"], said["committed"], said["programs"]) == (
        6,
        6,
        0,
        0,
        3,
    )
    assert not (tmp_path / "none").exists()


def test_plan_of_a_finished_sweep_finds_nothing_left(gridsweep, small, store):
    said = json.loads(gridsweep("plan", small, "--store", store, "--format", "json").stdout)
    assert (said["committed"], said["cohorts"], said["to_plan"]) == (6, 0, 0)


def test_running_again_trains_nothing_and_more_seeds_train_only_those(gridsweep, small, store, tmp_path):
    before = sorted((store / "ledger").iterdir())
    assert gridsweep("run", small, "--store", store, "--inline").exit_code == 0
    assert sorted((store / "ledger").iterdir()) == before
    more = tmp_path / "small.yaml"
    more.write_text(SWEEP.replace("seeds: 2", "seeds: 3"))
    assert gridsweep("run", more, "--store", store, "--inline").exit_code == 0
    said = json.loads(gridsweep("status", "--store", store, "--format", "json").stdout)
    assert said["sweeps"]["small"] == {"planned": 9, "completed": 9, "diverged": 0, "failed": 0, "missing": 0}


def test_queries_come_in_every_format(gridsweep, store, tmp_path):
    sql = 'SELECT run_id, "target.kind", position_error_cm FROM runs WHERE "target.kind" = \'gaussian\''
    assert "gaussian" in gridsweep("query", sql, "--store", store).stdout
    rows = json.loads(gridsweep("query", sql, "--store", store, "--format", "json").stdout)
    assert len(rows) >= 2
    assert gridsweep("query", sql, "--store", store, "--format", "csv").stdout.splitlines()[0] == (
        "run_id,target.kind,position_error_cm"
    )
    out = tmp_path / "rows.parquet"
    assert gridsweep("query", sql, "--store", store, "--format", "parquet", "--out", out).exit_code == 0
    assert pq.read_table(out).num_rows == len(rows)


def test_an_unquoted_dotted_name_is_explained(gridsweep, store):
    done = gridsweep("query", "SELECT target.kind FROM runs", "--store", store)
    assert done.exit_code == 2
    assert '"target.kind"' in done.stderr


def test_show_diff_and_logs_speak_of_runs(gridsweep, store):
    ids = json.loads(
        gridsweep(
            "query", 'SELECT run_id FROM runs ORDER BY "target.kind", seed', "--store", store, "-f", "json"
        ).stdout
    )
    first, second = ids[0]["run_id"], ids[1]["run_id"]
    shown = gridsweep("show", first[:10], "--store", store)
    assert shown.exit_code == 0
    assert "target.kind" in shown.stdout
    assert "grid_score_60_best" in shown.stdout
    different = json.loads(gridsweep("diff", first, second, "--store", store, "--format", "json").stdout)
    assert "system.seed" in different["different"]
    assert "committed" in gridsweep("logs", first, "--store", store).stdout
    missing = gridsweep("show", "ffffffffffffffff", "--store", store)
    assert missing.exit_code == 2
    assert "0 runs of this store begin with" in missing.stderr


def test_verify_tells_a_sound_store_from_a_damaged_one(gridsweep, small, tmp_path):
    folder = tmp_path / "damaged"
    assert gridsweep("run", small, "--store", folder, "--inline").exit_code == 0
    sound = gridsweep("verify", "--store", folder)
    assert (sound.exit_code, sound.stdout.split(":")[0]) == (0, "sound")
    victim = next((folder / "units").rglob("*.parquet"))
    victim.write_bytes(victim.read_bytes()[:-20])
    torn = gridsweep("verify", "--store", folder, "--format", "json")
    assert torn.exit_code == 6
    assert victim.name in torn.stdout


@pytest.fixture(scope="module")
def lattice_maps():
    x = (np.arange(20) + 0.5) * 2.2 / 20 - 1.1
    waves = [
        np.cos(4 * np.pi / (np.sqrt(3) * 0.6) * (np.cos(a) * x[:, None] + np.sin(a) * x[None]))
        for a in (0.2, 0.2 + np.pi / 3, 0.2 + 2 * np.pi / 3)
    ]
    return np.stack([np.maximum(sum(waves), 0), np.zeros((20, 20))])


def test_score_takes_anyones_maps(gridsweep, lattice_maps, tmp_path):
    file, out = tmp_path / "maps.npy", tmp_path / "scores.parquet"
    np.save(file, lattice_maps)
    done = gridsweep("score", file, "--out", out)
    assert done.exit_code == 0, done.stderr
    rows = pq.read_table(out)
    assert rows.column_names == [
        "map", "grid_score_60", "grid_score_90",
        "ring_60_inner", "ring_60_outer", "ring_90_inner", "ring_90_outer",
    ]  # fmt: skip
    hexagonal, silent = rows["grid_score_60"].to_pylist()
    assert hexagonal > 1.2
    assert silent == 0.0


@pytest.mark.parametrize(
    ("array", "complaint"),
    [
        (np.zeros((3, 20, 21)), "(3, 20, 21)"),
        (np.zeros((20, 20)), "(20, 20)"),
        (np.full((1, 20, 20), np.inf), "map 0"),
        (np.full((1, 20, 20), "a"), "numbers"),
    ],
)
def test_score_refuses_what_is_no_map(gridsweep, tmp_path, array, complaint):
    file, out = tmp_path / "maps.npy", tmp_path / "scores.parquet"
    np.save(file, array)
    done = gridsweep("score", file, "--out", out)
    assert done.exit_code == 2
    assert complaint in done.stderr
    assert not out.exists()


def test_score_never_unpickles(gridsweep, tmp_path):
    file = tmp_path / "maps.npy"
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    done = gridsweep("score", file)
    assert done.exit_code == 2
    assert "plain numbers" in done.stderr


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("kind: gaussian", "kind: gausian"), 'did you mean "gaussian"'),
        (("units: 8}", "unit: 8}"), 'did you mean "units"'),
        (("learning_rate: 1e-3", "learning_rate: fast"), "expected a number above 0"),
        (("field_width_m: 0.3", "field_width_m: -0.3"), "expected a number above 0"),
        (("field_width_m: 0.3", "field_width_m: 0"), "expected a number above 0"),
    ],
)
def test_a_bad_sweep_is_refused_with_its_key_and_nothing_is_written(gridsweep, tmp_path, change, key):
    file = tmp_path / "bad.yaml"
    file.write_text(SWEEP.replace(*change))
    done = gridsweep("run", file, "--store", tmp_path / "store", "--inline")
    assert done.exit_code == 2
    assert str(file) in done.stderr
    assert key in done.stderr
    assert not (tmp_path / "store").exists()


def test_a_store_that_is_a_file_is_named(gridsweep, small, tmp_path):
    file = tmp_path / "store"
    file.write_text("not a store")
    for words in (
        ("run", small, "--inline"),
        ("plan", small),
        ("status",),
        ("query", "SELECT 1"),
        ("verify",),
    ):
        done = gridsweep(*words, "--store", file)
        assert done.exit_code == 2, words
        assert str(file) in done.stderr
        assert file.read_text() == "not a store"


def test_interrupting_once_keeps_what_is_trained_and_the_same_command_finishes(gridsweep, programs, tmp_path):
    file, folder = tmp_path / "long.yaml", tmp_path / "store"
    file.write_text(SWEEP.replace("updates: 50", "updates: 40000").replace("seeds: 2", "seeds: 1"))
    words = [sys.executable, "-m", "gridsweep", "run", str(file), "--store", str(folder), "--inline"]
    process = subprocess.Popen(
        words,
        cwd=REPOSITORY,
        env=os.environ | {"JAX_COMPILATION_CACHE_DIR": str(programs)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline_s = time.monotonic() + 120
    while time.monotonic() < deadline_s and not any(
        "update" in log.read_text() for log in folder.glob("attempts/*/log.txt")
    ):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 4, said
    assert f"gridsweep run {file} --store {folder} --inline" in said
    assert list((folder / "checkpoints").glob("*/*/manifest.json"))
    assert not list((folder / "leases").iterdir())
    done = gridsweep("run", file, "--store", folder, "--inline")
    assert done.exit_code == 0, done.stderr
    assert "from update" in "".join(log.read_text() for log in folder.glob("attempts/*/log.txt"))
    assert not list((folder / "checkpoints").iterdir())
