"""A head and two workers on hosts of their own, one of which is lost in the middle: the sweep completes."""

import datetime
import itertools
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from gridsweep.spec import load_sweep
from gridsweep.store import Claims, Store
from gridsweep.store.attempts import failed_attempts, read_log
from gridsweep.store.verify import verify
from tests.faults.hosts import Hosts, missing
from tests.faults.test_kills_ray import REPOSITORY, SWEEP
from tests.faults.test_ray_faults import committed, wait_for
from tests.store.checker import check_store

pytestmark = pytest.mark.slow

RAY = Path(sys.executable).with_name("ray")
PORT = 6379
# As the manifests in docker/ have it: five questions of 5 s, 3 s apart, then a silent host is given up. Ray's own
# 10 s make that 65 s.
HEALTH = {"RAY_health_check_timeout_ms": "5000"}
# Long enough that a cohort is under way on either host whenever one of them is lost.
NOISE = "  - system: {kind: filtered_noise, units: 8}\n"
LONG = SWEEP.replace("updates: 2000", "updates: 60000").replace("seeds: 12", "seeds: 8").replace(NOISE, "")


@pytest.fixture
def hosts():
    """A head without cores, and two workers of one core each."""
    if why := missing():
        pytest.skip(why)
    # Ray's sockets are below it, and their names may have 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="gs-", dir="/tmp"))
    try:
        with Hosts(["head", "first", "second"], folder) as hosts:
            yield hosts
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_host_that_is_lost_delays_the_sweep_and_no_more(hosts, tmp_path, record_property):
    sweep, folder, token = tmp_path / "hosts.yaml", tmp_path / "store", tmp_path / "token"
    sweep.write_text(LONG)
    token.write_text(secrets.token_hex(32))
    token.chmod(0o600)
    environment = {
        "PYTHONPATH": str(REPOSITORY),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_USAGE_STATS_ENABLED": "0",
        **HEALTH,
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "programs"),
    }
    address = f"{hosts.address('head')}:{PORT}"
    with (tmp_path / "ray.log").open("w") as log:

        def start_ray(name, *words):
            # A worker takes the head's folder unless told: on real hosts that is another one of the same name.
            own = [f"--node-ip-address={hosts.address(name)}", f"--temp-dir={hosts.folder(name)}"]
            hosts.start(name, [str(RAY), "start", "--block", *own, *words], output=log, **environment)

        def wait_for_status(words):
            command = [str(RAY), "status", f"--address={address}"]
            ends_s, said = time.monotonic() + 180, ""
            while words not in said:
                assert time.monotonic() < ends_s, f"{said}\n{(tmp_path / 'ray.log').read_text()}"
                time.sleep(2)
                asked = hosts.start("head", command, output=subprocess.PIPE, **environment)
                said, _ = asked.communicate(timeout=120)

        start_ray("head", "--head", f"--port={PORT}", "--num-cpus=0", "--include-dashboard=false")
        wait_for_status("Active")
        for name in ("first", "second"):
            start_ray(name, f"--address={address}", "--num-cpus=1", "--object-store-memory=100000000")
        wait_for_status("/2.0 CPU")
        words = [sys.executable, "-m", "gridsweep", "run", str(sweep), "--store", str(folder)]
        driver = hosts.start("head", [*words, "--address", address], output=subprocess.PIPE, **environment)
        wait_for(lambda: committed(folder) > 1 or driver.poll() is not None)
        assert driver.poll() is None, driver.communicate()[0]

        # A cohort that has just been begun, so that it is not committed while the cable is cut.
        old = {held.cohort_id for held in holders(folder)}
        holder = wait_for(
            lambda: [
                held
                for held in holders(folder)
                if held.owner.host == "second"
                and held.cohort_id not in old
                and begun_at(folder, held.cohort_id)
            ]
        )[0]
        lost_at = time.time()
        hosts.lose("second")
        said, _ = driver.communicate(timeout=900)
    assert driver.returncode == 0, said
    wanted = {run.run_id for run in load_sweep(sweep)}
    assert sorted(run for runs in check_store(folder).values() for run in runs) == sorted(wanted)
    store = Store.open(folder)
    assert verify(store).ok
    reasons = [attempt["reason"] for attempt in failed_attempts(store, holder.cohort_id)]
    assert reasons == ["killed_worker"]
    # Ledger entries in the order of time: the longest wait for one, and for that of the lost cohort.
    entries = {path.name: path.stat().st_mtime for path in (folder / "ledger").glob("*.json")}
    later = [lost_at, *sorted(moment for moment in entries.values() if moment > lost_at)]
    record_property("commits after the loss", len(later) - 1)
    again = begun_at(folder, holder.cohort_id)[-1]
    record_property("seconds until the lost cohort was begun again", round(again - lost_at, 1))
    record_property(
        "longest wait for a commit, s", round(max(b - a for a, b in itertools.pairwise(later)), 1)
    )
    record_property(
        "seconds until the lost cohort was committed", round(entries[f"{holder.cohort_id}.json"] - lost_at, 1)
    )
    record_property("seconds until the end", round(later[-1] - lost_at, 1))


def begun_at(folder, cohort_id):
    """Returns when a cohort was begun, in seconds since 1970."""
    log = read_log(Store.open(folder), cohort_id)
    found = re.findall(r"^(\S+ \S+)  (?:begun|from update)", log, re.MULTILINE)
    return [datetime.datetime.fromisoformat(f"{moment}+00:00").timestamp() for moment in found]


def holders(folder):
    """Returns whose claims stand, as far as they can be read."""
    return [holder for holder in Claims(Store.open(folder)).holders() if holder.owner is not None]
