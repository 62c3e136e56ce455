"""Who holds a claim or writes a staging file: a process, told apart from every other one.

A process id alone is not enough. It is reused, so the start time belongs to it; it is known only
to the kernel that gave it out, so the boot id belongs to it; and two containers on one machine
have the same boot id but see different processes, so the process namespace belongs to it too.
Whoever cannot be recognised for certain is never called dead.
"""

import hashlib
import os
import re
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TAG = re.compile(r"([0-9a-f]{12})\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class Owner:
    """One process.

    Args:
        host: name of its machine, for people.
        machine: which processes can see one another: a hash of boot id and process namespace,
            empty where the system does not tell.
        pid: its process id.
        started: its start, in clock ticks since boot; 0 where the system does not tell.
    """

    host: str
    machine: str
    pid: int
    started: int

    @classmethod
    def here(cls) -> "Owner":
        """Returns the calling process."""
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> "Owner":
        """Returns a process of this machine."""
        return cls(host=socket.gethostname(), machine=_machine(), pid=pid, started=_started(pid))

    def is_dead(self, here: "Owner") -> bool:
        """Whether the process has certainly ended, as far as ``here`` is able to see."""
        if not self.machine or not self.started or self.machine != here.machine:
            return False
        return _started(self.pid) != self.started

    def tag(self) -> str:
        """Returns the owner as the beginning of a file name."""
        return f"{self.machine or '0' * 12}.{self.pid}.{self.started}"

    @classmethod
    def from_tag(cls, name: str) -> "Owner | None":
        """Returns the owner that a file name begins with, or None."""
        if (match := _TAG.match(name)) is None:
            return None
        machine, pid, started = match.groups()
        return cls(host="", machine=machine.replace("0" * 12, ""), pid=int(pid), started=int(started))


@cache
def _machine() -> str:
    try:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
    return hashlib.sha256(f"{boot_id} {namespace}".encode()).hexdigest()[:12]


def _started(pid: int) -> int:
    """Returns when a process began, or 0 when there is none or it has ended but was not waited for."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    # The second field is the program's name in brackets and may itself hold spaces and brackets.
    state, *rest = text[text.rindex(")") + 2 :].split()
    return 0 if state in "ZX" else int(rest[18])
