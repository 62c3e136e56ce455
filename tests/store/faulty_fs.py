"""A file system that fails at one chosen call: dies there, refuses, or lets somebody else go first."""

import errno
import os

from gridsweep.store.fs import FS

CHANGING = ("write_new", "link", "fsync_dir", "replace", "unlink", "make_dir")
ALL = (*CHANGING, "read", "read_tail", "names", "stat")


class Died(BaseException):
    """The process ended here: nothing after this point happened, not even tidying up."""


class FaultyFS(FS):
    """The real file system, except for call number ``at``, counted from 1.

    Args:
        at: the call to strike; 0 for none.
        fault: "die before", "die after", "die torn" (half of a write happened), an errno's name
            ("ENOSPC"), such a name with "after" (the call worked, its answer did not arrive), or
            a function to call first.
        persistent: whether the calls after it fail as well. A dead process does nothing more.
        counted: the calls that are counted and struck.
    """

    def __init__(self, at=0, fault="die before", persistent=False, counted=ALL):
        self.at, self.fault, self.persistent = at, fault, persistent
        self.calls = 0
        self.dead = False
        for name in ALL:
            setattr(self, name, self._around(name, getattr(self, name), name in counted))

    def _around(self, name, work, counts):
        def call(*arguments):
            if self.dead:
                raise Died
            if not counts:
                return work(*arguments)
            self.calls += 1
            struck = self.at and (self.calls == self.at or (self.persistent and self.calls > self.at))
            return self._strike(name, work, arguments) if struck else work(*arguments)

        return call

    def _strike(self, name, work, arguments):
        if callable(self.fault):
            self.fault()
            return work(*arguments)
        kind, _, when = self.fault.partition(" ")
        if when == "torn" and name == "write_new":
            path, data = arguments
            path.write_bytes(bytes(data[: len(data) // 2]))
        if when == "after":
            work(*arguments)
        if kind == "die":
            self.dead = True
            raise Died
        code = getattr(errno, kind)
        raise OSError(code, os.strerror(code))
