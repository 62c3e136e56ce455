"""``gridsweep paper``: trains the sweeps of one scale and writes the paper's figures with verdicts."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from gridsweep.cli._common import StoreFolder, clear_errors, fail, open_store, read_sweep
from gridsweep.cli.sweep import run

SCALES = ("laptop", "disentangling")


def paper(
    scale: Annotated[str, typer.Option(help=f"Which folder of sweeps: {' or '.join(SCALES)}.")] = "laptop",
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Train only this sweep of the folder; may be repeated.")
    ] = None,
    store: StoreFolder = Path("stores/paper"),
    sweeps: Annotated[Path, typer.Option(help="The folder that holds the scales.")] = Path("sweeps"),
    inline: Annotated[bool, typer.Option("--inline", help="Train without Ray, in this one process.")] = False,
    train: Annotated[
        bool, typer.Option("--train/--no-train", help="Train first, or only report what the store has.")
    ] = True,
    size: Annotated[str, typer.Option(help="slide, double (column) or single.")] = "double",
    partial: Annotated[bool, typer.Option("--partial", help="Report although networks are missing.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the report; default docs/paper/SCALE.")
    ] = None,
) -> None:
    """Train the sweeps behind the paper's figures, then draw each beside its claim and judge it.

    Starts, resumes and extends like run: what is stored is not trained again.
    """
    from gridsweep.figures import FIGURES, Ask, write_report

    # Sweeps of that size which draw no figure of the paper may stand in the folder, too.
    files = [path for path in sorted((sweeps / scale).glob("*.yaml")) if _figures_of(path)]
    if not files:
        wanted = " or ".join(SCALES)
        fail(f"--scale: found no sweeps with figures in {sweeps / scale}, expected a folder such as {wanted}")
    names = [path.stem for path in files]
    if unknown := sorted(set(only or ()) - set(names)):
        fail(f"--only: found {', '.join(unknown)}, {sweeps / scale} has {', '.join(names)}")
    if train:
        for path in files:
            if not only or path.stem in only:
                run(path, store=store, inline=inline)
    opened = open_store(store)
    folder = out or Path("docs/paper") / scale
    said = [
        "gridsweep",
        "paper",
        "--scale",
        scale,
        *(word for name in only or () for word in ("--only", name)),
    ]
    with clear_errors():
        try:
            entries, path = write_report(
                opened,
                FIGURES,
                folder,
                title=f"The paper from sweeps/{scale}",
                command=shlex.join(said),
                ask=Ask(size=size, partial=partial),
            )
        except ValueError as error:
            fail(error)
    for entry in entries:
        print(f"{entry.name:<6} {entry.verdict:<14} {entry.figure.title}")
    print(path)


def _figures_of(path: Path) -> list[str]:
    """Returns the figures that a sweep file lists."""
    return getattr(read_sweep(path), "document", {}).get("figures") or []
