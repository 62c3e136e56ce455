"""Rows of docs/errors.md at the command line: the exit code, what is said, and that nothing was written.

What is said in full is tested where it is made; here that it reaches the user with its code.
"""

import json
import os

import pytest

from gridsweep.store import Store
from gridsweep.store.fs import FS
from gridsweep.store.layout import FORMAT
from gridsweep.store.sealed import seal
from gridsweep.train import CohortTraining
from tests.commands import gridsweep, noise_sweep
from tests.store.synthetic import commit_cohort, plan_document

TRAINED = """
name: trained
method: list
lanes: 1
base:
  target: {place_cells: 8, field_width_m: 0.3}
  network: {units: 4}
  training: {learning_rate: 1e-3, batch_size: 2, steps: 2, updates: 2}
  evaluation: {kind: corrected, bins: [8], positions: 1000}
runs:
  - {}
"""


@pytest.fixture
def sweep(tmp_path):
    return noise_sweep(tmp_path)


@pytest.fixture
def store(tmp_path):
    """A store in which one cohort is committed."""
    store = Store.create(tmp_path / "store")
    store.add_plan(plan_document(cohorts=1))
    commit_cohort(store, 0)
    return store


def refused(*words, within):
    """What a command says that ends with code 2; it leaves a folder as it was."""
    before = contents(within)
    found = gridsweep(*words)
    assert found.exit_code == 2, words
    assert contents(within) == before, words
    return found.stderr


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),  # row 1
        (b"", "empty"),  # 2
        (b"a: [1, 2", "line 1"),  # 3
        (b"\xff\xfe\x00", "not UTF-8 text: byte 0"),  # 32
        (b"name: a\x00b", "character 7 is #x0000"),
        (b"x" * (2**20 + 1), "at most 1,048,576"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "run"])
def test_2_for_what_is_no_sweep_file(tmp_path, command, content, said):
    file = tmp_path / "bad.yaml"
    if content is not None:
        file.write_bytes(content)
    assert said in refused(command, file, "--store", tmp_path / "new", within=tmp_path)


def test_3_and_rows_that_say_what_to_change_when_memory_does_not_suffice(tmp_path, sweep, monkeypatch):
    """Row 21: not even one lane fits, so that halving helps no more."""

    def too_large(self, runs, *, micro_batch=None):
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 64.0GiB")

    monkeypatch.setattr(CohortTraining, "__init__", too_large)
    found = gridsweep("run", sweep, "--store", tmp_path / "new", "--inline")
    assert found.exit_code == 3
    (row,) = Store.open(tmp_path / "new").table("runs", ["status", "reason", "message"]).to_pylist()
    assert (row["status"], row["reason"]) == ("failed", "oom")
    assert "64.0GiB" in row["message"]


def test_2_for_a_store_that_is_no_folder_of_ours(tmp_path, sweep):
    """Row 22: a file, a folder of something else, a link to elsewhere."""
    for name in ("file", "elsewhere", "full", "link"):
        path = tmp_path / name
        if name == "file":
            path.write_text("x")
        elif name == "elsewhere":
            path.mkdir()
            continue
        elif name == "full":
            path.mkdir()
            (path / "thesis.tex").write_text("x")
        else:
            Store.create(tmp_path / "elsewhere")
            os.symlink(tmp_path / "elsewhere" / "ledger", path)
        assert str(path) in refused("run", sweep, "--store", path, "--inline", within=tmp_path)


@pytest.mark.parametrize("command", ["status", "verify", "query"])
def test_2_for_a_store_of_a_newer_format(store, command):
    """Rows 18 and 24."""
    identity = store.path / "STORE.json"
    document = json.loads(identity.read_text())
    document.pop("sha256", None)
    identity.write_bytes(seal({**document, "format": FORMAT + 1}))
    words = ["SELECT 1"] if command == "query" else []
    assert str(FORMAT + 1) in refused(command, *words, "--store", store.path, within=store.path)


def test_2_for_a_file_system_without_exclusive_links(tmp_path, sweep, monkeypatch):
    """Row 25."""

    def overwrite(self, source, target):
        target.write_bytes(source.read_bytes())
        return True

    monkeypatch.setattr(FS, "link", overwrite)
    found = gridsweep("run", sweep, "--store", tmp_path / "new", "--inline")
    assert found.exit_code == 2
    assert "two workers could commit the same cohort" in found.stderr
    assert not (tmp_path / "new" / "STORE.json").exists()


@pytest.mark.parametrize("table", ["runs", "units"])
@pytest.mark.parametrize("kind", ["cut short", "empty", "another file", "a bit"])
def test_6_for_a_damaged_file_that_is_then_set_aside(store, table, kind):
    """Rows 26 to 28; after that the store is sound."""
    (path,) = (store.path / table).rglob("*.parquet")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes({"cut short": data[:100], "empty": b"", "another file": b"PAR1", "a bit": data}[kind])
    found = gridsweep("verify", "--store", store.path)
    assert found.exit_code == 6
    assert path.name in found.stdout + found.stderr
    assert gridsweep("query", "SELECT * FROM units, runs", "--store", store.path).exit_code == 6
    assert gridsweep("verify", "--repair", "--store", store.path).exit_code == 6
    assert gridsweep("verify", "--store", store.path).exit_code == 0


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM runs",
        "COPY runs TO '{out}'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT 1; SELECT 2",
        "ATTACH '{out}'",
    ],
)
def test_2_for_a_query_that_is_not_one_select_of_the_stores_tables(store, tmp_path, sql):
    """Row 31."""
    assert refused("query", sql.format(out=tmp_path / "out"), "--store", store.path, within=tmp_path)


@pytest.mark.slow  # it trains
def test_0_with_one_warning_for_a_checkpoint_that_is_no_checkpoint(tmp_path):
    """Row 30: the cohort starts from its first update."""
    file, folder = tmp_path / "trained.yaml", tmp_path / "store"
    file.write_text(TRAINED)
    # Planned by a run that cannot begin: then the cohort has a name.
    from gridsweep.drive.left import write_plan
    from gridsweep.spec import load_sweep

    store = Store.create(folder)
    plan = write_plan(store, load_sweep(file), lanes=1, slots=1)
    foreign = folder / "checkpoints" / plan.cohorts[0].cohort_id / "000000000001"
    foreign.mkdir(parents=True)
    (foreign / "manifest.json").write_text('{"runs": ["0123456789abcdef"], "micro_batch": 1}')
    with pytest.warns(UserWarning, match="is not used: .*it belongs to other runs") as warned:
        found = gridsweep("run", file, "--store", folder, "--inline")
    assert found.exit_code == 0
    assert len(warned) == 1
    assert Store.open(folder).status_counts()["trained"]["completed"] == 1
