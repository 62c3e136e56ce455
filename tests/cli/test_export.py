"""``export wandb`` and reading what it wrote: the same networks by either file."""

import json
from pathlib import Path

import pytest

from gridsweep.spec import load_sweep
from tests.commands import gridsweep

SWEEPS = Path(__file__).parents[2] / "sweeps"


def planned(file, store, *more):
    done = gridsweep("plan", file, "--store", store, "--format", "json", *more)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_sweep_goes_out_and_plans_to_the_same_networks(tmp_path):
    ours, out = SWEEPS / "no_free_lunch/pc_ce_dog_nayebi.yaml", tmp_path / "nayebi.yaml"
    done = gridsweep("export", "wandb", ours, "--out", out)
    assert (done.exit_code, done.stdout) == (0, f"100 runs, {out}\n")
    assert {run.run_id for run in load_sweep(out)} == {run.run_id for run in load_sweep(ours)}
    said = planned(out, tmp_path / "store")
    assert (said["runs"], said["distinct"], said["void"]) == (100, 100, 0)
    assert gridsweep("export", "wandb", ours).stdout == out.read_text()
    again = gridsweep("export", "wandb", out)
    assert (again.exit_code, again.stderr) == (2, f"{out}: is a W&B file already\n")


def test_rows_that_never_differed_and_rows_that_cannot_run_are_counted_apart(tmp_path):
    file = tmp_path / "some.yaml"
    assert (
        gridsweep("export", "wandb", SWEEPS / "no_free_lunch/pc_ce_dog_ideal.yaml", "--out", file).exit_code
        == 0
    )
    axes = "  readout_dropout: {values: [0.0, 0.5]}\n  recurrent_dropout: {values: [0.0, 0.5]}\n"
    file.write_text(file.read_text().replace("values: [2.0]", "values: [1.0, 2.0]") + axes)
    said = planned(file, tmp_path / "store")
    assert (said["runs"], said["distinct"], said["void"]) == (2 * 6 * 4, 6, 6 * 4)
    assert (
        "24 void: target.surround_ratio: found the number 1.0, expected a number above 1"
        in gridsweep("plan", file, "--store", tmp_path / "store").stdout
    )


def test_a_random_search_without_a_size_says_how_to_give_it_one(tmp_path):
    file = tmp_path / "random.yaml"
    assert (
        gridsweep("export", "wandb", SWEEPS / "no_free_lunch/pc_ce_g_random.yaml", "--out", file).exit_code
        == 0
    )
    assert planned(file, tmp_path / "store")["runs"] == 604
    text = file.read_text()
    file.write_text(text.replace("run_cap: 604\n", ""))
    done = gridsweep("plan", file, "--store", tmp_path / "store")
    assert done.exit_code == 2
    assert "run_cap: a random sweep has no size of its own: give --runs N" in done.stderr
    assert planned(file, tmp_path / "store", "--runs", "7")["runs"] == 7


@pytest.mark.parametrize("where", ["missing/out.yaml", "."])
def test_a_place_that_cannot_be_written_is_an_error(tmp_path, where):
    done = gridsweep("export", "wandb", SWEEPS / "no_free_lunch/banino.yaml", "--out", tmp_path / where)
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
