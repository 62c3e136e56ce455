"""Hosts of a cluster on one machine: each a network namespace with an address, a name and processes of its own.

A host is more than a network here: it has its own host name, its own process ids, so that nobody else can see
whether a process of it lives, and its own shared memory and folder for temporary files. What all hosts share is
the file system, as a cluster shares the store's. They meet at a bridge in a namespace that has no way out. Losing a
host cuts its cable first and kills all it runs then, so that nobody is told: no connection is closed, there is
only silence, as after a power loss.

Needs root and Debian's iproute2; ``missing()`` says what is not there.
"""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import IO

NETWORK = "10.77.0"
NAMESPACES = {"ipc", "mount", "net", "pid", "uts"}


def missing() -> str:
    """Returns why hosts cannot be made here, or nothing."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for command in ("ip", "unshare", "nsenter"):
        if shutil.which(command) is None:
            return f"there is no command `{command}` (Debian: iproute2, util-linux)"
    name = f"gridsweep-{secrets.token_hex(3)}"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"no network namespace can be made: {tried.stderr.strip()}"
    _ip("netns", "delete", name)
    return ""


# The first process of a host. All others end with it, and it asks after those that nobody else asks after.
FIRST = """
import os, time
print("up", flush=True)
while True:
    try:
        os.wait()
    except ChildProcessError:
        time.sleep(0.1)
"""


class Hosts:
    """Hosts at one bridge. Use as a context; at its end nothing is left of them.

    Args:
        names: of the hosts; their addresses count from 1.
        folder: where each gets a folder for temporary files. Short: Ray's sockets are in it.
    """

    def __init__(self, names: Sequence[str], folder: Path):
        self._prefix = f"gridsweep-{secrets.token_hex(3)}"
        self._names = list(names)
        self._folder = folder
        self._first: dict[str, subprocess.Popen[str]] = {}
        self._commands: list[subprocess.Popen[str]] = []

    def __enter__(self) -> "Hosts":
        try:
            switch = self._add_namespace("switch")
            _ip("-n", switch, "link", "add", "bridge", "type", "bridge")
            _ip("-n", switch, "link", "set", "bridge", "up")
            for name in self._names:
                self._add_host(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._first):
            self._end(name)
        for process in self._commands:
            process.wait(30)
        for name in (*self._names, "switch"):
            subprocess.run(["ip", "netns", "delete", self._namespace(name)], capture_output=True, check=False)

    def address(self, name: str) -> str:
        """Returns a host's address."""
        return f"{NETWORK}.{self._names.index(name) + 1}"

    def folder(self, name: str) -> Path:
        """Returns a host's folder for temporary files."""
        return self._folder / name

    def start(
        self, name: str, command: Sequence[str], *, output: int | IO[str], **environment: str
    ) -> subprocess.Popen[str]:
        """Starts a command on a host. It ends with its host."""
        temporary = str(self.folder(name))
        process = subprocess.Popen(
            ["nsenter", "--target", self._first_pid(name), *_options(NAMESPACES), "--", *command],
            env=os.environ | {"TMPDIR": temporary, "RAY_TMPDIR": temporary} | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._commands.append(process)
        return process

    def lose(self, name: str) -> None:
        """Cuts a host's cable, then kills all that runs on it."""
        _ip("-n", self._namespace("switch"), "link", "set", self._cable(name), "down")
        self._end(name)

    def _add_host(self, name: str) -> None:
        host, switch, cable = self._add_namespace(name), self._namespace("switch"), self._cable(name)
        _ip("-n", switch, "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", host)
        _ip("-n", switch, "link", "set", cable, "master", "bridge", "up")
        _ip("-n", host, "address", "add", f"{self.address(name)}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", host, "link", "set", device, "up")
        self.folder(name).mkdir()
        own = ["unshare", *_options(NAMESPACES - {"net"}), "--mount-proc", "--fork", "--kill-child"]
        settle = 'hostname "$1" && mount -t tmpfs shm /dev/shm && exec "$2" -c "$3"'
        self._first[name] = subprocess.Popen(
            ["ip", "netns", "exec", host, *own, "sh", "-c", settle, "sh", name, sys.executable, FIRST],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        said = self._first[name].stdout
        if said is None or said.readline() != "up\n":
            raise OSError(f"{name}: its first process did not start")

    def _first_pid(self, name: str) -> str:
        unshare = self._first[name].pid
        return Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()[0]

    def _end(self, name: str) -> None:
        unshare = self._first.pop(name)
        unshare.kill()  # its child dies with it, and the whole host with that
        unshare.communicate()

    def _add_namespace(self, name: str) -> str:
        _ip("netns", "add", self._namespace(name))
        return self._namespace(name)

    def _namespace(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def _cable(self, name: str) -> str:
        return f"to-{self._names.index(name)}"


def _options(namespaces: Collection[str]) -> list[str]:
    return [f"--{name}" for name in sorted(namespaces)]


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
