"""A sweep driven by Ray Tune whose driver is killed three times commits every run exactly once."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from gridsweep.drive.cores import available_cores
from gridsweep.spec import load_sweep
from gridsweep.store import Store
from gridsweep.store.verify import verify
from tests.store.checker import check_store

REPOSITORY = Path(__file__).parents[2]
KILLS = 3
SEED = 20261123
SWEEP = """
name: ray-kills
method: list
seeds: 12
lanes: 1
base:
  target: {place_cells: 16, field_width_m: 0.3}
  network: {units: 8}
  training: {learning_rate: 1e-3, batch_size: 4, steps: 4, updates: 2000}
  evaluation: {kind: corrected, bins: [12], positions: 2000}
runs:
  - {}
  - system: {kind: filtered_noise, units: 8}
"""


def start_driver(sweep_file: Path, folder: Path, home: Path) -> subprocess.Popen:
    """Starts ``gridsweep run`` as a user would, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "gridsweep", "run", str(sweep_file), "--store", str(folder)],
        cwd=REPOSITORY,
        env=os.environ | {"JAX_COMPILATION_CACHE_DIR": str(home / "programs")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def end_orphans(family: list[psutil.Process]) -> None:
    """Ends what a killed driver left behind: Ray's own processes outlive it by half a minute."""
    for process in family:
        if process.is_running():
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, timeout=30)


def executions(folder: Path) -> int:
    """Returns how often a cohort was taken up, by what the workers' logs say."""
    logs = [path.read_text() for path in folder.glob("attempts/*/log.txt")]
    return sum(len(re.findall(r"(?:begun|from update \d+): \d+ runs", text)) for text in logs)


def programs_made(folder: Path) -> dict[str, list[int]]:
    """Returns what each process compiled or took from the cache for each cohort it committed."""
    said = [line for path in folder.glob("attempts/*/log.txt") for line in path.read_text().splitlines()]
    found: dict[str, list[int]] = {}
    for line in said:
        if made := re.search(r"; (\d+) programs made for it, process (\d+)", line):
            found.setdefault(made[2], []).append(int(made[1]))
    return found


def first_launch_s(driver: subprocess.Popen, folder: Path) -> float:
    """Returns how long it took until a worker of this driver, and not an orphan of one before, began a cohort."""
    begun_s = time.monotonic()
    while driver.poll() is None:
        logs = [path.read_text() for path in folder.glob("attempts/*/log.txt")]
        begun = {int(pid) for text in logs for pid in re.findall(r"process (\d+)$", text, re.MULTILINE)}
        if begun & {child.pid for child in psutil.Process(driver.pid).children(recursive=True)}:
            break
        time.sleep(0.05)
    return time.monotonic() - begun_s


def test_three_kills_of_the_driver_lose_nothing_and_double_nothing(tmp_path, record_property):
    sweep_file, folder = tmp_path / "ray-kills.yaml", tmp_path / "store"
    sweep_file.write_text(SWEEP)
    rng = random.Random(SEED)
    wanted = {run.run_id for run in load_sweep(sweep_file)}
    families: list[psutil.Process] = []
    launches_s: list[float] = []
    for kill in range(KILLS):
        driver = start_driver(sweep_file, folder, tmp_path)
        if kill:
            launches_s.append(first_launch_s(driver, folder))
        # At 5, 35 and 70 percent of the cohorts, and a random moment later.
        share = (0.05, 0.35, 0.7)[kill]
        deadline_s = time.monotonic() + 120
        while time.monotonic() < deadline_s and driver.poll() is None:
            committed = len(list((folder / "ledger").glob("*.json"))) if folder.exists() else 0
            if committed > share * len(wanted):
                break
            time.sleep(0.05)
        time.sleep(rng.uniform(0.0, 0.3))
        assert driver.poll() is None, f"the sweep ended before kill {kill + 1}: make it longer"
        families += psutil.Process(driver.pid).children(recursive=True)
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
    try:
        # The last driver starts while orphans may still be writing: correctness does not wait for them.
        driver = start_driver(sweep_file, folder, tmp_path)
        launches_s.append(first_launch_s(driver, folder))
        said, _ = driver.communicate(timeout=300)
        assert driver.returncode == 0, said
    finally:
        end_orphans(families)
    committed = [run for runs in check_store(folder).values() for run in runs]
    assert sorted(committed) == sorted(wanted)
    assert verify(Store.open(folder)).ok
    # What is done twice is what was in flight when the driver died, and no more.
    extra = executions(folder) - len(wanted)
    record_property("cases", KILLS)
    record_property("seed", SEED)
    record_property("executions beyond one a cohort", extra)
    record_property("of cohorts", len(wanted))
    record_property("seconds from a command to its first cohort, at most", round(max(launches_s), 1))
    assert 0 <= extra <= KILLS * len(available_cores())
    # A worker makes the programs of a network, and those of a null, once, and never again.
    of_process = programs_made(folder)
    assert any(len(made) > 2 for made in of_process.values())
    for made in of_process.values():
        assert 1 <= sum(number > 0 for number in made) <= 2, of_process
