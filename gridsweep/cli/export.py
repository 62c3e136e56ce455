"""``gridsweep export wandb``: a sweep in the words of another program."""

from pathlib import Path
from typing import Annotated

import typer

from gridsweep.cli._common import SweepFile, fail, read_sweep

export = typer.Typer(
    help="Write a sweep in the words of another program.", no_args_is_help=True, rich_markup_mode=None
)


@export.callback()
def _group() -> None:
    """Write a sweep in the words of another program."""


@export.command()
def wandb(
    sweep: SweepFile,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write here instead of standard output.")
    ] = None,
) -> None:
    """Write a sweep as a W&B file of the No-Free-Lunch program; what that cannot say is an error, exit 2."""
    from gridsweep.spec import SweepError, WandbSweep, export_wandb, wandb_yaml

    loaded = read_sweep(sweep)
    if isinstance(loaded, WandbSweep):
        fail(f"{sweep}: is a W&B file already")
    try:
        text = wandb_yaml(export_wandb(loaded))
    except SweepError as error:
        fail(error)
    if out is None:
        print(text, end="")
        return
    try:
        out.write_text(text)
    except OSError as error:
        fail(f"{out}: cannot be written ({error.strerror or error})")
    print(f"{len(loaded):,} runs, {out}")
