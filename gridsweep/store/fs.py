"""The file system as the store uses it: few primitives, each of which either happens or does not.

Everything that commits, plans and claims do to the disk goes through one ``FS`` object, so that
a test can make any single call fail, or end the process there. The store asks three things of a
file system: ``link(2)`` refuses an existing name, ``fsync`` means it, and a directory can be
fsynced. It never overwrites: a file appears under its final name whole, or not at all, and once.
"""

import errno
import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from gridsweep.store.errors import StoreError
from gridsweep.store.owner import Owner

if TYPE_CHECKING:
    import pyarrow.fs

_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class FS:
    """The operating system's own file system."""

    local: ClassVar[bool] = True  # folders, free space and a place for checkpoints are to be had

    def write_new(self, path: Path, data: bytes | memoryview) -> None:
        """Creates a file that must not exist and forces its bytes to disk."""
        descriptor = os.open(path, _NEW, 0o644)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def link(self, source: Path, target: Path) -> bool:
        """Gives a file a second name unless the name is taken; returns whether it is now ours."""
        try:
            os.link(source, target, follow_symlinks=False)
        except FileExistsError:
            # A network file system may repeat a link whose answer was lost, and then find itself.
            return os.path.samestat(os.lstat(source), os.lstat(target))
        return True

    def fsync_dir(self, path: Path) -> None:
        """Forces a directory's names to disk."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """Renames over whatever is there. For heartbeats only: nothing committed is ever replaced."""
        os.replace(source, target)

    def append(self, path: Path, text: str) -> None:
        """Adds to a file's end. For logs only: no record depends on it."""
        with path.open("a") as file:
            file.write(text)

    def unlink(self, path: Path) -> None:
        """Removes a name; a name that is gone already is as good."""
        path.unlink(missing_ok=True)

    def read(self, path: Path) -> bytes:
        """Returns a file's bytes; does not follow a symbolic link."""
        with os.fdopen(os.open(path, _OLD), "rb") as file:
            return file.read()

    def read_tail(self, path: Path, size: int) -> bytes:
        """Returns at most the last ``size`` bytes of a file."""
        with os.fdopen(os.open(path, _OLD), "rb") as file:
            file.seek(-min(size, os.fstat(file.fileno()).st_size), os.SEEK_END)
            return file.read()

    def names(self, path: Path) -> list[str]:
        """Returns the names in a directory, sorted; none when it does not exist."""
        try:
            return sorted(os.listdir(path))
        except FileNotFoundError:
            return []

    def stat(self, path: Path) -> os.stat_result | None:
        """Returns what is known of a name itself, not of what a link points to; None when absent."""
        try:
            return os.lstat(path)
        except FileNotFoundError:
            return None

    def make_dir(self, path: Path) -> None:
        """Makes one directory that outlives a power loss; refuses a symbolic link in its place."""
        try:
            path.mkdir()
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                raise NotADirectoryError(errno.ENOTDIR, "is not a directory", str(path)) from None
        else:
            self.fsync_dir(path.parent)

    def arrow(self) -> "pyarrow.fs.FileSystem":
        """Returns Arrow's file system for the same files."""
        from pyarrow.fs import LocalFileSystem

        return LocalFileSystem()

    def arrow_path(self, path: Path) -> str:
        """Returns a file's name in that."""
        return str(path)


def stage(fs: FS, staging_dir: Path, data: bytes | memoryview) -> Path:
    """Writes bytes under a fresh name that says who is writing, for ``verify`` to tidy up after.

    Half a file that a full disk had room for is removed: a commit is tried again for minutes.
    """
    path = staging_dir / f"{Owner.here().tag()}.{secrets.token_hex(6)}.tmp"
    try:
        fs.write_new(path, data)
    except OSError:
        discard(fs, path)
        raise
    return path


def publish(fs: FS, staged: Path, target: Path) -> bool:
    """Gives a staged file its final name; returns False if another file has it.

    The directory is fsynced either way: a caller who finds another's file there will rely on it.
    """
    ours = fs.link(staged, target)
    fs.fsync_dir(target.parent)
    return ours


def put_if_absent(fs: FS, staging_dir: Path, target: Path, data: bytes) -> bool:
    """Stages and publishes in one go; returns False if the name was taken."""
    staged = stage(fs, staging_dir, data)
    try:
        return publish(fs, staged, target)
    finally:
        discard(fs, staged)


def discard(fs: FS, staged: Path) -> None:
    """Removes a staged file if that is possible; one left behind is tidied up by ``verify``."""
    try:
        fs.unlink(staged)
    except OSError:
        return


def probe(fs: FS, staging_dir: Path) -> None:
    """Raises StoreError unless links on this file system are exclusive, which every commit relies on."""
    first = stage(fs, staging_dir, b"first")
    second = stage(fs, staging_dir, b"second")
    name = first.with_suffix(".probe")
    try:
        try:
            exclusive = fs.link(first, name) and not fs.link(second, name)
        except OSError as error:
            raise StoreError(
                f"{staging_dir}: this file system has no hard links ({error.strerror}), and a commit is one; "
                "put the store on a local disk, NFS, Lustre or another file system that has them",
                error.errno,
            ) from error
        if not exclusive or fs.read(name) != b"first":
            raise StoreError(
                f"{staging_dir}: linking to a name that exists did not fail on this file system, "
                "so that two workers could commit the same cohort; put the store elsewhere"
            )
    finally:
        for path in (first, second, name):
            discard(fs, path)
