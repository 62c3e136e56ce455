"""``gridsweep figure`` and ``figures``: figures from any store, as PDF, PNG and the CSV of what they draw."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridsweep.cli._common import DEFAULT_STORE, StoreFolder, clear_errors, fail, open_store

if TYPE_CHECKING:
    from gridsweep.figures import Ask, Figure
    from gridsweep.store import Store

SCORES = ("grid_score_60", "grid_score_90")

Where = Annotated[str | None, typer.Option(help="SQL condition on units or on runs.")]
Sweep = Annotated[str | None, typer.Option(help="Only the networks of this sweep.")]
NullWhere = Annotated[str | None, typer.Option(help="SQL condition on the null's runs.")]
Null = Annotated[
    str, typer.Option("--null", help="all; or matched: for each group the noise whose maps are as smooth.")
]
Evaluation = Annotated[str | None, typer.Option(help="Which evaluation; default: each run's first.")]
Bins = Annotated[int | None, typer.Option(help="Which size of rate maps; default: 44 if there.", min=4)]
SizeOption = Annotated[str, typer.Option(help="slide, double (column) or single.")]
Style = Annotated[str, typer.Option(help="empirical; or published: smoothed, with the axes of the original.")]
Error = Annotated[float | None, typer.Option(help="Only networks that integrate this well.")]
Partial = Annotated[bool, typer.Option("--partial", help="Draw although networks are missing.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")]


def figure(
    name: Annotated[
        str,
        typer.Argument(
            help="Which figure: survival, or fig1 to fig14 of the paper.",
            metavar="FIGURE",
            show_default=False,
        ),
    ],
    store: StoreFolder = DEFAULT_STORE,
    by: Annotated[
        str | None,
        typer.Option(help="Column that groups are made by; default target.kind. Only for survival."),
    ] = None,
    score: Annotated[str | None, typer.Option(help=f"One of {', '.join(SCORES)}. Only for survival.")] = None,
    where: Where = None,
    sweep: Sweep = None,
    null_where: NullWhere = None,
    null: Null = "all",
    evaluation: Evaluation = None,
    bins: Bins = None,
    size: SizeOption = "slide",
    style: Style = "empirical",
    max_position_error_cm: Error = None,
    partial: Partial = False,
    out: Out = Path("figures"),
) -> None:
    """Draw a figure from a store."""
    from gridsweep.figures import FIGURES, Ask

    if score is not None and score not in SCORES:
        fail(f"--score: found {score!r}, expected one of {', '.join(SCORES)}")
    ask = Ask(
        where=where,
        sweep=sweep,
        null_where=null_where,
        null=null,
        evaluation=evaluation,
        bins=bins,
        size=size,
        style=style,
        max_position_error_cm=max_position_error_cm,
        partial=partial,
        by=by,
        score=score,
    )
    chosen = _known(name, FIGURES)
    opened = None if chosen.from_theory else open_store(store)
    with clear_errors():
        try:
            _draw_and_save(name, chosen, opened, ask, out)
        except ValueError as error:
            fail(error)


def figures(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which figures.", metavar="[FIGURE]...", show_default=False)
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every figure that the store has networks for.")
    ] = False,
    store: StoreFolder = DEFAULT_STORE,
    sweep: Sweep = None,
    null_where: NullWhere = None,
    null: Null = "all",
    evaluation: Evaluation = None,
    bins: Bins = None,
    size: SizeOption = "slide",
    style: Style = "empirical",
    max_position_error_cm: Error = None,
    partial: Partial = False,
    out: Out = Path("figures"),
) -> None:
    """Draw several figures, or all; says of each that cannot be drawn which sweep trains its networks."""
    from gridsweep.figures import FIGURES, Ask, NoRuns

    if bool(names) == every:
        fail("name figures, or give --all")
    ask = Ask(
        sweep=sweep,
        null_where=null_where,
        null=null,
        evaluation=evaluation,
        bins=bins,
        size=size,
        style=style,
        max_position_error_cm=max_position_error_cm,
        partial=partial,
    )
    chosen = {name: _known(name, FIGURES) for name in (names or FIGURES)}
    opened = open_store(store)
    left_out = []
    with clear_errors():
        for name, one in chosen.items():
            try:
                _draw_and_save(name, one, opened, ask, out)
            except NoRuns as error:
                left_out.append(f"{name} not drawn: {error}")
            except ValueError as error:
                fail(f"{name}: {error}")
    for words in left_out:
        print(words)
    if left_out and not every:
        fail(f"{len(left_out)} of {len(chosen)} figures could not be drawn")


def _known(name: str, known: "dict[str, Figure]") -> "Figure":
    if name not in known:
        fail(f"no figure {name!r}; known: {', '.join(known)}")
    return known[name]


def _draw_and_save(name: str, figure: "Figure", store: "Store | None", ask: "Ask", out: Path) -> None:
    from gridsweep.figures import save

    for path in save(figure(store, ask), out, name):
        print(path)
