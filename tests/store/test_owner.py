import os
import subprocess
import sys
from dataclasses import replace

from gridsweep.store.owner import Owner


def test_this_process_lives_and_knows_itself():
    here = Owner.here()
    assert here.pid == os.getpid()
    assert not here.is_dead(here)


def test_a_reused_process_id_is_another_process():
    here = Owner.here()
    assert replace(here, started=here.started - 1).is_dead(here)


def test_a_process_that_ended_is_dead_even_before_it_is_waited_for():
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    here = Owner.here()
    assert replace(here, pid=process.pid).is_dead(here)
    process.wait()


def test_a_process_of_another_machine_or_an_unknown_one_is_never_called_dead():
    here = Owner.here()
    gone = replace(here, pid=2**22 + 1)
    assert gone.is_dead(here)
    assert not replace(gone, machine="0123456789ab").is_dead(here)
    assert not replace(gone, machine="").is_dead(replace(here, machine=""))
    assert not replace(gone, started=0).is_dead(here)


def test_an_owner_survives_a_file_name():
    here = Owner.here()
    assert Owner.from_tag(here.tag() + ".abc.tmp") == replace(here, host="")
    assert Owner.from_tag("notes.txt") is None
