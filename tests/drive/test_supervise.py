"""The watchdog ends drivers that are dead or stuck, with all they started, and gives up on those that cannot live."""

import sys
from pathlib import Path

import pytest

from gridsweep.drive.supervise import EXIT_GAVE_UP, MOST_IN_VAIN, supervise

# Drivers of a few lines: each leaves a line in the log, and a file in the ledger where it commits.
BEGIN = """
import os, pathlib, signal, subprocess, sys, time
store = pathlib.Path(sys.argv[1])
with (store / "log").open("a") as log: log.write(f"{os.getpid()}\\n")
times = len((store / "log").read_text().splitlines())
def commit(name): (store / "ledger" / f"{name}.json").write_text("{}")
"""
DIES_TWICE = "commit(times)\nif times < 3: os.kill(os.getpid(), signal.SIGKILL)\nsys.exit(3)"
ENDED_BY_RAY = "commit(times)\nos._exit(1 if times < 2 else 0)"
ENDS = "sys.exit(int(sys.argv[2]))"
HANGS = """
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with (store / "children").open("a") as log: log.write(f"{child.pid}\\n")
if times > 1: commit("late"); sys.exit(0)
time.sleep(600)
"""
LEAVES = """
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
(store / "children").write_text(str(child.pid))
commit("all")
"""
WORKS_SLOWLY = """
for step in range(6):
    time.sleep(0.4)
    (store / "leases" / f"{step}.1.json").write_text("{}")
commit("all")
"""
DIES = "os.abort()"


@pytest.fixture
def store(tmp_path):
    for name in ("ledger", "leases"):
        (tmp_path / name).mkdir()
    return tmp_path


def watch(store, body, *words, patience_s=60.0):
    said = []
    code = supervise(
        [sys.executable, "-c", BEGIN + body, str(store), *words],
        store,
        patience_s=patience_s,
        look_every_s=0.1,
        announce=said.append,
    )
    return code, said, len((store / "log").read_text().splitlines())


def test_a_driver_that_is_killed_is_started_again_until_it_ends_by_itself(store):
    code, said, started = watch(store, DIES_TWICE)
    assert (code, started) == (3, 3)
    assert said == ["supervise: the driver ended with -9; starting the driver again"] * 2


def test_a_driver_that_ray_ends_is_started_again(store):
    """Ray calls ``_exit(1)`` sixty seconds after its head was lost: a code, but none of ours."""
    code, said, started = watch(store, ENDED_BY_RAY)
    assert (code, started) == (0, 2)
    assert said == ["supervise: the driver ended with 1; starting the driver again"]


@pytest.mark.parametrize("code", [0, 2, 3, 4, 5, 6, 7, 8])
def test_an_exit_code_of_ours_is_an_answer(store, code):
    assert watch(store, ENDS, str(code)) == (code, [], 1)


def test_a_driver_that_hangs_is_ended_with_everything_it_started(store):
    code, said, started = watch(store, HANGS, patience_s=1.5)
    assert (code, started) == (0, 2)
    assert "nothing was begun or committed for" in said[0]
    assert not any(map(_alive, (store / "children").read_text().split())), "no process of ours is alive"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans to a process that asks")
def test_what_a_driver_started_just_before_it_ended_is_ended_too(store):
    assert watch(store, LEAVES) == (0, [], 1)
    assert not _alive((store / "children").read_text())


def test_a_driver_that_begins_cohorts_is_not_stuck(store):
    assert watch(store, WORKS_SLOWLY, patience_s=1.5) == (0, [], 1)


def test_drivers_that_die_without_a_commit_are_given_up(store):
    code, said, started = watch(store, DIES)
    assert (code, started) == (EXIT_GAVE_UP, MOST_IN_VAIN)
    assert "committed nothing, giving up" in said[-1]


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
