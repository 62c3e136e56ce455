"""``gridsweep gallery``: pages to look through a store with, as PDF, PNG and the CSV of what they show."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridsweep.cli._common import DEFAULT_STORE, StoreFolder, clear_errors, fail, open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridsweep.figures import Drawn

gallery = typer.Typer(
    help="Look through a store: maps by score, a unit, a network, a sweep.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Run = Annotated[str, typer.Argument(help="A run's id, or its beginning.", show_default=False)]
Score = Annotated[str, typer.Option(help="A column of units to sort by.")]
Bins = Annotated[int | None, typer.Option(help="Which size of rate maps; default: the largest kept.", min=4)]
Evaluation = Annotated[str | None, typer.Option(help="Which evaluation.")]
SizeOption = Annotated[str, typer.Option(help="slide, double (column) or single.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")]


@gallery.command()
def maps(
    store: StoreFolder = DEFAULT_STORE,
    score: Score = "grid_score_60",
    where: Annotated[str | None, typer.Option(help="SQL condition on units.")] = None,
    number: Annotated[int, typer.Option("--number", "-n", help="How many maps.", min=1, max=400)] = 24,
    lowest: Annotated[bool, typer.Option("--lowest", help="The lowest in place of the highest.")] = False,
    bins: Bins = None,
    evaluation: Evaluation = None,
    size: SizeOption = "slide",
    out: Out = Path("figures"),
) -> None:
    """Rate maps sorted by a score, each with its autocorrelogram and ring."""
    from gridsweep.figures.pages import maps_page

    opened = open_store(store)
    how = {"where": where, "number": number, "lowest": lowest, "bins": bins, "evaluation": evaluation}
    _save(lambda: maps_page(opened, score, size=_size(size), **how), out, "maps")


@gallery.command()
def unit(
    run: Run,
    number: Annotated[int, typer.Argument(help="The unit's index.", metavar="UNIT", show_default=False)],
    store: StoreFolder = DEFAULT_STORE,
    score: Score = "grid_score_60",
    bins: Bins = None,
    evaluation: Evaluation = None,
    size: SizeOption = "slide",
    out: Out = Path("figures"),
) -> None:
    """One unit: map, autocorrelogram, spectrum, scores."""
    from gridsweep.figures.pages import unit_page

    opened = open_store(store)
    how = {"score": score, "bins": bins, "evaluation": evaluation, "size": _size(size)}
    _save(lambda: unit_page(opened, run, number, **how), out, f"unit-{run}-{number}")


@gallery.command()
def network(
    run: Run,
    store: StoreFolder = DEFAULT_STORE,
    score: Score = "grid_score_60",
    bins: Bins = None,
    evaluation: Evaluation = None,
    size: SizeOption = "slide",
    out: Out = Path("figures"),
) -> None:
    """One network: maps, scores beside noise, history, spectrum, settings, provenance."""
    from gridsweep.figures.pages import network_page

    opened = open_store(store)
    how = {"score": score, "bins": bins, "evaluation": evaluation, "size": _size(size)}
    _save(lambda: network_page(opened, run, **how), out, f"network-{run}")


@gallery.command()
def sweep(
    name: Annotated[str, typer.Argument(help="The sweep's name.", metavar="SWEEP", show_default=False)],
    store: StoreFolder = DEFAULT_STORE,
    by: Annotated[str, typer.Option(help="Column that groups are made by.")] = "target.kind",
    score: Score = "grid_score_60",
    size: SizeOption = "slide",
    out: Out = Path("figures"),
) -> None:
    """One sweep: how its runs ended, units and networks by a setting, best maps."""
    from gridsweep.figures.pages import sweep_page

    opened = open_store(store)
    _save(lambda: sweep_page(opened, name, by=by, score=score, size=_size(size)), out, f"sweep-{name}")


def _size(chosen: str) -> str:
    from gridsweep.figures.style import SIZES

    if chosen not in SIZES:
        fail(f"--size: found {chosen!r}, expected one of {', '.join(SIZES)}")
    return chosen


def _save(draw: "Callable[[], Drawn]", out: Path, name: str) -> None:
    from gridsweep.figures import save

    with clear_errors():
        try:
            paths = save(draw(), out, name)
        except ValueError as error:
            fail(error)
    for path in paths:
        print(path)
