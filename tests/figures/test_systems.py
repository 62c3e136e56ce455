"""Every system of a store is drawn, beside the same null, and split by what its claim turns on."""

import numpy as np
import pytest

from gridsweep.figures import FIGURES, Ask
from gridsweep.figures.style import house_style
from tests.analysis.simulated import network, null, write

NONE = {"network.kind": None, "target.kind": None, "network.activation": None, "network.units": None}


def simulated(kind, seed, **settings):
    return network("gaussian", seed, 24, **{"system.kind": kind} | NONE | settings)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    runs = [network(target, s, 24) for target in ("gaussian", "difference_of_softmaxes") for s in range(2)]
    runs += [network("gaussian", 0, 24, **{"network.kind": "noisy_rate", "arena.kind": "triangle"})]
    runs += [
        simulated("attractor", seed, **{"system.motion": motion, "system.neurons_per_side": 64})
        for seed, motion in enumerate(("walk", "walk", "rest"))
    ]
    runs += [
        simulated("conformal_isometry", 0, **{"system.isometry_weight": w, "system.kernel_weight": 0.0})
        for w in (0.0, 4e4)
    ]
    runs += [simulated("of_tomorrow", 0)]
    runs += [null(0, 96, 3.0) | {"system.pass": "low"}, null(0, 96, 5.0) | {"system.pass": "low"}]
    return write(tmp_path_factory.mktemp("systems") / "store", runs)


@pytest.fixture(scope="module")
def drawn(store):
    return FIGURES["systems"](store, Ask(draws=20))


def test_each_system_has_a_panel_and_so_has_each_network_of_the_path_integrator(drawn):
    assert set(drawn.axes) == {"attractor", "conformal_isometry", "noisy_rate", "of_tomorrow", "rnn"}
    titles = {text.get_text() for text in drawn.figure.texts}
    assert {"attractor", "path integrator: RNN", "path integrator: noisy rate", "of tomorrow"} <= titles


def test_every_panel_has_the_one_null_and_its_own_curves(drawn):
    curves = drawn.data[drawn.data["what"] == "units above"]
    groups = {name: list(dict.fromkeys(rows["label"])) for name, rows in curves.groupby("panel")}
    for name, found in groups.items():
        assert found.pop() == "null: low-pass noise, 3 bins, rectified", name
    assert groups["rnn"] == ["difference of softmaxes", "Gaussian"]
    assert groups["attractor"] == ["neurons per side 64"]
    assert len(groups["conformal_isometry"]) == 2
    assert groups["of_tomorrow"] == ["of tomorrow"]
    for name, rows in curves.groupby("panel"):
        lines = {line.get_label(): line for line in drawn.axes[name].lines}
        for label, curve in rows.groupby("label"):
            np.testing.assert_array_equal(lines[label].get_xdata(), curve["threshold"])


def test_what_is_no_walk_is_not_among_the_walkers(drawn):
    assert set(drawn.data[drawn.data["group"] == "64"]["networks"]) == {2}


def test_words_stay_on_the_page_and_say_how_many(drawn):
    with house_style():
        drawn.figure.draw_without_rendering()
        for text in drawn.figure.texts:
            box, page = text.get_window_extent(), drawn.figure.bbox
            inside = min(box.x0, box.y0, page.x1 - box.x1, page.y1 - box.y1)
            assert inside >= -0.5 or not text.get_text(), text.get_text()
    said = " ".join(text.get_text() for text in drawn.figure.texts).replace("\u00a0", " ")
    assert "triangle: 1 network, 24 units" in said
    assert "shifted copies of one map: count networks" in " ".join(said.split())
    assert "13 runs planned, 13 completed" in said


def test_groups_and_score_may_be_chosen(store):
    found = FIGURES["systems"](store, Ask(draws=20, by="seed", score="grid_score_90"))
    assert set(found.data["score"]) == {"grid_score_90"}
    curves = found.data[(found.data["what"] == "units above") & (found.data["panel"] == "rnn")]
    assert set(curves["group"]) == {"0", "1", "null: low-pass noise, 3 bins, rectified"}
