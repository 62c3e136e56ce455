"""The published W&B files are read as they are, and equal networks in them are one."""

import os
from pathlib import Path

import pytest

from gridsweep.spec import SweepError
from gridsweep.spec.document import parse_document, read_document
from gridsweep.spec.wandb import WandbSweep, translate

# The published files are not ours to copy; where they lie beside the checkout they are read whole.
PUBLISHED = Path(
    os.environ.get("GRIDSWEEP_WANDB", Path(__file__).parents[3] / "shared/reference/wandb_sweeps")
)
# Rows of each published grid: spec, sweeps_and_figures a.2 and a.5.
NO_FREE_LUNCH_GRIDS = 21_113
DISENTANGLING = 760

SMALL = """
program: mec_hpc_investigations/models/run_trainer_rylan.py
project: mec-hpc-investigations
method: grid
metric: {goal: minimize, name: pos_decoding_err}
parameters:
  Ng: {values: [64]}
  Np: {values: [128]}
  activation: {values: [relu, tanh]}
  batch_size: {values: [200]}
  bin_side_in_m: {values: [0.05]}
  box_height_in_m: {values: [2.2]}
  box_width_in_m: {values: [2.2]}
  initializer: {values: [glorot_uniform]}
  is_periodic: {values: [false]}
  learning_rate: {values: [0.0001]}
  n_epochs: {values: [20]}
  n_grad_steps_per_epoch: {values: [10000]}
  n_place_fields_per_cell: {values: [1.0]}
  optimizer: {values: [adam]}
  place_cell_rf: {values: [0.12, 'Uniform( 0.06 , 0.18 )']}
  place_field_loss: {values: [crossentropy]}
  place_field_normalization: {values: [global]}
  place_field_values: {values: [difference_of_gaussians]}
  readout_dropout: {values: [0.0, 0.5]}
  recurrent_dropout: {values: [0.0, 0.5]}
  rnn_type: {values: [RNN]}
  seed: {values: [0, 1, 2]}
  sequence_length: {values: [20]}
  surround_scale: {values: [2.0]}
  weight_decay: {values: [0.0001]}
"""


def small(**changes):
    document = parse_document(SMALL, "small")
    document["parameters"] |= {name: {"values": values} for name, values in changes.items()}
    return WandbSweep(document, "small")


def test_dropout_that_never_acted_makes_no_other_network():
    runs = list(small())
    assert len(runs) == 2 * 2 * 4 * 3
    assert len({run.run_id for run in runs}) == 2 * 2 * 3


def test_the_published_difference_of_gaussians_is_our_difference_of_softmaxes():
    system = small()[0].system
    assert system.target.kind_name() == "difference_of_softmaxes"
    assert (system.target.surround_ratio, system.target.surround_convention) == (2.0, "sigma")
    assert system.training.updates == 200_000
    assert system.evaluation[0].kind_name() == "published"


def test_a_uniform_width_becomes_one_drawn_for_each_cell():
    width = next(
        run.system.target.field_width_m
        for run in small()
        if not isinstance(run.system.target.field_width_m, float)
    )
    assert (width.low, width.high) == (0.06, 0.18)


def test_what_means_nothing_for_a_target_is_dropped():
    cartesian = small(place_field_values=["cartesian"], place_field_loss=["mse"], place_cell_rf=[0.0, 0.5])
    assert len({run.run_id for run in cartesian}) == 2 * 3


def test_a_row_the_published_program_could_not_run_says_why():
    with pytest.raises(SweepError, match="local raises in the published program"):
        small(place_field_normalization=["local"])[0]
    with pytest.raises(SweepError, match="expected a number above 1"):
        small(surround_scale=[1.0])[0]


def test_a_random_file_needs_its_size_and_says_so():
    document = parse_document(SMALL, "small") | {"method": "random"}
    with pytest.raises(SweepError, match="give --runs N"):
        WandbSweep(document, "small")
    drawn = WandbSweep(document | {"run_cap": 5}, "small")
    again = WandbSweep(document | {"run_cap": 9}, "small")
    assert [run.run_id for run in drawn] == [again[number].run_id for number in range(5)]


def test_unknown_settings_and_programs_are_mistakes():
    document = parse_document(SMALL, "small")
    document["parameters"]["Nx"] = {"values": [1]}
    with pytest.raises(SweepError, match='"Nx": not a setting of the published program'):
        WandbSweep(document, "small")
    with pytest.raises(SweepError, match=r"expected mec_hpc_investigations"):
        WandbSweep(parse_document(SMALL, "small") | {"program": "other.py"}, "small")


def test_both_published_surrounds_of_two_are_told_apart():
    settings = translate(
        {"place_field_values": "difference_of_gaussians", "surround_scale": 2.0, "rnn_type": "RNN"}
    )
    assert settings["target"]["surround_ratio"] == 2.0


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published files are not beside this checkout")
def test_all_published_files_come_to_the_published_counts():
    rows = {"no_free_lunch": 0, "disentangling": 0}
    files = sorted(PUBLISHED.glob("*/*.yaml"))
    for file in files:
        document = read_document(file)
        if document["method"] == "grid":
            rows[file.parent.name] += len(WandbSweep(document, str(file)))
        else:
            with pytest.raises(SweepError, match="--runs N"):
                WandbSweep(document, str(file))
    assert len(files) == 45
    assert rows == {"no_free_lunch": NO_FREE_LUNCH_GRIDS, "disentangling": DISENTANGLING}
