"""``gridsweep plan``: what a sweep would train, and what it would cost."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridsweep.cli._common import (
    DEFAULT_STORE,
    Format,
    StoreFolder,
    SweepFile,
    bytes_in_words,
    check_format,
    clear_errors,
    cores,
    duration_in_words,
    fail,
    print_json,
    read_sweep,
)

if TYPE_CHECKING:
    from gridsweep.plan import Plan
    from gridsweep.spec import Sweep, WandbSweep
    from gridsweep.store import Store

Lanes = Annotated[
    int | None, typer.Option(help="Runs in a cohort; default: the file's, or chosen.", min=1, max=1024)
]
Slots = Annotated[
    int | None, typer.Option(help="Cohorts trained at a time; default: the cores.", min=1, max=4096)
]
Runs = Annotated[
    int | None, typer.Option("--runs", help="Size of a random sweep that has no run_cap.", min=1)
]
MOST_CHANGES = 20


def plan(
    sweep: SweepFile,
    store: StoreFolder = DEFAULT_STORE,
    lanes: Lanes = None,
    slots: Slots = None,
    runs: Runs = None,
    output: Format = "text",
) -> None:
    """Show what a sweep would train and what it would cost. Touches no device, writes nothing."""
    check_format(output, "text", "json")
    opened = _store_if_there(store)
    planned = _plan(read_sweep(sweep, runs), opened, lanes, slots)
    summary = planned.summary()
    if output == "json":
        print_json(summary)
        return
    _print_changes(opened, planned)
    print(in_words(planned))


def _plan(sweep: "Sweep | WandbSweep", store: "Store | None", lanes: int | None, slots: int | None) -> "Plan":
    from gridsweep.drive.left import plan_against

    check_runs(sweep)
    with clear_errors():
        return plan_against(store, sweep, lanes=lanes, slots=slots or cores())


def _store_if_there(folder: Path) -> "Store | None":
    from gridsweep.store import Store

    with clear_errors():
        return Store.open(folder) if Store.is_there(folder) else None


def _print_changes(store: "Store | None", planned: "Plan") -> None:
    from gridsweep.drive.left import latest_document

    if store is not None:
        print_differences(latest_document(store, planned.sweep.name), planned)


def check_runs(sweep: "Sweep | WandbSweep") -> None:
    """Ends the command if some run of the sweep cannot be built, before anything is written."""
    from gridsweep.plan import expand
    from gridsweep.spec import SweepError

    try:
        expand(sweep)
    except SweepError as error:
        fail(error)


def print_differences(before: dict[str, Any] | None, planned: "Plan") -> None:
    """Prints in which settings a file differs from the one that was planned last under its name."""
    if before is None:
        return
    from gridsweep.drive.left import changed_settings

    lines = changed_settings(before, planned.sweep.document)
    if lines:
        print(f"{planned.sweep.name} was planned before with other settings; what is new is added:")
        for line in lines[:MOST_CHANGES]:
            print(f"  {line}")
        if len(lines) > MOST_CHANGES:
            print(f"  and {len(lines) - MOST_CHANGES} more")


def in_words(planned: "Plan") -> str:
    """Returns a plan as both commands print it."""
    summary = planned.summary()
    left = summary["distinct"] - summary["committed"]
    repeated = summary["runs"] - summary["distinct"] - summary["void"]
    lines = [
        f"{summary['sweep']}   {summary['runs']:,} runs"
        + (f" ({repeated:,} repeat a network of this file)" if repeated else "")
        + f", {summary['committed']:,} already stored, {left:,} to train"
    ]
    lines += [f"  {number:,} void: {reason}" for reason, number in planned.expansion.void.items()]
    varied = planned.sweep.varied()
    lines.append(
        f"  {summary['programs']} compiled programs" + (f"   varied: {', '.join(varied)}" if varied else "")
    )
    if summary["waiting"]:
        lines.append(f"  {summary['waiting']:,} of them in cohorts planned before")
    if planned.cohorts:
        lines.append(
            f"  {summary['cohorts']:,} new cohorts   {summary['lanes']} lanes each, "
            f"filled to {summary['fill']:.0%}"
        )
    if left:
        lines.append(
            f"  {summary['operations']:.2g} floating-point operations, about "
            f"{duration_in_words(summary['estimated_s'])} on {summary['slots']} slots of this machine"
        )
        lines.append(f"  will write about {bytes_in_words(summary['estimated_bytes'])}")
    if summary["memory_bytes"] is not None:
        lines.append(f"  about {bytes_in_words(summary['memory_bytes'])} of arrays in memory for each slot")
    return "\n".join(lines)
