"""Rows of a benchmark: printed as they come, kept as CSV with versions and the command that made them."""

import csv
import datetime
import importlib.metadata
import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
PACKAGES = ("jax", "jaxlib", "numpy", "torch", "ray")


def processor() -> str:
    """Returns the processor's name and what of it matters here, as the kernel tells it."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    said = dict(line.split("\t: ", 1) for line in text.splitlines() if "\t: " in line)
    said = {name.strip(): value for name, value in said.items()}
    flags = set(said.get("flags", "").split()) & {"avx2", "avx512f", "avx512_bf16", "amx_bf16"}
    return " ".join([said.get("model name", platform.machine()), *sorted(flags)])


def versions() -> str:
    """Returns the versions of what takes part, as far as it is installed here."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join([f"python {platform.python_version()}", *found])


def keep(name: str, rows: Sequence[Mapping[str, Any]], **said: Any) -> Path:
    """Writes rows to ``benchmarks/results/<name>.csv``, what all have in common in every row.

    Args:
        name: of the file.
        rows: alike in their keys.
        said: more of what is the same for all rows.
    """
    load = f"{os.getloadavg()[0]:.1f}"
    command = shlex.join(
        ["python", "-m", f"benchmarks.{Path(sys.argv[0]).stem}", *_without_paths(sys.argv[1:])]
    )
    common = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "device": said.pop("device", None) or processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load_at_end": load,
        "versions": versions(),
        "command": command,
        **said,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*dict.fromkeys(key for row in rows for key in row), *common])
        writer.writeheader()
        writer.writerows([{**row, **common} for row in rows])
    return path


def show(heads: Mapping[str, int], row: Mapping[str, Any] | None = None) -> None:
    """Prints one line of a table: its heads, or a row under them."""
    cells = [name if row is None else _short(row.get(name, "")) for name in heads]
    print("  ".join(cell.rjust(width) for cell, width in zip(cells, heads.values(), strict=True)), flush=True)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) and abs(value) < 1000 else str(value)


def _without_paths(arguments: Sequence[str]) -> list[str]:
    """Returns the arguments, a machine's own paths replaced: results are committed."""
    return ["PATH" if argument.startswith("/") else argument for argument in arguments]
