"""The null beside networks: maps of noise, dealt into hands as large as a network.

The best of many noise maps is a high score: of 1,024 smoothed and thresholded ones the best exceeds 0.8
almost always (spec e.10). So the best unit of a network of 256 units compares with the best of 256 maps, not
with the best of however many maps a run of the null happens to hold. The maps are independent, so they may be
dealt anew; a resampling of hands is as right for them as a resampling of networks is for networks.
"""

from collections.abc import Sequence

import numpy as np

from gridsweep.analysis.frames import Column, Frame, pd

KIND = "filtered_noise"  # the null's system.kind
HALF_WIDTH = "autocorrelogram_half_width_m"


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


def match_null(units: Frame, maps: Frame, by: Sequence[str] = ("group", "run_id")) -> Frame:
    """Returns which group of the null compares with each network, by the width of its autocorrelogram.

    Of a network counts the median over its units; of a group of networks the median over networks, so that
    a large network counts no more than a small one; of a group of the null the median over all its maps.
    Units without a width (silent ones) do not count. Band-pass noise is another control, chosen by the
    target, and no candidate. Where both tables say how, only noise that is cut as the units are is one:
    rectified for ``relu``, signed for all other activations (spec e.10).

    Args:
        units: a row a unit of the networks: autocorrelogram_half_width_m, run_id, the columns of ``by``,
            and network.activation if it is to be heeded.
        maps: a row a map of the null: autocorrelogram_half_width_m, group, and system.pass and
            system.threshold if they are to be heeded.
        by: ("group", "run_id") for a row a network, ("group",) for a row a group.

    Returns:
        The columns of ``by``, threshold (how the noise is cut; "any" if that is not heeded; a group of
        several activations may have a row for each), half_width_m, null (the group of the null; NULL where
        the networks have no width or no noise is cut so) and null_half_width_m. Of two equally near, the
        narrower one.

    Raises:
        ValueError: a table lacks a column, or there is no low-pass noise at all.
    """
    for table, columns in ((units, [HALF_WIDTH, "run_id", *by]), (maps, [HALF_WIDTH, "group"])):
        if missing := [column for column in columns if column not in table]:
            raise ValueError(f"match_null: found a table without {', '.join(missing)}")
    heeded = "network.activation" in units and "system.threshold" in maps
    candidates = _low_pass(maps, heeded)
    if candidates.empty:
        raise ValueError("match_null: found no low-pass noise that has a width, expected one group at least")
    cut = _cut_of(units["network.activation"]) if heeded else "any"
    each = list(dict.fromkeys([*by, "run_id", "threshold"]))
    networks = units.assign(threshold=cut).groupby(each, observed=True)[HALF_WIDTH].median()
    widths = networks.groupby(level=[*by, "threshold"], observed=True).median()
    matched = widths.rename("half_width_m").reset_index()
    found = [
        _nearest(candidates[candidates["threshold"] == threshold], width_m)
        for threshold, width_m in zip(matched["threshold"], matched["half_width_m"], strict=True)
    ]
    return matched.join(pd.DataFrame(found, columns=["null", "null_half_width_m"], index=matched.index))


def _low_pass(maps: Frame, heeded: bool) -> Frame:
    """Returns a row a group of low-pass noise: group, threshold, half_width_m; the narrowest first."""
    low = maps[maps["system.pass"].fillna("low") == "low"] if "system.pass" in maps else maps
    low = low.assign(threshold=low["system.threshold"] if heeded else "any")
    widths = low.groupby(["group", "threshold"], observed=True)[HALF_WIDTH].median().dropna()
    return widths.rename("half_width_m").reset_index().sort_values("half_width_m", kind="stable")


def _cut_of(activations: Column) -> Column:
    """Returns how noise is cut that compares with units of an activation."""
    return activations.astype(object).map(lambda name: "rectified" if name == "relu" else "signed")


def _nearest(candidates: Frame, width_m: float) -> tuple[object, float]:
    if candidates.empty or pd.isna(width_m):
        return None, float("nan")
    best = candidates.loc[(candidates["half_width_m"] - width_m).abs().idxmin()]
    return best["group"], float(best["half_width_m"])


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
