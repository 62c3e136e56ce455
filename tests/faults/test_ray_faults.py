"""Real Ray, and its parts killed one by one: a worker, a node of a cluster, the head. The sweep completes."""

import os
import re
import secrets
import signal
import subprocess
import sys
import time

import psutil
import pytest

from gridsweep.spec import load_sweep
from gridsweep.store import Store
from gridsweep.store.attempts import failed_attempts
from gridsweep.store.verify import verify
from tests.faults.test_kills_ray import REPOSITORY, SWEEP, end_orphans
from tests.store.checker import check_store

pytestmark = pytest.mark.slow

# A head without cores and two nodes of one core each, on this machine; told to lose a node by a line of input.
CLUSTER = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
nodes = [cluster.add_node(num_cpus=1, include_dashboard=False) for _ in range(2)]
cluster.wait_for_nodes()
print("address", cluster.address, flush=True)
for line in sys.stdin:
    if line.strip() == "lose a node":
        cluster.remove_node(nodes.pop(), allow_graceful=False)
        print("lost", flush=True)
    else:
        break
cluster.shutdown()
"""


@pytest.fixture
def sweep(tmp_path):
    path = tmp_path / "ray-kills.yaml"
    path.write_text(SWEEP)
    return path


@pytest.fixture
def start(sweep, tmp_path):
    """Starts ``gridsweep run`` as a user would, and ends whatever is left of it afterwards."""
    started = []

    def run(folder, *words, **environment):
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "gridsweep", "run", str(sweep), "--store", str(folder), *words],
                cwd=REPOSITORY,
                env=os.environ | {"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "programs")} | environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return started[-1]

    yield run
    for driver in started:
        if driver.poll() is None:
            family = [psutil.Process(driver.pid), *psutil.Process(driver.pid).children(recursive=True)]
            end_orphans(family)
            driver.communicate()


def wait_for(condition, timeout_s=600):
    ends_s = time.monotonic() + timeout_s
    while time.monotonic() < ends_s:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


def committed(folder):
    return len(list((folder / "ledger").glob("*.json"))) if folder.exists() else 0


def family_named(pid, pattern):
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        try:
            if re.search(pattern, " ".join(process.cmdline())):
                found.append(process)
        except psutil.Error:
            continue
    return found


def check(sweep, folder):
    wanted = {run.run_id for run in load_sweep(sweep)}
    assert sorted(run for runs in check_store(folder).values() for run in runs) == sorted(wanted)
    assert verify(Store.open(folder)).ok


def test_a_killed_worker_costs_one_attempt_and_the_sweep_completes(start, sweep, tmp_path):
    folder = tmp_path / "store"
    driver = start(folder)
    wait_for(lambda: committed(folder) > 2)
    wait_for(lambda: family_named(driver.pid, r"^ray::\w*Trainable"))[0].send_signal(signal.SIGKILL)
    said, _ = driver.communicate(timeout=900)
    assert driver.returncode == 0, said
    check(sweep, folder)
    store = Store.open(folder)
    died = [attempt for cohort in store.committed_cohorts() for attempt in failed_attempts(store, cohort)]
    assert [attempt["reason"] for attempt in died] in ([], ["killed_worker"]), (
        "[]: it was between two cohorts"
    )


def test_a_lost_node_of_a_cluster_delays_the_sweep_and_no_more(start, sweep, tmp_path, record_property):
    folder, token = tmp_path / "store", tmp_path / "token"
    token.write_text(secrets.token_hex(32))
    token.chmod(0o600)
    secured = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token), "RAY_TMPDIR": "/tmp"}
    cluster = subprocess.Popen(
        [sys.executable, "-c", CLUSTER],
        env=os.environ | secured,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    family = []
    try:
        address = wait_for(lambda: re.match(r"address (\S+)", cluster.stdout.readline()))[1]
        family = psutil.Process(cluster.pid).children(recursive=True)
        driver = start(folder, "--address", address, **secured)
        wait_for(lambda: committed(folder) > 3 or driver.poll() is not None)
        assert driver.poll() is None, driver.communicate()[0]
        lost_at = time.monotonic()
        cluster.stdin.write("lose a node\n")
        cluster.stdin.flush()
        before = committed(folder)
        wait_for(lambda: committed(folder) > before + 1)
        record_property("seconds until the next commits", round(time.monotonic() - lost_at, 1))
        said, _ = driver.communicate(timeout=900)
        assert driver.returncode == 0, said
        check(sweep, folder)
    finally:
        cluster.communicate("end\n", timeout=60)
        end_orphans(family)


def test_the_watchdog_outlives_the_head_of_ray(start, sweep, tmp_path, record_property):
    folder = tmp_path / "store"
    watchdog = start(folder, "--supervise")
    wait_for(lambda: committed(folder) > 3)
    begun_s = time.monotonic()
    wait_for(lambda: family_named(watchdog.pid, r"gcs_server"))[0].send_signal(signal.SIGKILL)
    said, _ = watchdog.communicate(timeout=1200)
    record_property("seconds from the head's death to the end", round(time.monotonic() - begun_s, 1))
    assert watchdog.returncode == 0, said
    assert "starting the driver again" in said
    check(sweep, folder)
    ours = str(tmp_path)
    wait_for(lambda: not [p for p in psutil.process_iter() if ours in " ".join(_words(p))], timeout_s=60)


def _words(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []
