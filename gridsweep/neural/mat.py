"""Recordings as the Kavli Institute released them: one MATLAB file for the path, one for each cell.

``<rat>-<session>_POS.mat`` holds ``post`` (s), ``posx`` and ``posy`` (cm), and ``posx2``, ``posy2`` where a
second light was tracked: the animal is then halfway between. ``<rat>-<session>_T<t>C<c>.mat`` beside it
holds ``cellTS`` (s). Files of MATLAB 7.3 are HDF5, and read as that.

Source: spec other_systems 7.4.
"""

import re
from pathlib import Path

import numpy as np

from gridsweep.neural.recording import Recording

CM_TO_M = 0.01
_CELL = re.compile(r"_T(\d+)C(\d+)$")


def read_mat(path: str | Path) -> Recording:
    """Returns the session whose ``…_POS.mat`` is given, with all cells beside it.

    Raises:
        ValueError: not such a file, a variable is missing, or there is no cell beside it.
    """
    path = Path(path)
    if not path.stem.endswith("_POS"):
        raise ValueError(f"{path}: expected a file that is named <rat>-<session>_POS.mat")
    session = path.stem.removesuffix("_POS")
    held = _load(path)
    time_s = _variable(path, held, "post")
    lights = [("posx", "posy")]
    if np.size(held.get("posx2", ())) and np.size(held.get("posy2", ())):
        lights.append(("posx2", "posy2"))
    seen = [np.stack([_variable(path, held, name) for name in pair], axis=1) for pair in lights]
    both = np.stack(seen)
    known = np.isfinite(both)
    number = known.sum(axis=0)
    position_cm = np.where(number > 0, np.where(known, both, 0.0).sum(axis=0) / np.maximum(number, 1), np.nan)
    files = sorted(
        (found for found in path.parent.glob(f"{session}_T*C*.mat") if _CELL.search(found.stem)),
        key=lambda file: [int(digits) for digits in _numbers(file)],
    )
    if not files:
        raise ValueError(f"{path}: no cell beside it, expected {session}_T<t>C<c>.mat")
    return Recording(
        session,
        tuple("T{}C{}".format(*_numbers(file)) for file in files),
        tuple(np.sort(_variable(file, _load(file), "cellTS")) for file in files),
        time_s,
        position_cm * CM_TO_M,
    )


def _numbers(file: Path) -> tuple[str, str]:
    found = _CELL.search(file.stem)
    assert found is not None
    return found[1], found[2]


def _load(path: Path) -> dict[str, np.ndarray]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        return loadmat(path)
    except FileNotFoundError as error:
        raise ValueError(f"{path}: no such file") from error
    except NotImplementedError:  # how scipy says that the file is of MATLAB 7.3
        return _load_hdf5(path)
    except (MatReadError, ValueError, OSError, TypeError) as error:
        raise ValueError(f"{path}: not a MATLAB file ({error})") from error


def _load_hdf5(path: Path) -> dict[str, np.ndarray]:
    """Returns the plain variables of a MATLAB 7.3 file; structures and cell arrays are left out."""
    import h5py

    try:
        with h5py.File(path) as file:
            return {name: held[()] for name, held in file.items() if isinstance(held, h5py.Dataset)}
    except OSError as error:
        raise ValueError(f"{path}: not a MATLAB file ({error})") from error


def _variable(path: Path, held: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in held:
        there = ", ".join(key for key in held if not key.startswith("__")) or "nothing"
        raise ValueError(f"{path}: has no variable {name!r}; it holds {there}")
    return np.asarray(held[name], float).ravel()
