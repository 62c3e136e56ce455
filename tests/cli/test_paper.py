"""``gridsweep figures`` and ``gridsweep paper``, in this process."""

import importlib

import pytest
import typer

from tests.analysis.simulated import network, null, write
from tests.commands import gridsweep

NOISE = """
name: noise
method: list
seeds: 2
base:
  system: {kind: filtered_noise, units: 8}
  evaluation: {kind: corrected, bins: [12]}
runs:
  - system: {threshold: rectified}
figures: [fig5]
expect: 2
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    runs = [network("gaussian", seed, 16) for seed in range(2)] + [null(0, 64)]
    return write(tmp_path_factory.mktemp("figures") / "store", runs).path


def test_named_figures_are_drawn_and_one_that_cannot_be_ends_in_an_error(store, tmp_path):
    done = gridsweep("figures", "fig14", "fig6", "--store", store, "--out", tmp_path)
    assert done.exit_code == 2
    assert "1 of 2 figures could not be drawn" in done.stderr
    assert "gridsweep run sweeps/laptop/gaussian-tanh.yaml" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fig14.csv", "fig14.pdf", "fig14.png"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("figures",), "name figures, or give --all"),
        (("figures", "fig5", "--all"), "name figures, or give --all"),
        (("figures", "fig99"), "no figure 'fig99'; known: fig1, fig2"),
        (("figure", "fig5", "--by", "target.kind"), "leave out by and score"),
        (("figure", "fig5", "--style", "kernel"), "found the style 'kernel'"),
    ],
)
def test_wrong_words_are_answered_with_the_right_ones(store, words, message):
    done = gridsweep(*words, "--store", store)
    assert done.exit_code == 2
    assert message in done.stderr


def test_theory_is_drawn_without_a_store(tmp_path):
    done = gridsweep("figure", "fig14", "--store", tmp_path / "none", "--out", tmp_path)
    assert done.exit_code == 0
    assert (tmp_path / "fig14.pdf").exists()


@pytest.fixture
def sweeps(tmp_path):
    """A folder of tiny sweeps: one of a scale, one of the systems, two that list no figure."""
    for folder in ("tiny", "systems"):
        (tmp_path / "sweeps" / folder).mkdir(parents=True)
    silent = NOISE.replace("figures: [fig5]", "")
    for name, text in {
        "tiny/noise": NOISE.replace("seeds: 2", "seeds: 3").replace("expect: 2", "expect: 3"),
        "tiny/other": silent,
        "systems/waves": NOISE.replace("fig5", "fig7"),
        "systems/unseen": silent,
    }.items():
        named = text.replace("name: noise", f"name: {name.partition('/')[2]}")
        (tmp_path / "sweeps" / f"{name}.yaml").write_text(named)
    return tmp_path / "sweeps"


def test_one_command_trains_the_scale_and_the_systems_and_judges(sweeps, tmp_path):
    words = ("paper", "--scale", "tiny", "--sweeps", sweeps, "--store", tmp_path / "store")
    planned = gridsweep(*words, "--plan").stdout.split("\n")
    assert [line.split()[:3] for line in planned[1:4]] == [
        ["noise", "3", "3"],
        ["waves", "2", "0"],  # both are of the other sweep, too
        ["all", "3", "3"],
    ]
    assert not (tmp_path / "store").exists()
    done = gridsweep(*words, "--out", tmp_path / "report", "--inline")
    assert done.exit_code == 0, done.stderr
    verdicts = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if line.startswith("fig"))
    assert verdicts["fig14"].startswith("agrees")
    assert verdicts["fig5"].startswith("not drawn")
    sweeps_of_store = (tmp_path / "report" / "README.md").read_text().split("## fig1")[0]
    assert "| noise | 3 | 3 | 0 | 0 |" in sweeps_of_store
    assert "| waves | 2 | 2 | 0 | 0 |" in sweeps_of_store
    assert "| other |" not in sweeps_of_store
    assert "| unseen |" not in sweeps_of_store
    assert gridsweep(*words, "--plan").stdout.split("\n")[3].split()[:3] == ["all", "3", "0"]
    wrong = gridsweep(*words, "--only", "silence")
    assert wrong.exit_code == 2
    assert "--only: found silence" in wrong.stderr


@pytest.mark.parametrize(("code", "trained"), [(3, ["noise", "waves"]), (4, ["noise"])])
def test_failed_networks_stop_no_other_sweep_and_an_interrupt_does(
    code, trained, sweeps, tmp_path, monkeypatch
):
    seen = []

    def run(path, **_):
        seen.append(path.stem)
        if path.stem == "noise":
            raise typer.Exit(code)

    monkeypatch.setattr(importlib.import_module("gridsweep.cli.paper"), "run", run)
    store = write(tmp_path / "store", [null(0, 16)]).path
    words = ("paper", "--scale", "tiny", "--sweeps", sweeps, "--store", store, "--out", tmp_path / "report")
    done = gridsweep(*words)
    assert done.exit_code == code
    assert seen == trained
    if code == 3:
        assert "networks of noise could not be trained" in done.stderr
        assert (tmp_path / "report" / "README.md").exists()


def test_a_scale_without_sweeps_is_refused(tmp_path):
    done = gridsweep("paper", "--scale", "huge", "--sweeps", tmp_path, "--store", tmp_path / "store")
    assert done.exit_code == 2
    assert "found no sweeps with figures in" in done.stderr
