"""From a file, or from the document a plan has kept of it, to a sweep: one of ours or W&B's."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gridsweep.spec.sweep import Sweep
from gridsweep.spec.wandb import WandbSweep, is_wandb


def load_sweep(path: str | Path, *, runs: int | None = None) -> Sweep | WandbSweep:
    """Reads a sweep file; ``runs`` gives a random sweep its size.

    Raises:
        SweepError: with every mistake of the file.
    """
    # Only files need a reader of YAML: what builds its runs in Python (bench --device) does without one.
    from gridsweep.spec.document import read_document

    path = Path(path)
    document = read_document(path)
    if runs is not None:
        document = document | {"run_cap": runs}
    return make_sweep(document, where=str(path), name=_slug(path.stem))


def make_sweep(document: Mapping[str, Any], *, where: str, name: str) -> Sweep | WandbSweep:
    """Returns the sweep that a document describes. Raises SweepError."""
    return (WandbSweep if is_wandb(document) else Sweep)(document, where=where, name=name)


def _slug(stem: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", stem.lower()).strip("-_")[:64] or "sweep"
