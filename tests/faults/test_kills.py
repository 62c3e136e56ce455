"""A thousand kills of drivers and workers: nothing lost, nothing twice, nothing torn; sabotaged stores are caught."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.kills import Killed

REPOSITORY = Path(__file__).parents[2]
SEED = 20261124


def killed(folder, *, kills, seed, sabotage=()):
    """Runs a campaign in a process of its own; returns what it found."""
    words = [sys.executable, "-m", "tests.faults.kills", str(folder), str(seed), str(kills), *sabotage]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, f"seed {seed}: {done.stderr[-2000:]}"
    return Killed(**json.loads(done.stdout.splitlines()[-1]))


def check(found):
    assert found.bad == 0, found
    assert found.drivers > 0, found
    assert found.workers > 0, found
    assert not found.wasteful, found


def test_a_thousand_kills_lose_nothing_double_nothing_and_tear_nothing(memory_path):
    found = killed(memory_path, kills=1000, seed=SEED)
    assert found.kills >= 1000
    check(found)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 21))
def test_twenty_thousand_kills(memory_path, seed):
    check(killed(memory_path, kills=1000, seed=seed))


@pytest.mark.parametrize("sabotage", ["direct", "unique", "overwriting", "ignores"])
def test_a_sabotaged_store_is_caught(memory_path, sabotage):
    found = killed(memory_path, kills=30, seed=SEED, sabotage=[sabotage])
    with pytest.raises(AssertionError):
        check(found)
