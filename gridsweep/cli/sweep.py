"""``gridsweep plan`` and ``gridsweep run``: what a sweep will cost, and getting it done."""

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridsweep.cli._common import (
    DEFAULT_STORE,
    EXIT_CLAIMED,
    EXIT_DAMAGED,
    EXIT_DISK,
    EXIT_INTERRUPTED,
    EXIT_OTHER_ENVIRONMENT,
    EXIT_SOME_FAILED,
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
DISK_MARGIN = 1.5  # the estimate must fit this many times


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
    print(_in_words(planned))


def run(
    sweep: SweepFile,
    store: StoreFolder = DEFAULT_STORE,
    address: Annotated[
        str, typer.Option(help="local: a Ray of this command alone; auto or ADDRESS: a cluster's.")
    ] = "local",
    inline: Annotated[bool, typer.Option("--inline", help="Without Ray, in this one process.")] = False,
    lanes: Lanes = None,
    slots: Slots = None,
    runs: Runs = None,
    no_wait: Annotated[
        bool,
        typer.Option("--no-wait", help="With --inline: exit 5 when all that is left is claimed by others."),
    ] = False,
    accept_env_change: Annotated[
        bool,
        typer.Option(
            "--accept-env-change", help="Go on under other libraries than before, after a comparison."
        ),
    ] = False,
    insecure_ray: Annotated[
        bool, typer.Option("--insecure-ray", help="Join a cluster that asks for no token.")
    ] = False,
    spill_dir: Annotated[
        Path | None,
        typer.Option(
            "--spill-dir",
            help="A folder on another disk: finished cohorts go there when the store's disk stays full.",
            show_default=False,
        ),
    ] = None,
    supervise: Annotated[
        bool, typer.Option("--supervise", help="Restart the driver when it dies or makes no progress.")
    ] = False,
) -> None:
    """Train what is left of a sweep: starts, resumes, extends, re-checks. The same command always.

    Ctrl-C once finishes the chunk, keeps what is trained and exits 4; twice ends at once.
    """
    if supervise:
        from gridsweep.drive.supervise import supervise as watch
        from gridsweep.store.s3 import is_s3

        if is_s3(store):
            fail(
                "--supervise: watches a store's folder, and s3:// is none; leave it out, and let whatever "
                "starts this command start it again"
            )
        words = [word for word in sys.argv[1:] if word != "--supervise"]
        command = [sys.executable, "-m", "gridsweep", *words]
        raise typer.Exit(
            watch(command, store, announce=lambda line: print(line, file=sys.stderr, flush=True))
        )
    from gridsweep.drive.failure import DiskFull, OtherLibraries
    from gridsweep.drive.interrupt import Interrupt
    from gridsweep.drive.left import latest_document, pieces_left, write_plan
    from gridsweep.drive.progress import ProgressPanel
    from gridsweep.drive.room import reserved
    from gridsweep.store import Store

    if address != "local" and not inline and not insecure_ray and os.environ.get("RAY_AUTH_MODE") != "token":
        fail(
            "--address: a Ray cluster runs whatever reaches its ports; start it and this command with "
            "RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH, see docs/clusters.md, or say --insecure-ray"
        )
    loaded = read_sweep(sweep, runs)
    again = shlex.join(["gridsweep", *sys.argv[1:]])
    with clear_errors():
        _check_runs(loaded)
        opened = Store.open_or_create(store)
        _check_ledger(opened)
        before = latest_document(opened, loaded.name)
        planned = write_plan(opened, loaded, lanes=lanes, slots=slots or (1 if inline else cores()))
        _check_disk(opened, planned)
        wanted = planned.expansion.run_ids
        pieces = pieces_left(opened, wanted)
        if pieces:
            _check_environment(opened, wanted, accepted=accept_env_change)
        _print_differences(before, planned)
        print(_in_words(planned))
        panel = ProgressPanel(loaded.name, runs=len(wanted), committed=planned.committed)
        interrupt = Interrupt(lambda: panel.notice("stopping after this chunk; Ctrl-C again ends at once"))
        told: dict[str, Any] = {
            "report": panel.report,
            "notice": panel.notice,
            "stop": lambda: interrupt.requested,
            "spill": spill_dir,
        }
        with interrupt, panel, reserved(opened, _bytes_under_way(planned)):
            try:
                if pieces and inline:
                    _run_inline(opened, wanted, wait=not no_wait, **told)
                elif pieces:
                    _run_with_ray(opened, wanted, address=address, slots=slots, **told)
            except KeyboardInterrupt:
                fail(f"\nended at once; resume with\n  {again}", EXIT_INTERRUPTED)
            except DiskFull as error:
                fail(f"{error}\nwhat is committed is whole; resume with\n  {again}", EXIT_DISK)
            except OtherLibraries as error:
                fail(error, EXIT_OTHER_ENVIRONMENT)
    ended = opened.ledger.run_statuses()
    missing = sum(run_id not in ended for run_id in wanted)
    failed = sum(ended.get(run_id) == "failed" for run_id in wanted)
    if interrupt.requested and missing:
        fail(
            f"interrupted, {missing} of {len(wanted)} networks left; resume with\n  {again}", EXIT_INTERRUPTED
        )
    if missing or failed:
        fail(
            f"{missing + failed} of {len(wanted)} networks could not be trained; "
            f"gridsweep status --store {store} says why, gridsweep retry --failed --store {store} plans them "
            "once more",
            EXIT_SOME_FAILED,
        )
    print(
        f'{len(wanted)} networks in {store}; ask with: gridsweep query --store {store} "SELECT * FROM runs"'
    )


def retry(
    store: StoreFolder = DEFAULT_STORE,
    failed: Annotated[
        bool, typer.Option("--failed", help="The runs with status failed; there are no others to choose.")
    ] = False,
    sweep: Annotated[str | None, typer.Option(help="Only runs of this sweep.", show_default=False)] = None,
    reason: Annotated[
        str | None, typer.Option(help="Only runs that failed for this reason.", show_default=False)
    ] = None,
) -> None:
    """Plan failed runs once more; then give the sweep's own command again. Their rows stay until replaced."""
    from gridsweep.drive.settle import plan_retry
    from gridsweep.store import Store
    from results_schema import REASONS

    if not failed:
        fail("retry: say which runs: --failed")
    if reason is not None and reason not in REASONS["failed"]:
        fail(f'--reason: found "{reason}", expected one of {", ".join(REASONS["failed"])}')
    with clear_errors():
        opened = Store.open(store, writable=True)
        names = sorted({plan.sweep for plan in opened.plans()})
        if sweep is not None and sweep not in names:
            fail(
                f'--sweep: found "{sweep}", expected one of {", ".join(names) or "none: nothing is planned"}'
            )
        planned = plan_retry(opened, sweep=sweep, reason=reason)
    for number, runs in planned.items():
        print(f"plan {number}: {runs} runs of {opened.plan(number).sweep} once more, each on its own")
    print("gridsweep run SWEEP trains them" if planned else "no run failed: nothing to retry")


def _check_ledger(store: "Store") -> None:
    """Ends the command when entries of the ledger are torn: their cohorts could not be committed again."""
    if problems := store.problems():
        shown = "\n".join(f"  ledger/{problem.name}: {problem.found}" for problem in problems[:5])
        fail(
            f"{store.path}: {len(problems)} ledger entries are damaged\n{shown}\n"
            f"gridsweep verify --repair --store {store.path} sets them aside; then the same command "
            "does their cohorts once more",
            EXIT_DAMAGED,
        )


def _check_environment(store: "Store", run_ids: set[str], *, accepted: bool) -> None:
    """Ends the command when libraries or settings are not those that trained the rest of the sweep."""
    from gridsweep.drive.environment import environment_change, fly_canary

    changed = environment_change(store, run_ids)
    if not changed:
        return
    differs = "\n".join(f"  {line}" for line in changed)
    if not accepted:
        fail(
            f"this is not the environment that trained the rest of this sweep:\n{differs}\n"
            "numbers may differ in their last digits; --accept-env-change compares one cohort and goes on",
            EXIT_OTHER_ENVIRONMENT,
        )
    canary = fly_canary(store, run_ids)
    if canary is None:
        return
    if not canary.close:
        fail(
            f"cohort {canary.cohort_id}, trained again here: {canary.difference}\n{differs}\n"
            "that is another computation: use a new store, or the environment of before",
            EXIT_OTHER_ENVIRONMENT,
        )
    found = str(canary.difference) if canary.difference else "equal to the last bit"
    print(f"accepted another environment; cohort {canary.cohort_id} trained again: {found}\n{differs}")


def _run_inline(store: "Store", run_ids: set[str], **how: Any) -> None:
    from gridsweep.drive.inline import AllClaimed, run_inline

    try:
        run_inline(store, run_ids, **how)
    except AllClaimed as error:
        fail(error, EXIT_CLAIMED)


def _run_with_ray(store: "Store", run_ids: set[str], *, address: str, **how: Any) -> None:
    from gridsweep.drive.ray_environment import prepared

    with prepared(local=address == "local") as scratch:
        try:
            from gridsweep.drive.ray_tune import run_with_ray
        except ImportError as error:
            fail(f"Ray is not installed ({error}); use --inline, or install ray[tune]")
        run_with_ray(store, run_ids, scratch=scratch, address=address, **how)


def _plan(sweep: "Sweep | WandbSweep", store: "Store | None", lanes: int | None, slots: int | None) -> "Plan":
    from gridsweep.drive.left import plan_against

    _check_runs(sweep)
    with clear_errors():
        return plan_against(store, sweep, lanes=lanes, slots=slots or cores())


def _check_runs(sweep: "Sweep | WandbSweep") -> None:
    """Ends the command if some run of the sweep cannot be built, before anything is written."""
    from gridsweep.plan import expand
    from gridsweep.spec import SweepError

    try:
        expand(sweep)
    except SweepError as error:
        fail(error)


def _print_changes(store: "Store | None", planned: "Plan") -> None:
    from gridsweep.drive.left import latest_document

    if store is not None:
        _print_differences(latest_document(store, planned.sweep.name), planned)


def _print_differences(before: dict[str, Any] | None, planned: "Plan") -> None:
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


def _store_if_there(folder: Path) -> "Store | None":
    from gridsweep.store import Store

    with clear_errors():
        return Store.open(folder) if Store.is_there(folder) else None


def _check_disk(store: "Store", planned: "Plan") -> None:
    import shutil

    if not store.fs.local:
        return
    free = shutil.disk_usage(store.path).free
    needed = planned.bytes * DISK_MARGIN
    if needed > free:
        fail(
            f"{store.path}: this sweep needs about {bytes_in_words(needed)}, {bytes_in_words(free)} are free",
            EXIT_DISK,
        )


def _bytes_under_way(planned: "Plan") -> float:
    """Returns about what the cohorts at work at a time will write."""
    left = len(planned.expansion.runs) - planned.committed
    widest = max((len(cohort.members) for cohort in planned.cohorts), default=1)
    return DISK_MARGIN * planned.bytes / max(left, 1) * widest * planned.slots


def _in_words(planned: "Plan") -> str:
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
