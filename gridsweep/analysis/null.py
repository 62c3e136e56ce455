"""The null beside networks: maps of noise, dealt into hands as large as a network.

The best of many noise maps is a high score: of 1,024 smoothed and thresholded ones the best exceeds 0.8
almost always (spec e.10). So the best unit of a network of 256 units compares with the best of 256 maps, not
with the best of however many maps a run of the null happens to hold. The maps are independent, so they may be
dealt anew; a resampling of hands is as right for them as a resampling of networks is for networks.
"""

import numpy as np

from gridsweep.analysis.frames import Column, Frame, pd

KIND = "filtered_noise"  # the null's system.kind


def deal_null(maps: Frame, hand: int) -> Frame:
    """Returns the null's rows with a new run_id for each ``hand`` of them, within each group.

    Maps that are left over make a last, smaller hand, so that none is lost to the curve over units; whoever
    compares the best of a hand leaves it out (``whole_hands``).

    Args:
        maps: a row a map, with group, run_id and unit.
        hand: how many maps stand for one network.
    """
    if hand < 1:
        raise ValueError(f"deal_null: found a hand of {hand} maps, expected at least 1")
    ordered = maps.sort_values(["group", "run_id", "unit"], kind="stable", ignore_index=True)
    place = ordered.groupby("group", observed=True).cumcount().to_numpy()
    hand_of = place // hand
    # Padded, so that the order of the names is the order of the hands.
    names = [f"null {number:06d}" for number in range(hand_of.max(initial=-1) + 1)]
    ordered["run_id"] = pd.Categorical.from_codes(hand_of, names)
    return ordered


def whole_hands(networks: Frame, hand: int) -> Frame:
    """Returns the hands that hold as many maps as were asked for; all of them where none does."""
    whole = networks["units"] >= hand
    return networks[whole] if whole.any() else networks


def name_null(settings: Column) -> str:
    """Returns what a run of the null is, in words: ``null: low-pass noise, 2 bins, rectified``."""
    known = settings.dropna()
    if known.get("system.pass") == "band":
        words = ["null: band-pass noise", _with_unit(known, "system.band_frequency_per_m", "per m")]
    else:
        words = ["null: low-pass noise", _with_unit(known, "system.smoothing_bins", "bins")]
    return ", ".join(filter(None, [*words, known.get("system.threshold")]))


def hand_size(units: Column) -> int:
    """Returns how many maps stand for a network: the median of the networks' numbers of units."""
    return max(1, int(np.median(units)))


def _with_unit(settings: Column, column: str, unit: str) -> str:
    return f"{settings[column]:g} {unit}" if column in settings else ""
