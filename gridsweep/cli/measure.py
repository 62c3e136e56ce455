"""``gridsweep measure``: scores that were added since a run was trained, taken of what was kept of it."""

from typing import Annotated

import typer

from gridsweep.cli._common import (
    DEFAULT_STORE,
    Format,
    StoreFolder,
    check_format,
    clear_errors,
    open_store,
    print_json,
)

SHOWN = 20


def measure(
    runs: Annotated[
        list[str] | None, typer.Argument(help="Run ids; all when none is given.", metavar="RUN…")
    ] = None,
    store: StoreFolder = DEFAULT_STORE,
    sweep: Annotated[str | None, typer.Option(help="Only runs of this sweep.", show_default=False)] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Replace scores that are there, too: their definition changed.")
    ] = False,
    output: Format = "text",
) -> None:
    """Fill in scores that stored runs lack, from all their rate maps or their weights; name the rest."""
    check_format(output, "text", "json")
    opened = open_store(store, writable=True)
    from gridsweep.measuring import measure_again

    say = print if output == "text" else None
    with clear_errors():
        done = measure_again(opened, runs or None, sweep=sweep, again=again, progress=say)
    if output == "json":
        print_json(
            {
                "measured": done.measured,
                "cohorts": done.cohorts,
                "up_to_date": done.up_to_date,
                "columns": sorted(done.columns),
                "cannot_be_measured": done.left,
            }
        )
        return
    print(
        f"{len(done.measured):,} runs measured in {done.cohorts:,} cohorts, "
        f"{done.up_to_date:,} had every score"
    )
    if done.columns:
        print(f"filled in: {', '.join(sorted(done.columns))}")
    if done.left:
        print(f"{len(done.left):,} runs cannot be measured:")
    for run, reason in list(done.left.items())[:SHOWN]:
        print(f"  {run}: {reason}")
    if len(done.left) > SHOWN:
        print(f"  … {len(done.left) - SHOWN:,} more; --format json lists all")
