"""Writes a figure as PDF, PNG and CSV; the same figure gives the same bytes, today and in another process.

So a figure can be compared with the one in a paper by its hash. Nothing that depends on when or where it was
drawn goes into a file, and fonts go into the PDF as outlines that printers and editors can use (TrueType).
"""

import io
import os
import tempfile
from pathlib import Path

from gridsweep.figures.drawn import Drawn
from gridsweep.figures.style import house_style

DPI = 200

# None leaves a key out. Both writers would otherwise tell the version, the PDF also the time.
_METADATA = {
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None, "ModDate": None},
    "png": {"Software": None},
}


def save(drawn: Drawn, folder: str | Path, name: str) -> list[Path]:
    """Writes ``name.pdf``, ``name.png`` and ``name.csv`` and returns their paths.

    Each file appears whole or not at all; files of that name that were there before are replaced.
    """
    if name != Path(name).name or name in {"", ".", ".."}:
        raise ValueError(f"save: found the name {name!r}, expected a file name without a folder or ending")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for ending, data in _files(drawn).items():
        written.append(folder / f"{name}.{ending}")
        write_whole(written[-1], data)
    return written


def _files(drawn: Drawn) -> dict[str, bytes]:
    found = {}
    with house_style():
        for ending, metadata in _METADATA.items():
            file = io.BytesIO()
            drawn.figure.savefig(file, format=ending, dpi=DPI, metadata=metadata)
            found[ending] = file.getvalue()
    # Shortest text that reads back as the same number, so the table equals the analysis to the last bit.
    return found | {"csv": drawn.data.to_csv(index=False, lineterminator="\n").encode()}


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file that appears whole or not at all, as readable as any other new file."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        # mkstemp lets nobody else read; a figure is as readable as any other new file.
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
