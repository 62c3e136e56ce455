"""``gridsweep paper``: trains the sweeps of one scale and writes the paper's figures with verdicts."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from gridsweep.cli._common import (
    EXIT_SOME_FAILED,
    StoreFolder,
    clear_errors,
    cores,
    duration_in_words,
    fail,
    open_store,
    read_sweep,
)
from gridsweep.cli.run import run

SCALES = ("laptop", "disentangling")
# The paper's other systems have one size, which is a laptop's: every scale trains them.
SYSTEMS = "systems"


def paper(
    scale: Annotated[str, typer.Option(help=f"Which folder of sweeps: {' or '.join(SCALES)}.")] = "laptop",
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Train only this sweep; may be repeated.")
    ] = None,
    store: StoreFolder = Path("stores/paper"),
    sweeps: Annotated[Path, typer.Option(help="The folder that holds the scales.")] = Path("sweeps"),
    inline: Annotated[bool, typer.Option("--inline", help="Train without Ray, in this one process.")] = False,
    accept_env_change: Annotated[
        bool, typer.Option("--accept-env-change", help="See gridsweep run --help.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only say what would be trained and what it would cost.")
    ] = False,
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

    Starts, resumes and extends like run: what is stored is not trained again. The sweeps are those of
    sweeps/SCALE and of sweeps/systems that list a figure.
    """
    from gridsweep.figures import FIGURES, Ask, write_report

    files = _files(sweeps, scale)
    names = [path.stem for path in files]
    if unknown := sorted(set(only or ()) - set(names)):
        fail(f"--only: found {', '.join(unknown)}, {sweeps / scale} has {', '.join(names)}")
    chosen = [path for path in files if not only or path.stem in only]
    if plan:
        _print_costs(chosen, store)
        return
    failed = _train(chosen, store, inline, accept_env_change) if train else []
    opened = open_store(store)
    folder = out or Path("docs/paper") / scale
    said = ["gridsweep", "paper", "--scale", scale]
    said += [word for name in only or () for word in ("--only", name)]
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
        print(f"{entry.name:<7} {entry.verdict:<14} {entry.figure.title}")
    print(path)
    if failed:
        fail(f"networks of {', '.join(failed)} could not be trained, see above", EXIT_SOME_FAILED)


def _files(sweeps: Path, scale: str) -> list[Path]:
    """Returns the files that are trained. Others, which draw no figure, may stand beside them."""
    of_scale, of_systems = (
        [path for path in sorted((sweeps / folder).glob("*.yaml")) if _figures_of(path)]
        for folder in (scale, SYSTEMS)
    )
    if not of_scale:
        wanted = " or ".join(SCALES)
        fail(f"--scale: found no sweeps with figures in {sweeps / scale}, expected a folder such as {wanted}")
    return of_scale + of_systems


def _figures_of(path: Path) -> list[str]:
    """Returns the figures that a sweep file lists."""
    return getattr(read_sweep(path), "document", {}).get("figures") or []


def _train(files: Sequence[Path], store: Path, inline: bool, accept_env_change: bool) -> list[str]:
    """Trains one sweep after another; returns those of which networks failed, which stop no other."""
    failed = []
    for path in files:
        try:
            run(path, store=store, inline=inline, accept_env_change=accept_env_change)
        except typer.Exit as ended:
            if ended.exit_code != EXIT_SOME_FAILED:
                raise
            failed.append(path.stem)
    return failed


def _print_costs(files: Sequence[Path], folder: Path) -> None:
    """Prints a line a sweep and their sum."""
    from gridsweep.plan import expand, make_plan
    from gridsweep.spec import SweepError
    from gridsweep.store import Store

    stored = open_store(folder).committed_run_ids() if Store.is_there(folder) else set()
    seen: set[str] = set()
    lines, runs, left, operations, seconds = [], 0, 0, 0.0, 0.0
    for path in files:
        sweep = read_sweep(path)
        try:
            ids = expand(sweep).run_ids
        except SweepError as error:
            fail(error)
        found = make_plan(sweep, committed=stored | seen, planned=set(), lanes=None, slots=cores())
        new = ids - seen - stored
        lines.append((path.stem, len(ids), len(new), found.operations))
        runs, left = runs + len(ids - seen), left + len(new)
        operations, seconds = operations + found.operations, seconds + found.seconds
        seen |= ids
    lines.append(("all", runs, left, operations))
    print(f"{'sweep':<24}{'networks':>10}{'to train':>10}{'operations':>12}")
    for name, several, new, cost in lines:
        print(f"{name:<24}{several:>10,}{new:>10,}{cost:>12.2g}")
    print(
        "a network of several sweeps counts in the first; operations are floating-point; about "
        f"{duration_in_words(seconds)} on {cores()} slots of this machine"
    )
