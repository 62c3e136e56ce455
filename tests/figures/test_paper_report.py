import re

import pandas as pd
import pytest

from gridsweep.figures import FIGURES, Ask, write_report
from gridsweep.figures._paper import NO_CLAIM, NOT_DRAWN
from tests.analysis.simulated import network, null, write

SOME = {name: FIGURES[name] for name in ("fig5", "fig6", "fig14", "survival")}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    runs = [network("gaussian", seed, 24) for seed in range(3)] + [null(0, 96)]
    return write(tmp_path_factory.mktemp("report") / "store", runs)


def report(store, folder, figures=SOME):
    return write_report(
        store, figures, folder, title="The paper", command="gridsweep paper", ask=Ask(draws=50)
    )


@pytest.fixture(scope="module")
def made(store, tmp_path_factory):
    """A report's entries and its folder."""
    folder = tmp_path_factory.mktemp("made")
    return report(store, folder)[0], folder


def test_every_claim_stands_beside_what_came_out(store, made):
    entries, folder = made
    assert [(entry.name, entry.verdict) for entry in entries] == [
        ("fig5", entries[0].verdict),
        ("fig6", NOT_DRAWN),
        ("fig14", "agrees"),
    ]
    text = (folder / "README.md").read_text()
    for entry in entries:
        assert f"| [{entry.name}](#{entry.name}) | {entry.figure.title} | {entry.verdict} |" in text
        assert entry.figure.claim in text
        assert entry.figure.rule in text
    assert "gridsweep run sweeps/laptop/gaussian-tanh.yaml" in text
    assert store.snapshot_id() in text
    for picture in re.findall(r"\((fig\d+\.png)\)", text):
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")


def test_a_verdict_can_be_recomputed_from_the_table_beside_the_picture(made):
    entries, folder = made
    for entry in entries:
        if entry.verdict != NOT_DRAWN:
            read = pd.read_csv(folder / f"{entry.name}.csv")
            assert tuple(entry.figure.judge(read)) == (entry.verdict, entry.found)


def test_the_same_store_gives_the_same_bytes(store, made, tmp_path):
    _, folder = made
    report(store, tmp_path)
    files = sorted(path.name for path in folder.iterdir())
    assert files
    for name in files:
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_a_figure_without_a_claim_is_shown_where_a_sweep_lists_it_and_not_judged(tmp_path):
    runs = [network("gaussian", 0, 8), null(0, 16)]
    for folder, listed in (("asked", ["survival"]), ("not", [])):
        store = write(tmp_path / f"store {folder}", runs, figures=listed)
        entries, path = report(store, tmp_path / folder, {"survival": FIGURES["survival"]})
        assert [entry.verdict for entry in entries] == [NO_CLAIM] * len(listed)
        text = path.read_text()
        assert ("![Survival functions of grid scores](survival.png)" in text) == bool(listed)
        assert "Claim" not in text


def test_hours_are_summed_over_cohorts_of_each_sweep(tmp_path):
    runs = [network("gaussian", seed, 8, train_s=1800.0) for seed in range(3)] + [null(0, 16)]
    _, path = report(write(tmp_path / "store", runs, sweep="mine"), tmp_path, {})
    assert "| mine | 4 | 4 | 0 | 0 | 1.50 |" in path.read_text()
