"""Recordings in NumPy archives: a path, and the spike times of each cell.

``t`` (s), ``x`` and ``y`` (m) are the path, as in the archives of Gardner et al. 2022. Each array whose name
begins with ``spikes`` is one cell: its spike times (s).

The released archives hold the cells of a module as one dictionary (``spikes_mod1``), which NumPy keeps as a
pickle. Opening a pickle runs what is in it, so none is opened here; the refusal says how to write the cells
as arrays.

Source: spec other_systems 7.4; the names as programs that read the release use them.
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from gridsweep.neural.recording import Recording

PATH, SPIKES = ("t", "x", "y"), "spikes"


def read_npz(path: str | Path) -> Recording:
    """Returns the path and the cells of one archive.

    Raises:
        ValueError: not such a file, an array is missing, of another shape, or no array of numbers.
    """
    path = Path(path)
    with _opened(path) as archive:
        cells = sorted(name for name in archive if name.startswith(SPIKES))
        missing = [name for name in PATH if name not in archive] or ([] if cells else [f"{SPIKES}…"])
        if missing:
            there = ", ".join(archive) or "nothing"
            raise ValueError(f"{path}: has no array {', '.join(missing)}; it holds {there}")
        held = {name: _numbers(path, archive, name) for name in (*PATH, *cells)}
    time_s, x_m, y_m = (held[name] for name in PATH)
    if not time_s.shape == x_m.shape == y_m.shape:
        shapes = ", ".join(f"{name} {held[name].shape}" for name in PATH)
        raise ValueError(f"{path}: found {shapes}, expected one number a frame in each")
    spike_s = tuple(np.sort(held[name]) for name in cells)
    return Recording(path.name, tuple(cells), spike_s, time_s, np.stack([x_m, y_m], axis=1))


def _opened(path: Path) -> Any:
    try:
        archive = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise ValueError(f"{path}: no such file") from error
    except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
        raise ValueError(f"{path}: not an archive of arrays") from error
    if isinstance(archive, np.ndarray):
        raise ValueError(f"{path}: a single array, expected an archive with {', '.join(PATH)} and {SPIKES}…")
    return archive


def _numbers(path: Path, archive: Any, name: str) -> np.ndarray:
    """Returns an array of an archive as numbers, along one axis."""
    try:
        return np.asarray(archive[name], float).ravel()
    except ValueError as error:  # of an array of objects, or of text
        raise ValueError(
            f"{path}: {name} is no array of numbers. Cells that are released as a dictionary are a pickle, "
            "which is not opened here. If you trust the file, write its cells as arrays, once:\n"
            f'  held = numpy.load("{path.name}", allow_pickle=True)\n'
            f'  cells = {{f"{name} {{cell}}": times for cell, times in held["{name}"].item().items()}}\n'
            '  numpy.savez("cells.npz", t=held["t"], x=held["x"], y=held["y"], **cells)'
        ) from error
