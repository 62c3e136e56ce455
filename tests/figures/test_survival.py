import itertools
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import gridsweep.figures
from gridsweep.analysis import select_units
from gridsweep.analysis.survival import fractions_above
from gridsweep.analysis.survival import survival as rank
from gridsweep.figures import FIGURES, save, survival
from gridsweep.figures.style import house_style
from tests.analysis.simulated import network, null, quickstart_runs, write

NULL = "null: low-pass noise, 2 bins, rectified"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write(tmp_path_factory.mktemp("survival") / "store", quickstart_runs())


@pytest.fixture(scope="module")
def drawn(store):
    return survival(store, draws=200)


def texts(drawn):
    return " ".join(text.get_text() for text in drawn.figure.texts)


def rows(data, what):
    return data[data["what"] == what].reset_index(drop=True)


def test_the_figure_is_the_function_and_its_command_has_its_name():
    from gridsweep.figures.survival import survival as from_module

    assert gridsweep.figures.survival is from_module
    assert FIGURES["survival"].title == "Survival functions of grid scores"


def test_matplotlib_is_imported_only_when_something_is_drawn():
    code = "import sys, gridsweep.figures; sys.exit(bool({'matplotlib', 'jax'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_table_holds_what_the_analysis_returns(store, drawn):
    table = select_units(store).beside_null()
    curves = rank(table, draws=200).curves
    written = rows(drawn.data, "units above")
    largest = table[~table["silent"]].groupby("group", observed=True)["grid_score_60"].max()
    for group in largest.index:
        found = written[written["group"] == group]
        right = curves[(curves["group"] == group) & (curves["threshold"] <= largest[group])]
        for column in ("threshold", "fraction", "low", "high"):
            np.testing.assert_array_equal(found[column], right[column])
        assert found["threshold"].iloc[-1] == largest[group]
        assert found["fraction"].iloc[-1] == 0.0
    shares = fractions_above(table, (0.8, 1.15), draws=200)
    np.testing.assert_array_equal(rows(drawn.data, "units above criterion")["low"], shares["low"])


def test_what_is_drawn_is_what_the_table_holds(drawn):
    written = rows(drawn.data, "units above")
    for axes in (drawn.axes["linear"], drawn.axes["log"]):
        lines = {line.get_label(): line for line in axes.lines}
        for label, curve in written.groupby("label"):
            np.testing.assert_array_equal(lines[label].get_xdata(), curve["threshold"])
            np.testing.assert_array_equal(lines[label].get_ydata()[:-1], curve["fraction"].to_numpy()[:-1])
    # On the logarithmic axis the curve ends at one over the number of units.
    line = next(line for line in drawn.axes["log"].lines if line.get_label() == "Gaussian")
    assert line.get_ydata()[-1] == pytest.approx(1 / 768)
    best = rows(drawn.data, "best unit")
    dots = np.concatenate([line.get_xdata() for line in drawn.axes["best"].lines if line.get_marker() == "o"])
    np.testing.assert_array_equal(np.sort(dots), np.sort(best["threshold"]))
    assert best.groupby("group").size().to_dict() == {"difference_of_softmaxes": 3, "gaussian": 3, NULL: 12}


def test_the_table_and_the_image_say_which_units_these_are(store, drawn):
    assert set(drawn.data["snapshot_id"]) == {store.snapshot_id()}
    assert set(drawn.data["filter"]) == {"44 bins, evaluation corrected"}
    counts = drawn.data.drop_duplicates("group").set_index("group")[["networks", "units"]]
    assert counts.loc["gaussian"].tolist() == [3, 768]
    said = texts(drawn).replace("\u00a0", " ")
    for words in (
        "44 bins, evaluation corrected.",
        "9 runs planned, 9 completed.",
        "units count as never exceeding",
        f"snapshot {store.snapshot_id()}",
        "3 networks, 768 units, error 6.9 cm",
        "2 bins, rectified, 3,072 maps",
        "from 3 networks hardly more than their range",
        "null: of each 256 maps",
    ):
        assert words in said


def test_silent_units_are_counted_and_named(store, drawn):
    silent = int(store.units(columns=["silent"])["silent"].sum())
    assert silent > 0
    assert f"Silent ({silent}) and unscored (0) units" in texts(drawn)
    assert drawn.data.drop_duplicates("group")["silent"].sum() == silent


def test_the_null_is_in_whatever_is_asked(store):
    found = survival(store, where="\"target.kind\" = 'gaussian'", max_position_error_cm=6.85, draws=20)
    assert found.data["group"].unique().tolist() == ["gaussian", NULL]
    assert "a single network has none" in texts(found)
    assert "no range" in texts(found)


def test_without_a_null_the_image_says_so(tmp_path):
    found = survival(write(tmp_path / "store", [network("gaussian", s, 16) for s in range(2)]), draws=20)
    assert "No null: the store has no filtered_noise run scored on 44 bins." in texts(found)


def test_an_empty_filter_says_what_there_is(store):
    with pytest.raises(ValueError, match=r"target\.kind: difference_of_softmaxes \(3\), gaussian \(3\)"):
        survival(store, max_position_error_cm=0.1)


def test_groups_without_the_setting_have_a_name(store):
    found = survival(store, by="target.surround_ratio", draws=20)
    assert found.data["label"].unique().tolist() == ["surround ratio 2", "no surround ratio", NULL]


def test_a_selection_is_drawn_as_it_is(store):
    selection = select_units(store, "grid_score_90", "seed")
    found = survival(selection, draws=20)
    assert found.axes["linear"].get_xlabel() == "grid score (90°)"
    assert found.data["label"].unique().tolist() == ["seed 0", "seed 1", "seed 2", NULL]


def test_a_curve_for_each_network(store):
    found = survival(store, each_network=True, draws=20)
    alone = rows(found.data, "units above, one network")
    assert alone["run_id"].nunique() == 6
    stored = store.units(columns=["run_id", "grid_score_60", "silent"])
    for run_id, curve in alone.groupby("run_id"):
        own = stored[(stored["run_id"] == run_id) & ~stored["silent"]]["grid_score_60"]
        assert curve["threshold"].max() == own.max()
        above = [(own > t).sum() / 256 for t in curve["threshold"]]
        np.testing.assert_allclose(curve["fraction"], above, atol=1e-12)


def test_curves_can_be_drawn_into_axes_of_ones_own(store):
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.add_subplot()
    axes.set_yscale("log")
    found = survival(store, axes=axes, draws=20)
    assert found.figure is figure
    assert found.axes == {"curves": axes}
    assert {"Gaussian", NULL} <= {line.get_label() for line in axes.lines}


@pytest.mark.parametrize("size", ["single", "double", "slide"])
def test_no_words_overlap_or_leave_the_page(store, size):
    by = ["target.kind", "target.surround_ratio", "network.activation"]
    found = survival(store, by=by, size=size, draws=20)
    found.figure.set_dpi(200)
    with house_style():
        found.figure.draw_without_rendering()
        boxes = {text: text.get_window_extent() for text in words_of(found)}
    page = found.figure.bbox
    for text, box in boxes.items():
        inside = min(box.x0, box.y0, page.x1 - box.x1, page.y1 - box.y1)
        assert inside >= 0, text.get_text()
    for one, other in itertools.combinations(boxes, 2):
        a, b = boxes[one], boxes[other]
        if a.x0 < b.x1 and b.x0 < a.x1:
            # Lines of text may touch: a part of a letter's box is air.
            overlap = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert overlap < 0.25 * min(a.height, b.height), (one.get_text(), other.get_text())


def words_of(drawn):
    texts = list(drawn.figure.texts)
    for axes in drawn.axes.values():
        texts += [*axes.texts, axes.xaxis.label, axes.yaxis.label]
        ticks = [*axes.get_xticklabels(), *axes.get_yticklabels()]
        texts += [tick for tick in ticks if _is_seen(axes, tick)]
    return [text for text in texts if text.get_text()]


def _is_seen(axes, tick):
    """Axes also make labels for places beyond their ends, which are not drawn."""
    x, y = axes.transLimits.transform(axes.transScale.transform(tick.get_position()))
    return -1e-6 <= x <= 1 + 1e-6 and -1e-6 <= y <= 1 + 1e-6


def test_many_networks_groups_and_nulls_are_drawn(tmp_path):
    widths = np.linspace(0.08, 0.28, 12).round(2).tolist()
    runs = [network("gaussian", 0, 8, **{"target.field_width_m": width}) for width in widths]
    runs += [network("gaussian", seed, 8) for seed in range(1, 45)]
    runs += [null(0, 64, width) for width in (2.0, 3.0, 4.0)]
    found = survival(write(tmp_path / "store", runs), by="target.field_width_m", draws=20)
    assert found.data["group"].nunique() == 15
    assert rows(found.data, "best unit").groupby("group").size()["0.12"] == 45


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"style": "kernel"}, "found the style 'kernel', expected empirical or published"),
        ({"size": "poster"}, "found the size 'poster', expected single or double or slide"),
        ({"score": "ring_60_inner"}, "found the score 'ring_60_inner', expected grid_score_60 or"),
    ],
)
def test_wrong_choices_are_named(store, arguments, message):
    with pytest.raises(ValueError, match=message):
        survival(store, **arguments)


def test_the_published_style_is_smoothed_and_says_so(store):
    found = survival(store, style="published", draws=20)
    curves = rows(found.data, "units above, smoothed")
    assert curves.groupby("group").size().unique().tolist() == [200]
    assert "beyond the largest score they are the kernel's" in texts(found)


def test_the_same_figure_is_the_same_bytes_in_every_process(store, tmp_path):
    code = (
        "import sys; from gridsweep.figures import save, survival; from gridsweep.store import open_store\n"
        "save(survival(open_store(sys.argv[1]), draws=50), sys.argv[2], 'survival')"
    )
    # Another order of sets, another matplotlibrc: neither may show.
    (tmp_path / "matplotlibrc").write_text("font.size: 20\naxes.facecolor: red\npdf.fonttype: 3\n")
    for name, settings in {
        "one": {"PYTHONHASHSEED": "1"},
        "two": {"PYTHONHASHSEED": "2", "MATPLOTLIBRC": str(tmp_path / "matplotlibrc")},
    }.items():
        command = [sys.executable, "-W", "error", "-c", code, str(store.path), str(tmp_path / name)]
        subprocess.run(command, check=True, env=os.environ | settings)
    for ending in ("pdf", "png", "csv"):
        first, second = ((tmp_path / name / f"survival.{ending}").read_bytes() for name in ("one", "two"))
        assert first == second, ending


def test_the_csv_reads_back_as_the_table(drawn, tmp_path):
    *_, csv = save(drawn, tmp_path, "survival")
    read = pd.read_csv(csv, dtype={"snapshot_id": str})
    for column in drawn.data:
        is_number = pd.api.types.is_numeric_dtype(drawn.data[column])
        found = read[column].to_numpy(float) if is_number else read[column].fillna("").tolist()
        right = drawn.data[column].to_numpy(float) if is_number else drawn.data[column].fillna("").tolist()
        np.testing.assert_array_equal(found, right, column)
