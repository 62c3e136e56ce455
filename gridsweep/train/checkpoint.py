"""Checkpoints of a cohort in training: Orbax writes the arrays, a manifest written last vouches for them.

A checkpoint is never trusted: its manifest names every file with its sha256, every array with shape,
dtype and sha256, and the runs it belongs to. One that is torn, foreign or altered is ignored with a
warning, and the cohort starts again; a restored cohort continues bit for bit as if it had never stopped.
Files are checked before Orbax sees them: reading a torn one leaves its threads in disorder.
"""

import hashlib
import json
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gridsweep.train.cohort import CohortTraining

MANIFEST = "manifest.json"


class BadCheckpoint(UserWarning):
    """A checkpoint that was found and not used."""


def save_checkpoint(training: CohortTraining, folder: Path) -> None:
    """Writes the state of a cohort under ``folder/<updates>``, then removes older ones."""
    import orbax.checkpoint as ocp

    target = folder / f"{training.done_updates:012d}"
    if (target / MANIFEST).exists():
        return
    shutil.rmtree(target, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = _arrays(training)
    with ocp.PyTreeCheckpointer() as checkpointer:
        checkpointer.save((target / "arrays").absolute(), arrays)
    manifest = {
        "runs": [run.run_id for run in training.runs],
        "micro_batch": training.micro_batch,
        "done_updates": training.done_updates,
        "train_s": training.train_s,
        "history": training.history,
        "arrays": {name: _fingerprint(array) for name, array in arrays.items()},
        "files": _files(target / "arrays"),
    }
    staged = target / f"{MANIFEST}.part"
    with staged.open("w") as file:
        json.dump(manifest, file)
        file.flush()
        os.fsync(file.fileno())
    staged.rename(target / MANIFEST)
    for older in folder.iterdir():
        if older != target:
            shutil.rmtree(older, ignore_errors=True)


def restore_checkpoint(training: CohortTraining, folder: Path) -> bool:
    """Continues a cohort from its newest sound checkpoint. Returns whether there was one."""
    for candidate in sorted(folder.glob("[0-9]*"), reverse=True) if folder.is_dir() else []:
        try:
            _restore(training, candidate)
        except Exception as error:  # damage can show itself anywhere, in libraries too
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
            warnings.warn(f"checkpoint {candidate.name} is not used: {reason}", BadCheckpoint, stacklevel=2)
        else:
            return True
    return False


def _restore(training: CohortTraining, folder: Path) -> None:
    import orbax.checkpoint as ocp

    manifest = json.loads((folder / MANIFEST).read_text())
    if manifest["runs"] != [run.run_id for run in training.runs]:
        raise ValueError("it belongs to other runs")
    if manifest["micro_batch"] != training.micro_batch:
        raise ValueError(f"made with micro-batches of {manifest['micro_batch']}, not {training.micro_batch}")
    files = _files(folder / "arrays")
    for name in sorted(files.keys() | manifest["files"].keys()):
        if files.get(name) != manifest["files"].get(name):
            raise ValueError(f"the file {name} differs from what was written (sha256)")
    wanted = _arrays(training)
    with ocp.PyTreeCheckpointer() as checkpointer:
        found = checkpointer.restore(
            (folder / "arrays").absolute(),
            restore_args=jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), wanted),
        )
    for name, array in wanted.items():
        if name not in found:
            raise ValueError(f"{name} is missing")
        if (found[name].shape, found[name].dtype) != (array.shape, array.dtype):
            raise ValueError(f"{name} has shape {found[name].shape}, expected {array.shape}")
        if _fingerprint(found[name]) != manifest["arrays"][name]:
            raise ValueError(f"{name} differs from what was written (sha256)")
    leaves, structure = jax.tree.flatten(training.states())
    restored = jax.tree.unflatten(structure, [found[_name(number)] for number in range(len(leaves))])
    training.restore(restored, manifest["history"], manifest["train_s"])


def _arrays(training: CohortTraining) -> dict[str, np.ndarray]:
    return {_name(number): np.asarray(leaf) for number, leaf in enumerate(jax.tree.leaves(training.states()))}


def _files(folder: Path) -> dict[str, str]:
    """Returns the sha256 of every file under a folder, by its path there."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _name(number: int) -> str:
    return f"leaf{number:04d}"


def _fingerprint(array: np.ndarray) -> dict[str, Any]:
    data = np.ascontiguousarray(array)
    return {
        "shape": list(data.shape),
        "dtype": str(data.dtype),
        "sha256": hashlib.sha256(data.tobytes()).hexdigest(),
    }
