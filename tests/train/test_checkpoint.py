"""A restored cohort goes on bit for bit; a checkpoint that is not sound is named and not used."""

import json
import shutil
import warnings

import jax
import numpy as np
import pytest

from gridsweep.spec import Sweep
from gridsweep.train import BadCheckpoint, CohortTraining, restore_checkpoint, save_checkpoint
from tests.tiny import SMALL, small_document

WIDTH = 4


@pytest.fixture(scope="module")
def runs():
    return list(Sweep(small_document(seeds=5)))


def start(runs):
    return CohortTraining(runs, micro_batch=WIDTH)


def finish(training):
    while not training.finished:
        training.advance(patience_s=0.0)
    return [np.asarray(leaf) for leaf in jax.tree.leaves(training.states())]


@pytest.fixture(scope="module")
def saved(runs, tmp_path_factory):
    """A checkpoint after one update of three."""
    folder = tmp_path_factory.mktemp("checkpoints") / "cohort"
    training = start(runs)
    training.advance(patience_s=0.0)
    assert training.done_updates == 1
    save_checkpoint(training, folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(saved, tmp_path / "cohort")


def test_a_restored_cohort_goes_on_bit_for_bit(runs, saved):
    uninterrupted, restored = start(runs), start(runs)
    assert restore_checkpoint(restored, saved)
    assert restored.done_updates == 1
    for found, expected in zip(finish(restored), finish(uninterrupted), strict=True):
        np.testing.assert_array_equal(found, expected)
    lines = [{**line, "updates_per_s": None} for line in restored.history]
    assert lines == [{**line, "updates_per_s": None} for line in uninterrupted.history]
    keep = {"rate_maps": "none", "weights": "none"}
    assert (
        restored.rows(keep).tables["units"]["grid_score_60"]
        == uninterrupted.rows(keep).tables["units"]["grid_score_60"]
    )


def test_without_a_checkpoint_a_cohort_starts_again_in_silence(runs, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not restore_checkpoint(start(runs), tmp_path / "nowhere")
        (tmp_path / "empty").mkdir()
        assert not restore_checkpoint(start(runs), tmp_path / "empty")


def test_only_the_newest_checkpoint_is_kept(runs, tmp_path):
    training = start(runs)
    for _ in range(2):
        training.advance(patience_s=0.0)
        save_checkpoint(training, tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == [f"{2:012d}"]
    save_checkpoint(training, tmp_path)  # again at the same update: nothing to do
    assert [entry.name for entry in tmp_path.iterdir()] == [f"{2:012d}"]


def test_a_checkpoint_of_other_runs_is_not_used(runs, saved):
    training = start(runs[1:])
    with pytest.warns(BadCheckpoint, match="belongs to other runs"):
        assert not restore_checkpoint(training, saved)
    assert training.done_updates == 0


def test_a_checkpoint_of_another_width_is_not_used(runs, folder):
    manifest = next(folder.glob("*/manifest.json"))
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"micro_batch": 16}))
    with pytest.warns(BadCheckpoint, match="micro-batches of 16, not 4"):
        assert not restore_checkpoint(start(runs), folder)


def test_a_checkpoint_without_its_manifest_is_not_used(runs, folder):
    next(folder.glob("*/manifest.json")).unlink()
    with pytest.warns(BadCheckpoint, match="manifest"):
        assert not restore_checkpoint(start(runs), folder)


@pytest.mark.parametrize("content", ["", "[]", "null", "{}", '{"runs": 5}', "\x00"])
def test_a_manifest_that_says_nothing_is_not_used(runs, folder, content):
    next(folder.glob("*/manifest.json")).write_text(content)
    with pytest.warns(BadCheckpoint, match="is not used"):
        assert not restore_checkpoint(start(runs), folder)


def test_a_manifest_that_vouches_for_other_arrays_is_not_used(runs, folder):
    manifest = next(folder.glob("*/manifest.json"))
    said = json.loads(manifest.read_text())
    name = sorted(said["arrays"])[0]
    said["arrays"][name]["sha256"] = "0" * 64
    manifest.write_text(json.dumps(said))
    with pytest.warns(BadCheckpoint, match=f"{name} differs from what was written"):
        assert not restore_checkpoint(start(runs), folder)


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "remove"])
def test_whatever_file_is_damaged_the_cohort_starts_again_or_is_unharmed(runs, saved, tmp_path, damage):
    whole = start(runs)
    assert restore_checkpoint(whole, saved)
    expected = [np.asarray(leaf) for leaf in jax.tree.leaves(whole.states())]
    files = sorted(path.relative_to(saved) for path in saved.rglob("*") if path.is_file())
    assert len(files) >= 2
    used = 0
    for number, name in enumerate(files):
        copy = shutil.copytree(saved, tmp_path / str(number))
        spoil(copy / name, damage)
        training = start(runs)
        before = [np.asarray(leaf) for leaf in jax.tree.leaves(training.states())]
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            restored = restore_checkpoint(training, copy)
        found = [np.asarray(leaf) for leaf in jax.tree.leaves(training.states())]
        same = expected if restored else before
        assert all(np.array_equal(first, second) for first, second in zip(found, same, strict=True)), name
        assert restored or any(issubclass(said.category, BadCheckpoint) for said in told), name
        assert training.done_updates == (1 if restored else 0)
        used += restored
    assert used < len(files), "damage went unseen everywhere"


def spoil(path, damage):
    content = path.read_bytes()
    if damage == "remove":
        path.unlink()
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "truncate":
        path.write_bytes(content[: len(content) // 2])
    else:
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :])


def test_small_runs_have_three_updates():
    assert SMALL["updates"] == 3, "the tests above save after the first and go on"
