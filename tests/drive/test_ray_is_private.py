"""A local Ray of ours listens on loopback only, behind a secret of this user's, and leaves nothing."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]

# In a process of its own: Ray reads its environment once. Prints one line a listening socket of ours.
PROBE = """
import os, stat, psutil
from gridsweep.drive.ray_environment import prepared

with prepared(local=True) as scratch:
    import ray
    from gridsweep.drive.ray_tune import _connected

    with _connected("local", 1, scratch):
        family = [psutil.Process()] + psutil.Process().children(recursive=True)
        sockets = [c for p in family for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
        print("sockets", len(sockets))
        for address in sorted({c.laddr.ip for c in sockets}):
            print("listens on", address)
        token = os.environ["RAY_AUTH_TOKEN_PATH"]
        print("token", oct(stat.S_IMODE(os.stat(token).st_mode)), oct(stat.S_IMODE(os.stat(scratch).st_mode)))
        print("mode", os.environ["RAY_AUTH_MODE"])
    gone, alive = psutil.wait_procs(family[1:], timeout=120)  # Ray takes half a minute, more on a busy machine
    print("left over", len(alive))
print("scratch there", scratch.exists())
"""


def test_a_local_ray_listens_on_loopback_only_and_leaves_nothing_behind():
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=REPOSITORY,
        env=clean,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = [line for line in done.stdout.splitlines() if line]
    addresses = {line.removeprefix("listens on ") for line in said if line.startswith("listens on")}
    assert int(next(line for line in said if line.startswith("sockets")).split()[1]) > 0
    assert addresses <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    assert "token 0o600 0o700" in said
    assert "mode token" in said
    assert "left over 0" in said
    assert "scratch there False" in said
