"""Many processes on one store that all do the same: the record is right all the same."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from gridsweep.store import Store
from gridsweep.store.verify import verify
from tests.store.checker import check_store
from tests.store.synthetic import plan_document

ROOT = Path(__file__).parents[2]


def run_forked(mode, path, seed, count):
    command = [sys.executable, "-m", "tests.store.forked", mode, str(path), str(seed), str(count)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, f"seed {seed}: {ended.stderr}"
    return ended.stdout


def acknowledged(path):
    """Returns for each outcome the cohorts it was acknowledged for; a torn last line is a killed writer's."""
    lines = [line.split() for line in path.with_name("witness").read_text().splitlines()]
    assert not any(differ == "True" for *_, differ in lines)
    return {
        name: [cohort for found, cohort, _ in lines if found == name] for name in ("committed", "already")
    }


def test_four_processes_racing_for_the_same_forty_cohorts_commit_each_once(memory_path):
    path = memory_path / "store"
    Store.create(path).add_plan(plan_document(cohorts=40))
    run_forked("race", path, seed=1, count=4)
    assert len(check_store(path)) == 40
    found = acknowledged(path)
    assert set(Counter(found["committed"]).values()) == {1}
    assert len(found["committed"]) == 40
    report = verify(Store.open(path))
    assert report.ok
    assert not report.findings, "the losers of a race tidy up"
