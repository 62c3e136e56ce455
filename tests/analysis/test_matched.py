import numpy as np
import pytest

from gridsweep.analysis import select_units
from gridsweep.analysis.matched import select_matched
from gridsweep.figures import FIGURES, Ask
from tests.analysis.simulated import network, null, write
from tests.commands import gridsweep

NARROW, WIDE = (f"null: low-pass noise, {bins} bins, rectified" for bins in (2, 4))


def runs(**widths_m):
    """Two targets, and noise of four kinds: narrow and wide, rectified and signed."""
    made = [
        network(target, seed, 24, _half_width_m=width_m)
        for target, width_m in widths_m.items()
        for seed in range(3)
    ]
    return made + [
        null(0, 48, bins, threshold) | {"_half_width_m": 0.05 * bins}
        for bins in (2, 4)
        for threshold in ("rectified", "signed")
    ]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    made = runs(gaussian=0.11, difference_of_softmaxes=0.23)
    return write(tmp_path_factory.mktemp("matched") / "store", made)


def test_of_all_nulls_those_stay_that_are_as_wide_as_a_group_and_cut_as_its_units(store):
    found = select_matched(store, "grid_score_60", "target.kind")
    assert list(found.groups.loc[found.groups["null"], "group"]) == [NARROW, WIDE]
    assert set(found.table.loc[found.table["null"], "group"]) == {NARROW, WIDE}
    assert "gaussian (0.11 m): low-pass noise, 2 bins, rectified (0.1 m)" in found.notes[-1]
    assert "difference_of_softmaxes (0.23 m): low-pass noise, 4 bins" in found.notes[-1]
    whole = select_units(store, "grid_score_60", "target.kind")
    mine, theirs = (one.table[~one.table["null"]] for one in (found, whole))
    np.testing.assert_array_equal(mine["grid_score_60"], theirs["grid_score_60"])
    assert found.denominators == whole.denominators


def test_a_filter_that_leaves_one_group_leaves_its_null(store):
    found = select_matched(store, "grid_score_90", "target.kind", where="\"target.kind\" = 'gaussian'")
    assert list(found.groups["group"]) == ["gaussian", NARROW]


def test_figures_draw_the_matched_null_and_say_so(store, tmp_path):
    drawn = FIGURES["survival"](store, Ask(null="matched", draws=50))
    nulls = {name for name in drawn.data["group"] if name.startswith("null")}
    assert nulls == {NARROW, WIDE}
    assert "Null matched by the half width" in " ".join(text.get_text() for text in drawn.figure.texts)
    panels = FIGURES["fig5"](store, Ask(null="matched", draws=50))
    assert {name for name in panels.data["group"] if name.startswith("null")} == {NARROW}
    asked = gridsweep("figure", "survival", "--store", store.path, "--null", "nearest", "--out", tmp_path)
    assert asked.exit_code == 2
    assert "expected all or matched" in asked.output


def test_what_cannot_be_matched_is_said(tmp_path):
    bare = write(tmp_path / "bare", [network("gaussian", 0, 8), null(0, 16)])
    with pytest.raises(ValueError, match="no unit has an autocorrelogram_half_width_m"):
        select_matched(bare, "grid_score_60", "target.kind")
    signed = [network("gaussian", 0, 8, _half_width_m=0.1)]
    signed.append(null(0, 16, 2.0, "signed") | {"_half_width_m": 0.1})
    with pytest.raises(ValueError, match="no noise is cut as"):
        select_matched(write(tmp_path / "signed", signed), "grid_score_60", "target.kind")
    alone = write(tmp_path / "alone", [network("gaussian", 0, 8)])
    assert not select_matched(alone, "grid_score_60", "target.kind").groups["null"].any()
