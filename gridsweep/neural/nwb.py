"""Recordings in Neurodata Without Borders files, such as Sargolini et al. 2006 (DANDI 000582).

Spike times are the table of units; the path is a spatial series, usually in a ``Position`` of a processing
module. Where there are several (two lights on one head), one is named or the first is taken.
"""

from pathlib import Path
from typing import Any

import numpy as np

from gridsweep.neural.recording import Recording

# How long a unit of a spatial series is, in m; ``conversion`` makes the numbers that unit.
METRES = {
    "m": 1.0, "meter": 1.0, "meters": 1.0, "metre": 1.0, "metres": 1.0,
    "cm": 0.01, "centimeter": 0.01, "centimeters": 0.01, "centimetre": 0.01, "centimetres": 0.01,
    "mm": 0.001, "millimeter": 0.001, "millimeters": 0.001,
}  # fmt: skip


def read_nwb(path: str | Path, *, series: str | None = None) -> Recording:
    """Returns the cells and the path of one file.

    Args:
        path: the file.
        series: name of the spatial series; the first by name unless given.

    Raises:
        ValueError: not such a file, no units, no two-dimensional path, or a path in unknown units.
    """
    import pynwb
    from pynwb.behavior import SpatialSeries

    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        opened: Any = pynwb.NWBHDF5IO
        io = opened(str(path), "r", load_namespaces=True)
    except (OSError, TypeError, KeyError) as error:
        raise ValueError(f"{path}: not an NWB file ({str(error).splitlines()[0]})") from error
    with io:
        file: Any = io.read()
        if file.units is None or not len(file.units):
            raise ValueError(f"{path}: holds no units, expected spike times")
        found: dict[str, Any] = {
            str(item.name): item
            for item in file.objects.values()
            if isinstance(item, SpatialSeries) and np.ndim(item.data) == 2 and np.shape(item.data)[1] == 2
        }
        if series is None and found:
            series = min(found)
        if series not in found:
            there = ", ".join(sorted(found)) or "none"
            raise ValueError(f"{path}: found no path {series or ''}; two-dimensional series there: {there}")
        return Recording(
            path.name,
            tuple(str(name) for name in file.units.id[:]),
            tuple(np.asarray(file.units.get_unit_spike_times(n), float) for n in range(len(file.units))),
            *_path(path, found[series]),
        )


def _path(path: Path, series: Any) -> tuple[np.ndarray, np.ndarray]:
    data = np.asarray(series.data[:], float)
    if series.timestamps is not None:
        time_s = np.asarray(series.timestamps[:], float)
    else:
        time_s = (series.starting_time or 0.0) + np.arange(len(data)) / series.rate
    unit = str(series.unit).strip().lower()
    if unit not in METRES:
        raise ValueError(
            f"{path}: the path {series.name} is in {series.unit!r}, expected one of {', '.join(METRES)}"
        )
    return time_s, data * (series.conversion or 1.0) * METRES[unit]
