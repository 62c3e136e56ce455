"""What the page can filter and group by: every setting in which the store's networks differ."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from gridsweep.analysis.frames import Column, Frame, pd
from gridsweep.analysis.groups import NONE
from gridsweep.figures.style import MOST_GROUPS
from gridsweep.figures.words import group_words

MOST_WORDS = 40  # values that are listed one by one; more numbers than that become a range


def encoded(values: np.ndarray) -> str:
    """Returns an array's bytes, little-endian, as text."""
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return base64.b64encode(np.ascontiguousarray(little).tobytes()).decode("ascii")


def varied_settings(runs: Frame, memberships: Column) -> tuple[list[dict[str, Any]], list[str]]:
    """Returns the settings that differ, and the names of those that the page has no filter for.

    Args:
        runs: a row a run in the order of the page: seed and every column of configuration.
        memberships: of each run its sweeps, in words.

    Returns:
        Each setting as the page reads it: name, label; with ``values`` (words) and ``codes`` (a byte a run),
        or with ``numbers`` (float32, NaN where a run has no such setting). ``groups`` says whether curves can
        be drawn for each value. Words of many values are the ones left out; a setting that equals another
        everywhere, as the seeds of streams equal the seed, is not repeated.
    """
    found, left_out, seen = [], [], []
    columns = {"sweep": memberships} | {
        name: runs[name] for name in ["seed", *sorted(name for name in runs if "." in name)] if name in runs
    }
    for name, column in columns.items():
        values = column.astype(object)
        distinct = list(pd.unique(values.dropna()))
        if len(distinct) + bool(values.isna().any()) < 2 or any(values.equals(other) for other in seen):
            continue
        seen.append(values)
        if len(distinct) <= MOST_WORDS:
            found.append(_in_words(name, values, distinct))
        elif all(isinstance(value, int | float) for value in distinct):
            numbers = values.map(float, na_action="ignore").to_numpy("float32", na_value=np.nan)
            found.append({"name": name, "label": label_of(name), "numbers": encoded(numbers)})
        else:
            left_out.append(name)
    return found, left_out


def label_of(name: str) -> str:
    """Returns what a column is called: ``target.field_width_m`` is ``target: field width (m)``."""
    family, _, stem = name.rpartition(".")
    words = stem
    for ending, unit in (("_per_m", "per m"), ("_cm", "cm"), ("_m", "m"), ("_s", "s"), ("_bins", "bins")):
        if stem.endswith(ending):
            words = f"{stem.removesuffix(ending)} ({unit})"
            break
    words = words.replace("_", " ")
    return f"{family}: {words}" if family else words


def _in_words(name: str, values: Column, distinct: Sequence[Any]) -> dict[str, Any]:
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in distinct)
    ordered = sorted(distinct, key=(lambda value: value) if numeric else str)
    codes = {value: code for code, value in enumerate(ordered)}
    none = len(ordered)
    code_of = values.map(lambda value: none if pd.isna(value) else codes[value]).to_numpy(np.uint8)
    words = [_spelled(name, value) for value in ordered]
    words += [NONE] if values.isna().any() else []
    return {
        "name": name,
        "label": label_of(name),
        "values": words,
        "numeric": numeric,
        "groups": len(words) <= MOST_GROUPS,
        "codes": encoded(code_of),
    }


def _spelled(name: str, value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return group_words([name], [value]) if name.endswith(".kind") else str(value)
