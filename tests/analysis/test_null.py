import numpy as np
import pandas as pd
import pytest

from gridsweep.analysis.null import deal_null, name_null, whole_hands
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
