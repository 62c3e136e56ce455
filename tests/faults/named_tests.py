"""Tests run by their names in a process of its own, with what they record; the campaign's way to real Ray and hosts.

What they start and leave behind becomes a child of this process, which waits for it and so is told its processor
time. Of processes that nobody waits for, as of Ray's workers, the system tells nobody: they are looked at meanwhile.
"""

import contextlib
import ctypes
import os
import resource
import subprocess
import sys
import time
import xml.etree.ElementTree
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gridsweep.drive.supervise import descendants

ROOT = Path(__file__).parents[2]
PR_SET_CHILD_SUBREAPER = 36  # <sys/prctl.h>
LOOK_EVERY_S = 0.5
_unwaited_s = 0.0


def unwaited_s() -> float:
    """Returns the processor time of what tests started that nobody waited for, as far as it was seen."""
    return _unwaited_s


@dataclass(frozen=True)
class Named:
    """One test that ran.

    Args:
        name: its name, without the folder.
        skipped: why it did not run, or nothing.
        failed: whether it failed.
        figures: what it recorded, by name.
    """

    name: str
    skipped: str
    failed: bool
    figures: dict[str, str] = field(default_factory=dict)

    @property
    def in_words(self) -> str:
        """What the test says in its name, and the figures it recorded."""
        sentence = self.name.removeprefix("test_").partition("[")[0].replace("_", " ")
        figures = [f"{name} {value}" for name, value in self.figures.items()]
        return "; ".join([sentence, *([f"not run: {self.skipped}"] if self.skipped else figures)])


def run_named(tests: Sequence[str], folder: Path) -> list[Named]:
    """Runs tests by their names, the slow ones too.

    Args:
        tests: as pytest names them, from the root of the repository.
        folder: for the log and the report; left behind.

    Raises:
        RuntimeError: pytest itself ended in disorder; the message is the end of its log.
    """
    report, log = folder / "report.xml", folder / "log"
    options = ["-m", "slow or not slow", "-o", "junit_family=xunit1", f"--junitxml={report}"]
    with log.open("w") as output, _adopting_orphans():
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, "-p", "no:cacheprovider", *tests],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        code = _wait_for(process.pid)
        process.returncode = code  # it was waited for here, among the orphans
    if code not in (0, 1):
        raise RuntimeError(f"pytest {' '.join(tests)} ended with {code}: {log.read_text()[-2000:]}")
    return [_named(case) for case in xml.etree.ElementTree.parse(report).iter("testcase")]


def _named(case: xml.etree.ElementTree.Element) -> Named:
    skipped = case.find("skipped")
    figures = {found.get("name", ""): found.get("value", "") for found in case.iter("property")}
    return Named(
        name=case.get("name", ""),
        skipped="" if skipped is None else skipped.get("message", "no reason given"),
        failed=case.find("failure") is not None or case.find("error") is not None,
        figures=figures,
    )


def _wait_for(pid: int) -> int:
    """Waits for a child, and for whatever else ends meanwhile; returns the child's exit code."""
    global _unwaited_s
    before_s, seen_s = _children_s(), {}
    while True:
        for process in descendants(pid):
            seen_s[process] = _processor_s(process.pid) or seen_s.get(process, 0.0)
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended == pid:
            # What was waited for is told in full; the rest as it was last seen.
            _unwaited_s += max(0.0, sum(seen_s.values()) - (_children_s() - before_s))
            return os.waitstatus_to_exitcode(status)
        if not ended:
            time.sleep(LOOK_EVERY_S)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _processor_s(pid: int) -> float:
    """Returns the processor time that a process has used so far, without its children's."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    fields = text[text.rindex(")") + 2 :].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _adopting_orphans() -> Iterator[None]:
    """Makes processes that outlive their parents children of this one, where Linux can."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
