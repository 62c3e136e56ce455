import errno
import os

import pytest

from gridsweep.store import StoreError
from gridsweep.store.fs import FS, probe, put_if_absent, stage
from gridsweep.store.owner import Owner
from tests.store.faulty_fs import FaultyFS


@pytest.fixture
def fs():
    return FS()


@pytest.fixture
def staging(tmp_path):
    path = tmp_path / "staging"
    path.mkdir()
    return path


def test_a_file_is_put_once_and_staging_is_left_empty(fs, tmp_path, staging):
    target = tmp_path / "entry.json"
    assert put_if_absent(fs, staging, target, b"first")
    assert not put_if_absent(fs, staging, target, b"second")
    assert target.read_bytes() == b"first"
    assert fs.names(staging) == []


def test_a_link_whose_answer_was_lost_is_still_ours(fs, tmp_path):
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("x")
    os.link(source, target)
    assert fs.link(source, target)


def test_writes_that_the_system_cuts_short_are_completed(fs, tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    data = bytes(range(256))
    fs.write_new(tmp_path / "a", data)
    assert (tmp_path / "a").read_bytes() == data


def test_symbolic_links_are_never_followed(fs, tmp_path):
    (tmp_path / "secret").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    for action in (
        lambda: fs.read(tmp_path / "link"),
        lambda: fs.read_tail(tmp_path / "link", 1),
        lambda: fs.write_new(tmp_path / "link", b""),
        lambda: fs.make_dir(tmp_path / "link"),
    ):
        with pytest.raises(OSError, match=r"Too many levels|File exists|not a directory"):
            action()


def test_a_staged_file_says_who_wrote_it(fs, staging):
    path = stage(fs, staging, b"x")
    assert Owner.from_tag(path.name) == Owner(
        host="", machine=Owner.here().machine, pid=os.getpid(), started=Owner.here().started
    )


def test_the_tail_of_a_short_file_is_the_file(fs, tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert fs.read_tail(tmp_path / "a", 2) == b"bc"
    assert fs.read_tail(tmp_path / "a", 9) == b"abc"


def test_the_probe_accepts_this_file_system_and_leaves_nothing(fs, staging):
    probe(fs, staging)
    assert fs.names(staging) == []


def test_the_probe_refuses_a_file_system_whose_links_overwrite(staging):
    class Overwriting(FS):
        def link(self, source, target):
            target.write_bytes(source.read_bytes())
            return True

    with pytest.raises(StoreError, match="did not fail on this file system"):
        probe(Overwriting(), staging)


def test_the_probe_refuses_a_file_system_without_links(staging):
    class Without(FS):
        def link(self, source, target):
            raise OSError(errno.EPERM, "Operation not permitted")

    with pytest.raises(StoreError, match="has no hard links") as caught:
        probe(Without(), staging)
    assert caught.value.errno == errno.EPERM


def test_half_a_file_that_a_full_disk_had_room_for_is_removed(tmp_path):
    fs = FaultyFS(1, "ENOSPC torn", counted=("write_new",))
    with pytest.raises(OSError, match="No space left"):
        stage(fs, tmp_path, b"0123456789")
    assert list(tmp_path.iterdir()) == []
