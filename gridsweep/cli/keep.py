"""``gridsweep verify | revoke | compact | snapshot | merge``: a store sound, fast, citable, in one place."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from gridsweep.cli._common import (
    DEFAULT_STORE,
    EXIT_DAMAGED,
    Format,
    StoreFolder,
    bytes_in_words,
    check_format,
    clear_errors,
    fail,
    open_store,
    print_json,
)


def verify(
    store: StoreFolder = DEFAULT_STORE,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Set damage aside in quarantine/, to be redone; remove leftovers."),
    ] = False,
    output: Format = "text",
) -> None:
    """Check every file of a store against ledger, schema and sha256. Exit 6 when something is damaged."""
    from gridsweep.store.verify import verify as check

    check_format(output, "text", "json")
    opened = open_store(store, writable=repair)
    with clear_errors():
        report = check(opened, repair=repair)
    if output == "json":
        print_json(report.as_dict())
    else:
        for finding in report.findings:
            print(finding)
        found = "sound" if report.ok else "DAMAGED: see above; what is sound can still be read"
        if report.redo:
            runs = sum(report.redo.values())
            found = (
                f"DAMAGED and set aside: {len(report.redo)} cohorts, {runs} runs, "
                "which `gridsweep run` does once more"
            )
        elif not report.ok and not repair:
            found = (
                "DAMAGED: see above; --repair sets it aside, so that the rest can be read and it is redone"
            )
        print(
            f"{found}: {report.cohorts:,} cohorts, {report.runs:,} runs, {report.files:,} files, "
            f"{bytes_in_words(report.bytes)} checked against ledger, schema and sha256"
        )
    if not report.ok:
        raise typer.Exit(EXIT_DAMAGED)


def revoke(
    where: Annotated[
        str,
        typer.Option(
            help="Which runs: an SQL condition, such as \"status = 'diverged'\".", show_default=False
        ),
    ],
    why: Annotated[str, typer.Option(help="What is wrong with them; kept in revoked/.", show_default=False)],
    store: StoreFolder = DEFAULT_STORE,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without it only say what would be done.")
    ] = False,
) -> None:
    """Take results back that are no longer believed; the sweep's own command trains them once more.

    A cohort is taken back whole. Its files move to quarantine/, and revoked/ says why; nothing is deleted.
    """
    from gridsweep.store.quarantine import chosen_cohorts, take_back

    opened = open_store(store, writable=yes)
    with clear_errors():
        if not yes:
            entries = opened.ledger.entries()
            chosen = {cohort: entries[cohort].runs for cohort in chosen_cohorts(opened, where)}
        else:
            chosen = take_back(opened, where, why)
    for cohort, runs in chosen.items():
        print(f"cohort {cohort}: {', '.join(runs)}")
    total = f"{len(chosen):,} cohorts, {sum(map(len, chosen.values())):,} runs"
    if not chosen:
        print(f"no run where {where}: nothing to take back")
    elif yes:
        print(f"taken back: {total}, which `gridsweep run` does once more")
    else:
        print(f"would take back: {total}; --yes does it")


def compact(store: StoreFolder = DEFAULT_STORE) -> None:
    """Write the rows of many small files once more into few sorted ones, so that figures read fast.

    A copy under compacted/: the files of the cohorts stay, and stay the record.
    """
    from gridsweep.store.compact import compact as write

    opened = open_store(store, writable=True)
    with clear_errors():
        done = write(opened)
    if done is None:
        print("nothing to do: all that is committed is compacted")
        return
    print(
        f"{done.cohorts:,} cohorts, {done.rows:,} rows in {done.files:,} sorted files, "
        f"{bytes_in_words(done.bytes)}"
    )


def snapshot(
    store: StoreFolder = DEFAULT_STORE,
    list_all: Annotated[bool, typer.Option("--list", help="List the snapshots that were saved.")] = False,
) -> None:
    """Save what is committed now under an id that a paper can cite: query --snapshot ID reads it again."""
    from gridsweep.store.snapshots import saved_snapshots

    opened = open_store(store, writable=not list_all)
    with clear_errors():
        if list_all:
            for name in saved_snapshots(opened):
                print(name)
            return
        print(opened.save_snapshot())


def merge(
    stores: Annotated[
        list[Path],
        typer.Argument(
            help="Stores to read; the last two words are: into STORE.", metavar="STORE… into STORE"
        ),
    ],
) -> None:
    """Bring the results of other stores home: checked byte by byte, each run once."""
    from gridsweep.store import Store
    from gridsweep.store.merge import merge as bring

    if len(stores) < 3 or str(stores[-2]).lower() != "into":
        fail("merge: found no destination, expected: gridsweep merge STORE… into STORE")
    sources = [open_store(folder) for folder in stores[:-2]]
    damaged: list[str] = []
    with clear_errors():
        target = Store.open_or_create(stores[-1])
        for source in sources:
            done = bring(source, target)
            damaged += done.damaged
            parts = f", {done.taken_apart:,} more in part" if done.taken_apart else ""
            print(
                f"{source.path}: {done.cohorts:,} cohorts{parts}, {done.runs:,} runs; "
                f"{done.already:,} runs were there already"
            )
            for cohort_id, difference in done.differences.items():
                print(f"  cohort {cohort_id}: {difference}; the scores that were there stay")
    for line in damaged:
        print(f"left: {line}", file=sys.stderr)
    if damaged:
        fail(f"{len(damaged)} cohorts are damaged and were left; what is sound was merged", EXIT_DAMAGED)
