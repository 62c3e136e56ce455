"""The LSTM study: its files in our words, and our files of it."""

import functools
from pathlib import Path

import pytest

from gridsweep.spec import Rejected, SweepError, build, flatten, load_sweep
from gridsweep.spec.wandb_disentangling import Void, translate
from tests.spec.test_wandb import PUBLISHED

FOLDER = Path(__file__).parents[2] / "sweeps/disentangling"
# Ours: theirs.
FILES = {
    "reproduction": "reproduction",
    "learning-dynamics": "reproduction_learning_dynamics",
    "dropout": "ablation=dropout",
    "learning-rate": "ablation=lr",
    "optimizer": "ablation=optimizer",
    "gradient-clipping": "ablation=grad_clip",
    "heading-cells": "ablation=hd_rf",
    "place-field-width": "ablation=pc_rf",
    "walk-length": "ablation=seq_len",
    "normalisation": "ablation=normalization",
    "reported": "ablation=target_var",
    "walks": "ablation=data_generation",
    "start": "ablation=hidden_state_init",
    "input": "ablation=input",
    "readout-layers": "ablation=n_readout_layers",
}
ROWS, VOID = 760, 10
DISTINCT = 610  # the void ones are ten of them


@functools.cache
def published(name):
    """(rows, ids of the networks, reasons of void rows) of a published file."""
    sweep = load_sweep(PUBLISHED / "disentangling" / f"sorscher_{name}.yaml")
    ids, void = set(), []
    for number in range(len(sweep)):
        try:
            ids.add(sweep[number].run_id)
        except SweepError as error:
            void.append(str(error))
    return len(sweep), frozenset(ids), tuple(void)


def test_base_settings_are_the_published_ones():
    system = build(translate({}))
    said = flatten(system)
    assert said["training.updates"] == 100_000
    assert (said["training.steps"], said["training.fixed_walks"]) == (99, 10_000)
    assert (said["network.dense_dropout"], said["training.dropout"]) == (0.5, "active")
    assert said["training.optimizer.epsilon"] == 1e-4
    assert said["training.optimizer.coupled_decay"] == 1e-5
    assert said["training.weight_decay"] == 0
    assert system.scored_units == 512


def test_a_keep_of_0_999_is_a_rate_of_a_thousandth():
    assert translate({"keep_prob": 0.999})["network"]["dense_dropout"] == 0.001


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("place_cell_normalization", "max_no_grad", "refused by an assertion"),
        ("target_var", "hd", "expected one of pc_hd, pc, pos"),
        ("shuffle_train", False, "true in every published file"),
        ("n_epochs", 2.5, "expected a whole number"),
    ],
)
def test_a_row_that_cannot_run_says_why(name, value, reason):
    with pytest.raises(Void, match=reason):
        translate({name: value})


def test_an_input_that_there_is_not_is_a_mistake_of_the_row():
    with pytest.raises(Rejected, match="expected one of egocentric, allocentric"):
        build(translate({"input_var": "both"}))


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published files are not beside this checkout")
def test_all_published_rows_are_runs_but_ten():
    found = [
        published(file.stem.removeprefix("sorscher_")) for file in (PUBLISHED / "disentangling").iterdir()
    ]
    assert sum(rows for rows, _, _ in found) == ROWS
    void = [reason for _, _, reasons in found for reason in reasons]
    assert len(void) == VOID
    assert all("max_no_grad" in reason for reason in void)
    assert len(frozenset().union(*(ids for _, ids, _ in found))) == DISTINCT - VOID


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published files are not beside this checkout")
@pytest.mark.parametrize(("ours", "theirs"), FILES.items(), ids=FILES)
def test_our_file_has_the_networks_of_the_published_one(ours, theirs):
    rows, ids, _ = published(theirs)
    sweep = load_sweep(FOLDER / f"{ours}.yaml")
    assert len(sweep) == rows
    assert {run.run_id for run in sweep} == ids


def test_our_fifteen_files_come_to_the_published_number_of_runs():
    """Issue and paper count rows; the base stands in 17 of them for each seed, and is one network."""
    sweeps = [load_sweep(FOLDER / f"{name}.yaml") for name in FILES]
    assert len(sweeps) == 15
    assert sum(map(len, sweeps)) == ROWS
    assert len({run.run_id for sweep in sweeps for run in sweep}) == DISTINCT - VOID


def test_the_three_variants_are_three_networks():
    sweep = load_sweep(FOLDER / "variants.yaml")
    families = [run.system.network.initializer_family for run in sweep]
    assert families == ["torch"] * 3 + ["keras"] * 3 + ["sonnet"] * 3
