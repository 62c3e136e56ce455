"""``gridsweep figure``: a figure from any store, as PDF, PNG and the CSV of what it draws."""

from pathlib import Path
from typing import Annotated

import typer

from gridsweep.cli._common import DEFAULT_STORE, StoreFolder, clear_errors, fail, open_store

SCORES = ("grid_score_60", "grid_score_90")


def figure(
    name: Annotated[
        str, typer.Argument(help="Which figure: survival.", metavar="FIGURE", show_default=False)
    ],
    store: StoreFolder = DEFAULT_STORE,
    by: Annotated[
        str, typer.Option(help="Column that groups are made by, such as target.kind.")
    ] = "target.kind",
    score: Annotated[str, typer.Option(help=f"One of {', '.join(SCORES)}.")] = "grid_score_60",
    where: Annotated[str | None, typer.Option(help="SQL condition on units and runs.")] = None,
    sweep: Annotated[str | None, typer.Option(help="Only the networks of this sweep.")] = None,
    null_where: Annotated[str | None, typer.Option(help="SQL condition on the null's runs.")] = None,
    evaluation: Annotated[
        str | None, typer.Option(help="Which evaluation; default: each run's first.")
    ] = None,
    bins: Annotated[
        int | None, typer.Option(help="Which size of rate maps; default: 44 if there.", min=4)
    ] = None,
    size: Annotated[str, typer.Option(help="slide, double (column) or single.")] = "slide",
    max_position_error_cm: Annotated[
        float | None, typer.Option(help="Only networks that integrate this well.")
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Draw although networks are missing.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")] = Path("figures"),
) -> None:
    """Draw a figure from a store."""
    from gridsweep import figures

    if name not in figures.FIGURES:
        fail(f"no figure {name!r}; known: {', '.join(figures.FIGURES)}")
    if score not in SCORES:
        fail(f"--score: found {score!r}, expected one of {', '.join(SCORES)}")
    opened = open_store(store)
    with clear_errors():
        try:
            drawn = figures.FIGURES[name](
                opened,
                by=by,
                score=score,
                where=where,
                null_where=null_where,
                evaluation=evaluation,
                bins=bins,
                size=size,
                sweep=sweep,
                max_position_error_cm=max_position_error_cm,
                partial=partial,
            )
        except ValueError as error:
            fail(error)
        for path in figures.save(drawn, out, name):
            print(path)
