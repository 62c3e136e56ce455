"""``gridsweep figures`` and ``gridsweep paper``, in this process."""

import pytest
from typer.testing import CliRunner

from gridsweep.cli import app
from tests.analysis.simulated import network, null, write

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


def gridsweep(*words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


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


def test_the_paper_trains_what_its_folder_holds_and_judges(tmp_path):
    folder = tmp_path / "sweeps" / "tiny"
    folder.mkdir(parents=True)
    (folder / "noise.yaml").write_text(NOISE)
    (folder / "other.yaml").write_text(
        NOISE.replace("figures: [fig5]", "").replace("name: noise", "name: other")
    )
    words = ("paper", "--scale", "tiny", "--sweeps", tmp_path / "sweeps", "--store", tmp_path / "store")
    done = gridsweep(*words, "--out", tmp_path / "report", "--inline")
    assert done.exit_code == 0, done.stderr
    verdicts = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if line.startswith("fig"))
    assert verdicts["fig14"].startswith("agrees")
    assert verdicts["fig5"].startswith("not drawn")
    assert "| noise | 2 | 2 | 0 | 0 |" in (tmp_path / "report" / "README.md").read_text()
    assert "| other |" not in (tmp_path / "report" / "README.md").read_text().split("## fig1")[0]
    wrong = gridsweep(*words, "--only", "silence")
    assert wrong.exit_code == 2
    assert "--only: found silence" in wrong.stderr


def test_a_scale_without_sweeps_is_refused(tmp_path):
    done = gridsweep("paper", "--scale", "huge", "--sweeps", tmp_path, "--store", tmp_path / "store")
    assert done.exit_code == 2
    assert "found no sweeps with figures in" in done.stderr
