"""The paper beside a store: every figure, its claim, and what came out, judged by the figure's own rule.

A rule reads the table of what is drawn and nothing else, so whoever doubts a verdict can recompute it from
the CSV beside the picture. What cannot be drawn is listed with the sweep that would train it. Nothing in a
report says when it was made: the same store gives the same bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gridsweep.figures._ask import Ask, NoRuns
from gridsweep.figures._entry import OPEN, Figure, listing
from gridsweep.figures.files import save, write_whole

if TYPE_CHECKING:
    from gridsweep.store import Store

NOT_DRAWN, NO_CLAIM = "not drawn", "no claim"


@dataclass(frozen=True)
class Entry:
    """One figure of a report.

    Args:
        name: of the figure.
        figure: what it claims and by which rule.
        verdict: agrees, does not agree, cannot tell, not drawn; or no claim, where there is nothing to judge.
        found: the numbers that decided, or why nothing was drawn.
    """

    name: str
    figure: Figure
    verdict: str
    found: str


def write_report(
    store: "Store", figures: Mapping[str, Figure], folder: Path, *, title: str, command: str, ask: Ask
) -> tuple[list[Entry], Path]:
    """Draws the paper's figures into a folder, and others that a sweep lists; writes ``README.md`` there.

    Args:
        store: where from; it is looked at as it is now.
        figures: which ones; one without a claim is left out unless a sweep of the store lists it.
        folder: for pictures, tables and the report.
        title: of the report.
        command: that makes it, for the reader.
        ask: size, style, whether partial.

    Returns:
        What came out, and the report's path.
    """
    store = store.pinned()
    plans = store.plans()
    entries = []
    for name, figure in figures.items():
        if not figure.claim and not listing(plans, name):
            continue
        try:
            drawn = figure(store, ask)
        except NoRuns as error:
            entries.append(Entry(name, figure, NOT_DRAWN, str(error)))
            continue
        save(drawn, folder, name)
        if not figure.claim:
            entries.append(Entry(name, figure, NO_CLAIM, ""))
            continue
        judged = figure.judge(drawn.data) if figure.judge is not None else (OPEN, "there is no rule")
        entries.append(Entry(name, figure, *judged))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "README.md"
    write_whole(path, "\n".join(_lines(store, entries, title, command)).encode())
    return entries, path


def _lines(store: "Store", entries: list[Entry], title: str, command: str) -> list[str]:
    lines = [
        f"# {title}",
        "",
        f"Made by `{command}` from the store snapshot `{store.snapshot_id()}`. Each verdict follows from the "
        "rule beside it, applied to the CSV of what is drawn.",
        "",
        "| figure | what it shows | verdict |",
        "|---|---|---|",
    ]
    lines += [f"| [{e.name}](#{e.name}) | {e.figure.title} | {e.verdict} |" for e in entries]
    lines += ["", *_training(store)]
    for entry in entries:
        lines += ["", f"## {entry.name}", "", f"{entry.figure.title}.", "", *_came_out(entry)]
    return [*lines, ""]


def _came_out(entry: Entry) -> list[str]:
    """Returns the claim, the rule, what came out, and the picture."""
    lines = []
    if entry.figure.claim:
        rule = entry.figure.rule.removesuffix(".")
        lines += [f"**Claim.** {entry.figure.claim}", "", f"**Rule.** Agrees if {rule}.", ""]
    if entry.verdict == NOT_DRAWN:
        return [*lines, "**Not drawn.**", "", "```", entry.found, "```"]
    if entry.verdict != NO_CLAIM:
        lines += [f"**Came out: {entry.verdict}.** {_capital(entry.found)}.", ""]
    return [*lines, f"![{entry.figure.title}]({entry.name}.png)"]


def _training(store: "Store") -> list[str]:
    """Returns a table of the store's sweeps: how many networks, how many hours."""
    lines = [
        "| sweep | planned | completed | diverged | missing | hours of training |",
        "|---|---|---|---|---|---|",
    ]
    hours = _hours(store)
    for sweep, count in store.status_counts().items():
        numbers = (count["planned"], count["completed"], count["diverged"], count["missing"])
        lines.append(f"| {sweep} | {' | '.join(f'{n:,}' for n in numbers)} | {hours.get(sweep, 0.0):.2f} |")
    return [
        *lines,
        "",
        "Hours are summed over cohorts, one core each; a network of two sweeps counts in both.",
    ]


def _hours(store: "Store") -> dict[str, float]:
    text = """
        SELECT sweep, sum(cohort_s) / 3600 AS hours FROM (
            SELECT DISTINCT sweep, cohort_id, train_s AS cohort_s
            FROM runs JOIN (SELECT DISTINCT sweep, run_id FROM members) USING (run_id)
        ) GROUP BY sweep
    """
    found = store.sql(text, row_limit=None, timeout_s=None).to_pylist()
    return {row["sweep"]: row["hours"] or 0.0 for row in found}


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
