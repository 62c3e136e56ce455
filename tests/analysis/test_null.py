import numpy as np
import pandas as pd
import pytest

from gridsweep.analysis.null import deal_null, match_null, name_null, whole_hands
from gridsweep.analysis.survival import survival


def maps(runs, units, group="null"):
    return pd.DataFrame(
        {
            "run_id": np.repeat([f"run {i}" for i in range(runs)], units),
            "unit": np.tile(np.arange(units), runs),
            "grid_score_60": np.random.default_rng(0).normal(size=runs * units),
            "silent": False,
            "group": group,
        }
    )


def test_maps_are_dealt_into_hands_and_none_is_lost():
    dealt = deal_null(maps(3, 10), 4)
    assert dealt.groupby("run_id", observed=True).size().tolist() == [4, 4, 4, 4, 4, 4, 4, 2]
    assert sorted(dealt["grid_score_60"]) == sorted(maps(3, 10)["grid_score_60"])


def test_dealing_does_not_depend_on_the_order_of_rows():
    dealt = deal_null(maps(3, 10).sample(frac=1, random_state=1), 4)
    pd.testing.assert_frame_equal(dealt, deal_null(maps(3, 10), 4))


def test_each_group_of_the_null_is_dealt_by_itself():
    dealt = deal_null(pd.concat([maps(1, 6, "a"), maps(1, 6, "b")]), 4)
    assert dealt.groupby(["group", "run_id"], observed=True).size().tolist() == [4, 2, 4, 2]


def test_a_smaller_last_hand_is_not_compared_with_networks():
    networks = survival(deal_null(maps(3, 10), 4)).networks
    assert whole_hands(networks, 4)["units"].tolist() == [4] * 7
    assert len(whole_hands(networks, 4096)) == len(networks)


def test_a_hand_needs_a_map():
    with pytest.raises(ValueError, match="a hand of 0 maps"):
        deal_null(maps(1, 2), 0)


def test_the_null_is_named_by_its_filter_and_threshold():
    low = pd.Series({"system.smoothing_bins": 2.0, "system.threshold": "rectified"})
    band = pd.Series(
        {"system.pass": "band", "system.band_frequency_per_m": 1.5, "system.threshold": "signed"}
    )
    assert name_null(low) == "null: low-pass noise, 2 bins, rectified"
    assert name_null(band) == "null: band-pass noise, 1.5 per m, signed"


def with_widths(widths_m, **columns):
    """Three units or maps of each width, around it."""
    rows = [
        {"group": group, "run_id": f"{group} {number}", "autocorrelogram_half_width_m": width_m * factor}
        | {name: values[group] for name, values in columns.items()}
        for group, of_runs in widths_m.items()
        for number, width_m in enumerate(of_runs)
        for factor in (0.5, 1.0, 5.0)  # the mean is not the median
    ]
    return pd.DataFrame(rows)


NOISE = {"2 bins": [0.125, 0.125], "3 bins": [0.25, 0.25], "4 bins": [0.375, 0.375]}


def test_each_network_gets_the_noise_whose_autocorrelogram_is_as_wide():
    networks = with_widths({"narrow": [0.08, 0.26], "wide": [0.9]})
    found = match_null(networks, with_widths(NOISE)).set_index("run_id")
    assert found["null"].to_dict() == {"narrow 0": "2 bins", "narrow 1": "3 bins", "wide 0": "4 bins"}
    assert found["half_width_m"].tolist() == pytest.approx([0.08, 0.26, 0.9])
    assert found["null_half_width_m"].tolist() == pytest.approx([0.125, 0.25, 0.375])


def test_a_group_gets_the_noise_of_its_median_network_however_many_units_each_has():
    networks = with_widths({"a": [0.1, 0.36, 0.35]})
    many = pd.concat([networks[networks["run_id"] == "a 0"]] * 50 + [networks])
    assert match_null(many, with_widths(NOISE), by=("group",))["null"].tolist() == ["4 bins"]


def test_noise_is_cut_as_the_units_are_where_the_tables_say_how():
    networks = with_widths({"a": [0.25], "b": [0.25]}, **{"network.activation": {"a": "relu", "b": "tanh"}})
    cut = {"2 bins": "rectified", "3 bins": "signed", "4 bins": "rectified"}
    found = match_null(networks, with_widths(NOISE, **{"system.threshold": cut}))
    assert found["null"].tolist() == ["2 bins", "3 bins"]  # of two equally near, the narrower
    assert found["threshold"].tolist() == ["rectified", "signed"]
    only = with_widths(NOISE, **{"system.threshold": dict.fromkeys(cut, "rectified")})
    assert match_null(networks, only)["null"].fillna("none").tolist() == ["3 bins", "none"]


def test_band_pass_noise_is_no_candidate_and_units_without_a_width_do_not_count():
    networks = with_widths({"a": [0.25]})
    quiet = networks.assign(autocorrelogram_half_width_m=np.nan)  # beside the others, and a network of them
    passes = {"2 bins": None, "3 bins": "band", "4 bins": "low"}
    noise = with_widths(NOISE, **{"system.pass": passes})
    found = match_null(pd.concat([networks, quiet, quiet, quiet.assign(run_id="a 1")]), noise)
    assert found["null"].fillna("none").tolist() == ["2 bins", "none"]
    with pytest.raises(ValueError, match="no low-pass noise"):
        match_null(networks, with_widths(NOISE, **{"system.pass": dict.fromkeys(NOISE, "band")}))
    with pytest.raises(ValueError, match="without autocorrelogram_half_width_m"):
        match_null(networks.drop(columns="autocorrelogram_half_width_m"), noise)
