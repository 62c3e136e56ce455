"""What the person at the terminal sees: one live panel, or off a terminal one plain line a cohort."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gridsweep.drive.work import UNDER_WAY, Progress

ROWS_SHOWN = 8
REFRESHES_PER_S = 2
WIDEST = 132  # columns
STARTING = "starting workers: some twenty seconds with Ray"


class ProgressPanel:
    """Counts runs and shows how far each cohort at work is. Feed it with :meth:`report`."""

    def __init__(self, name: str, *, runs: int, committed: int, console: Console | None = None):
        """Shows a sweep of ``runs`` networks, ``committed`` of them there before."""
        self._console = console or Console(stderr=True)
        self._name, self._runs = name, runs
        self._committed, self._before = committed, committed
        self._working: dict[str, Progress] = {}
        self._diverged = self._failed = 0
        self._notice = STARTING
        self._started_s = time.monotonic()
        self._live = Live(self, console=self._console, refresh_per_second=REFRESHES_PER_S, transient=False)
        self._is_terminal = self._console.is_terminal

    def __enter__(self) -> Self:
        if self._is_terminal:
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_terminal:
            self._live.__exit__(kind, error, trace)

    @property
    def failed(self) -> int:
        """How many attempts have failed."""
        return self._failed

    def report(self, progress: Progress) -> None:
        """Takes in how far a cohort is."""
        if self._notice == STARTING:
            self._notice = ""
        if progress.state == "waiting":
            self._notice = progress.message
        if progress.state in UNDER_WAY:
            self._working[progress.cohort_id] = progress
            return
        self._working.pop(progress.cohort_id, None)
        if progress.state == "committed":
            self._committed += progress.runs
            self._diverged += progress.diverged
        if progress.state == "failed":
            self._failed += 1
        if not self._is_terminal and progress.state != "claimed":
            self._console.print(self._line(progress), highlight=False, soft_wrap=True)
        elif progress.state == "failed":
            self._live.console.print(self._line(progress), highlight=False)

    def notice(self, text: str) -> None:
        """Shows a word on what is going on, at the panel's foot; off a terminal, as a line."""
        self._notice = text
        if not self._is_terminal:
            self._console.print(text, highlight=False)

    def _line(self, progress: Progress) -> str:
        parts = [f"cohort {progress.cohort_id}", progress.state, f"{progress.runs} runs"]
        if progress.updates_per_s:
            parts.append(f"{progress.updates_per_s:.0f} updates/s")
        if progress.loss is not None:
            parts.append(f"loss {progress.loss:.4f}")
        if progress.diverged:
            parts.append(f"{progress.diverged} diverged")
        if progress.message:
            parts.append(progress.message[:200])
        done = f"{self._committed}/{self._runs}"
        return f"[{done}] ".replace("[", "\\[") + ", ".join(parts)

    def _eta(self) -> str:
        """Returns the time left, from networks finished here and those at work, or a dash at first."""
        elapsed_s = time.monotonic() - self._started_s
        partly = sum(
            progress.runs * progress.done_updates / progress.total_updates
            for progress in self._working.values()
            if progress.total_updates
        )
        done = self._committed - self._before + partly
        if done <= 0 or elapsed_s < 3:
            return "–"
        return _clock(elapsed_s * (self._runs - self._before - done) / done)

    def __rich__(self) -> Panel:
        rate = sum(progress.updates_per_s for progress in self._working.values())
        lanes = sum(progress.runs for progress in self._working.values())
        head = Table.grid(padding=(0, 3))
        head.add_row(
            Text(f"{self._committed}/{self._runs} networks", style="bold"),
            f"{lanes} training",
            f"{rate:,.0f} network-updates/s",
            Text(f"{self._diverged} diverged", style="yellow" if self._diverged else "dim"),
            Text(f"{self._failed} failed", style="red" if self._failed else "dim"),
            f"elapsed {_clock(time.monotonic() - self._started_s)}",
            f"left {self._eta()}",
        )
        body = Table.grid(padding=(0, 2))
        for progress in list(self._working.values())[:ROWS_SHOWN]:
            share = progress.done_updates / progress.total_updates if progress.total_updates else 0.0
            body.add_row(
                Text(progress.cohort_id, style="dim"),
                f"{progress.runs} lanes",
                ProgressBar(total=1.0, completed=share, width=24),
                f"{share:4.0%}",
                f"loss {progress.loss:.4f}" if progress.loss is not None else "",
                f"{progress.updates_per_s:,.0f}/s",
            )
        if len(self._working) > ROWS_SHOWN:
            body.add_row(Text(f"and {len(self._working) - ROWS_SHOWN} more", style="dim"))
        return Panel(
            Group(head, body),
            title=f"gridsweep · {self._name}",
            title_align="left",
            subtitle=self._notice or None,
            subtitle_align="left",
            border_style="blue",
            # Short of the edge: the terminal's echo of ^C at the last column would break the line.
            width=min(self._console.width - 4, WIDEST),
        )


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
