"""``gridsweep status | logs | show | diff``: what is there, what is running, one run, two runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridsweep.cli._common import (
    DEFAULT_STORE,
    Format,
    StoreFolder,
    check_format,
    clear_errors,
    fail,
    open_store,
    print_json,
)

if TYPE_CHECKING:
    from gridsweep.store import Store

RunId = Annotated[
    str, typer.Argument(help="A run id, or enough of its first digits.", metavar="RUN", show_default=False)
]
SCORES_OF_RUN = """
SELECT evaluation, bins, count(*) AS units, sum(CAST(silent AS INT)) AS silent,
       median(grid_score_60) AS grid_score_60_median, quantile_cont(grid_score_60, 0.95) AS grid_score_60_q95,
       max(grid_score_60) AS grid_score_60_best, avg(CAST(grid_score_60 > 0.8 AS INT)) AS share_60_above_08,
       median(grid_score_90) AS grid_score_90_median, quantile_cont(grid_score_90, 0.95) AS grid_score_90_q95,
       max(grid_score_90) AS grid_score_90_best
FROM units WHERE run_id = '{run_id}' GROUP BY evaluation, bins ORDER BY evaluation, bins
"""
FAILED_SHOWN = 10
NOT_SETTINGS = ("cohort_id", "lane", "micro_batch", "run_id")


def status(store: StoreFolder = DEFAULT_STORE, output: Format = "text") -> None:
    """Show what was planned, completed, diverged, failed, is missing, and what is running."""
    check_format(output, "text", "json")
    opened = open_store(store)
    with clear_errors():
        counts = opened.status_counts()
        running = _running(opened)
        troubled = _troubled(opened)
        failed = _failed(opened) if any(number["failed"] for number in counts.values()) else []
        snapshot = opened.snapshot_id()
        environments = opened.environments()
    if output == "json":
        print_json(
            {
                "store_id": opened.store_id,
                "snapshot": snapshot,
                "sweeps": counts,
                "environments": environments,
                "running": running,
                "troubled": troubled,
                "failed": failed,
            }
        )
        return
    print(f"store {store}   snapshot {snapshot}")
    width = max((len(name) for name in counts), default=5)
    print(f"  {'sweep':{width}}  planned = completed + diverged + failed + missing")
    for name, number in counts.items():
        print(
            f"  {name:{width}}  {number['planned']:7,} = {number['completed']:9,} + {number['diverged']:8,}"
            f" + {number['failed']:6,} + {number['missing']:7,}"
        )
    if not counts:
        print("  nothing is planned yet: gridsweep run SWEEP")
    if len(environments) > 1:
        each = ", ".join(f"{env_id}: {runs:,} runs" for env_id, runs in environments.items())
        print(f"  made in {len(environments)} environments, equal to rounding only ({each})")
    for item in running:
        print(
            f"  running: cohort {item['cohort_id']} of {item['sweep']}, {item['runs']} runs; {item['latest']}"
        )
    for item in troubled:
        print(
            f"  failed {item['attempts']} times: cohort {item['cohort_id']}, {item['runs']} runs; "
            f"{item['message']}"
        )
    for row in failed[:FAILED_SHOWN]:
        print(
            f"  failed: run {row['run_id']} ({row['reason']}, {row['attempts']} attempts): {row['message']}"
        )
    if len(failed) > FAILED_SHOWN:
        print(
            f"  and {len(failed) - FAILED_SHOWN} more failed runs: SELECT * FROM runs WHERE status = 'failed'"
        )
    if failed:
        print(f"  gridsweep retry --failed --store {store} plans them once more")
    for problem in opened.problems():
        print(f"  left out: ledger/{problem.name}: {problem.found}")


def logs(
    name: Annotated[
        str, typer.Argument(help="A cohort id or a run id.", metavar="COHORT|RUN", show_default=False)
    ],
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Print what happened to a cohort, or to the cohort of a run."""
    from gridsweep.store.attempts import read_log

    opened = open_store(store)
    with clear_errors():
        cohorts = {cohort: runs for plan in opened.plans() for cohort, runs in plan.cohorts.items()}
        found = [
            cohort
            for cohort, runs in cohorts.items()
            if cohort.startswith(name) or any(run.startswith(name) for run in runs)
        ]
        if len(found) != 1:
            fail(f"{store}: {len(found)} cohorts match {name!r}; give a cohort id or a run id of this store")
        text = read_log(opened, found[0])
    print(text or f"cohort {found[0]}: nobody has worked on it yet", end="" if text else "\n")


def show(run: RunId, store: StoreFolder = DEFAULT_STORE, output: Format = "text") -> None:
    """Show one run: its settings, status, scores and where its numbers come from."""
    check_format(output, "text", "json")
    opened = open_store(store)
    with clear_errors():
        row = _run_row(opened, run)
        scores = opened.sql(SCORES_OF_RUN.format(run_id=row["run_id"])).to_pylist()
    if output == "json":
        print_json({"run": row, "scores": scores})
        return
    print(f"run {row['run_id']}   {row['status']}" + (f" ({row['reason']})" if row.get("reason") else ""))
    _print_section("settings", {name: value for name, value in row.items() if "." in name})
    _print_section("result", {name: value for name, value in row.items() if "." not in name})
    for line in scores:
        _print_section(f"scores, {line['evaluation']}, {line['bins']} bins", line)


def diff(first: RunId, second: RunId, store: StoreFolder = DEFAULT_STORE, output: Format = "text") -> None:
    """Show the settings and results in which two runs differ."""
    check_format(output, "text", "json")
    opened = open_store(store)
    with clear_errors():
        left, right = _run_row(opened, first), _run_row(opened, second)
    names = [name for name in {**left, **right} if name not in NOT_SETTINGS]
    different = {
        name: (left.get(name), right.get(name)) for name in names if left.get(name) != right.get(name)
    }
    if output == "json":
        print_json({"runs": [left["run_id"], right["run_id"]], "different": different})
        return
    width = max((len(name) for name in different), default=0)
    print(f"{'':{width}}  {left['run_id']:>22}  {right['run_id']:>22}")
    for name in sorted(different, key=lambda name: ("." not in name, name)):
        print(f"{name:{width}}  {_cell(different[name][0]):>22}  {_cell(different[name][1]):>22}")
    if not any("." in name for name in different):
        print("their settings are the same")


def _run_row(store: "Store", start: str) -> dict[str, Any]:
    """Returns the row of the one run whose id begins so, without its empty columns."""
    import pandas as pd

    if not start or any(character not in "0123456789abcdef" for character in start):
        fail(f"found {start!r}, expected a run id: hexadecimal digits, as in the column run_id")
    rows = store.runs(where=f"starts_with(run_id, '{start}')")
    if len(rows) != 1:
        fail(f"{len(rows)} runs of this store begin with {start}; its run ids: SELECT run_id FROM runs")
    return {str(name): value for name, value in rows.iloc[0].items() if not pd.isna(value)}


def _running(store: "Store") -> list[dict[str, Any]]:
    from gridsweep.store import Claims
    from gridsweep.store.attempts import read_log

    cohorts = {cohort: (plan.sweep, runs) for plan in store.plans() for cohort, runs in plan.cohorts.items()}
    found = []
    for holder in Claims(store).holders():
        sweep, runs = cohorts.get(holder.cohort_id, ("?", ()))
        latest = read_log(store, holder.cohort_id).splitlines()[-1:] or ["just claimed"]
        found.append({"cohort_id": holder.cohort_id, "sweep": sweep, "runs": len(runs), "latest": latest[0]})
    return found


def _troubled(store: "Store") -> list[dict[str, Any]]:
    from gridsweep.store.attempts import failed_attempts

    committed = store.committed_cohorts()
    found = []
    for plan in store.plans():
        for cohort, runs in plan.cohorts.items():
            if cohort not in committed and (attempts := failed_attempts(store, cohort)):
                found.append(
                    {
                        "cohort_id": cohort,
                        "runs": len(runs),
                        "attempts": len(attempts),
                        "message": attempts[-1]["message"],
                    }
                )
    return found


def _failed(store: "Store") -> list[dict[str, Any]]:
    """Returns the failed rows, without those that a retry replaced."""
    rows = store.table("runs", ["run_id", "reason", "attempts", "message"], "status = 'failed'")
    return rows.to_pylist()


def _print_section(title: str, values: dict[str, Any]) -> None:
    print(f"\n{title}")
    width = max((len(name) for name in values), default=0)
    for name, value in values.items():
        print(f"  {name:{width}}  {_cell(value)}")


def _cell(value: Any) -> str:
    if isinstance(value, Path | str):
        return str(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
