"""``gridsweep run | retry``: getting a sweep done, and its failed runs once more."""

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
    StoreFolder,
    SweepFile,
    bytes_in_words,
    clear_errors,
    cores,
    fail,
    read_sweep,
)
from gridsweep.cli.plan import Lanes, Runs, Slots, check_runs, in_words, print_differences

if TYPE_CHECKING:
    from gridsweep.plan import Plan
    from gridsweep.store import Store

DISK_MARGIN = 1.5  # the estimate must fit this many times


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
        check_runs(loaded)
        opened = Store.open_or_create(store)
        _check_ledger(opened)
        before = latest_document(opened, loaded.name)
        planned = write_plan(opened, loaded, lanes=lanes, slots=slots or (1 if inline else cores()))
        _check_disk(opened, planned)
        wanted = planned.expansion.run_ids
        pieces = pieces_left(opened, wanted)
        if pieces:
            _check_environment(opened, wanted, accepted=accept_env_change)
        print_differences(before, planned)
        print(in_words(planned))
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
