"""``gridsweep report``: a page to look through a store with, in one HTML file."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from gridsweep.cli._common import DEFAULT_STORE, StoreFolder, bytes_in_words, clear_errors, fail, open_store
from gridsweep.cli.figure import Bins, Evaluation, NullWhere, Sweep, Where


def report(
    store: StoreFolder = DEFAULT_STORE,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("report.html"),
    where: Where = None,
    sweep: Sweep = None,
    null_where: NullWhere = None,
    evaluation: Evaluation = None,
    bins: Bins = None,
    title: Annotated[str | None, typer.Option(help="Of the page; default: the store's folder.")] = None,
    networks: Annotated[
        int, typer.Option("--networks-with-maps", help="Of how many networks maps come along.", min=0)
    ] = 500,
    units: Annotated[
        int, typer.Option("--maps-per-network", help="How many maps of each.", min=1, max=64)
    ] = 6,
    partial: Annotated[bool, typer.Option("--partial", help="Go on although networks are missing.")] = False,
) -> None:
    """Write a page with filters, survival curves, networks and their maps; it needs nothing but a browser."""
    from gridsweep.figures.files import write_whole
    from gridsweep.figures.report import MapsWanted, html, payload

    opened = open_store(store)
    if out.is_dir() or not out.parent.is_dir():
        fail(f"--out: found {out}, expected a file in a folder that is there")
    with clear_errors():
        try:
            told = payload(
                opened,
                where=where,
                sweep=sweep,
                evaluation=evaluation,
                bins=bins,
                null_where=null_where,
                partial=partial,
                maps=MapsWanted(networks, units),
                title=title or "",
                command=shlex.join(["gridsweep", *sys.argv[1:]]),
            )
        except ValueError as error:
            fail(error)
        page = html(told).encode()
        write_whole(out, page)
    print(f"{out}: {bytes_in_words(len(page))}")
