"""A real object store to test against: moto's server, over HTTP, in a process of its own.

moto (https://docs.getmoto.org) is installed with the development extra. Another server is asked instead where
GRIDSWEEP_TEST_S3 names its address, with the usual AWS_… variables for its keys.
"""

import importlib.util
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from gridsweep.store.s3 import S3FS, SCHEME, Service

PYTHON = os.environ.get("GRIDSWEEP_MOTO_PYTHON", sys.executable)
SERVE = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("listening", server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


def missing() -> str:
    """Returns why there is no server to test against, or nothing."""
    if "GRIDSWEEP_TEST_S3" in os.environ or "GRIDSWEEP_MOTO_PYTHON" in os.environ:
        return ""
    return "" if importlib.util.find_spec("moto") else "moto is not installed: pip install 'moto[server]'"


@contextmanager
def server() -> Iterator[dict[str, str]]:
    """Yields the environment of a client of a running server."""
    if endpoint := os.environ.get("GRIDSWEEP_TEST_S3"):
        yield {"AWS_ENDPOINT_URL": endpoint}
        return
    process = subprocess.Popen(
        [PYTHON, "-c", SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = next(filter(None, (re.match(r"listening (\d+)", line) for line in process.stdout)))
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{found[1]}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
        }
    finally:
        process.communicate(timeout=30)


def make_bucket(environment: dict[str, str]) -> str:
    """Makes a bucket and returns its name."""
    name = f"gridsweep-{secrets.token_hex(6)}"
    service = Service(
        urlsplit(environment["AWS_ENDPOINT_URL"]),
        *(environment.get(key) or os.environ.get(key, "") for key in _KEYS),
    )
    from pathlib import Path

    S3FS(service)._ask("PUT", Path(f"{SCHEME}/{name}"))
    return name


_KEYS = ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
