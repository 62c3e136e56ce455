import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gridsweep.store import Claims, StoreError
from gridsweep.store.claims import DEAD_AFTER_S, HEARTBEAT_S
from gridsweep.store.owner import Owner

COHORT = "0123456789abcdef"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s

    def wait(self, seconds):
        self.now_s += seconds


@pytest.fixture
def clock():
    return Clock()


def owner(host):
    """A process on another machine, of which nobody here can say whether it lives."""
    return Owner(host=host, machine=host * 12, pid=4711, started=99)


@pytest.fixture
def ours(store, clock):
    return Claims(store, clock=clock, host=owner("a"))


@pytest.fixture
def theirs(store, clock):
    return Claims(store, clock=clock, host=owner("b"))


def test_a_cohort_is_held_by_one_until_it_is_released(ours, theirs):
    claim = ours.try_claim(COHORT)
    assert claim.epoch == 1
    assert theirs.try_claim(COHORT) is None
    assert not claim.lost()
    claim.release()
    assert theirs.try_claim(COHORT).epoch == 1


def test_one_process_cannot_claim_a_cohort_twice(store, clock):
    claims = Claims(store, clock=clock)
    assert claims.try_claim(COHORT)
    assert claims.try_claim(COHORT) is None
    assert Claims(store, clock=clock).try_claim(COHORT) is None


def test_other_cohorts_are_free(ours, theirs):
    ours.try_claim(COHORT)
    assert theirs.try_claim("fedcba9876543210")


def test_a_holder_that_shows_nothing_for_a_minute_is_overtaken_and_finds_out(ours, theirs, clock):
    claim = ours.try_claim(COHORT)
    assert theirs.try_claim(COHORT) is None, "the minute begins with the observer's first look"
    clock.wait(DEAD_AFTER_S - 1)
    assert theirs.try_claim(COHORT) is None
    clock.wait(1)
    taken = theirs.try_claim(COHORT)
    assert taken.epoch == 2
    assert claim.lost()
    assert not taken.lost()
    claim.release()
    assert not taken.lost(), "the loser's release takes nothing away"
    assert ours.try_claim(COHORT) is None


def test_a_holder_whose_heart_beats_is_never_overtaken(ours, theirs, clock):
    claim = ours.try_claim(COHORT)
    for _ in range(100):
        assert theirs.try_claim(COHORT) is None
        clock.wait(HEARTBEAT_S)
        claim.heartbeat()
    assert not claim.lost()


def test_a_long_time_before_the_first_look_means_nothing(ours, theirs, clock):
    ours.try_claim(COHORT)
    clock.wait(10 * DEAD_AFTER_S)
    assert theirs.try_claim(COHORT) is None


def test_clocks_of_two_machines_are_never_compared(store):
    early, late = Clock(), Clock()
    late.now_s = 9e9
    claim = Claims(store, clock=early, host=owner("a")).try_claim(COHORT)
    observer = Claims(store, clock=late, host=owner("b"))
    assert observer.try_claim(COHORT) is None
    early.wait(HEARTBEAT_S)
    claim.heartbeat()
    late.wait(DEAD_AFTER_S)
    assert observer.try_claim(COHORT) is None


def test_heartbeats_are_written_every_ten_seconds_at_most(ours, store, clock):
    claim = ours.try_claim(COHORT)
    beat = store.layout.leases / f"{COHORT}.1.hb"
    claim.heartbeat()
    assert not beat.exists()
    clock.wait(HEARTBEAT_S)
    claim.heartbeat()
    first = beat.read_text()
    clock.wait(HEARTBEAT_S / 2)
    claim.heartbeat()
    assert beat.read_text() == first
    clock.wait(HEARTBEAT_S / 2)
    claim.heartbeat()
    assert beat.read_text() != first


def test_a_holder_who_died_on_this_machine_is_overtaken_at_once(store, clock):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        stat = Path(f"/proc/{process.pid}/stat").read_text()
        child = replace(Owner.here(), pid=process.pid, started=int(stat.rpartition(")")[2].split()[19]))
        claim = Claims(store, clock=clock, host=child).try_claim(COHORT)
        observer = Claims(store, clock=clock)
        assert observer.try_claim(COHORT) is None
        assert [holder.owner.pid for holder in observer.holders()] == [process.pid]
        process.kill()
    assert observer.holders() == []
    assert observer.try_claim(COHORT).epoch == 2
    assert claim.lost()


def test_a_process_in_another_container_or_after_a_reboot_is_not_called_dead(store, clock):
    elsewhere = replace(Owner.here(), machine="0123456789ab", pid=2**22 + 1)
    Claims(store, clock=clock, host=elsewhere).try_claim(COHORT)
    assert Claims(store, clock=clock).try_claim(COHORT) is None


def test_holders_are_listed_with_host_process_and_silence(ours, theirs, clock):
    ours.try_claim(COHORT)
    theirs.holders()
    clock.wait(25)
    (holder,) = theirs.holders()
    assert (holder.cohort_id, holder.epoch, holder.unchanged_s) == (COHORT, 1, 25)
    assert (holder.owner.host, holder.owner.pid) == ("a", 4711)


def test_a_lease_that_cannot_be_read_is_waited_for_and_then_overtaken(theirs, store, clock):
    (store.layout.leases / f"{COHORT}.3.json").write_text(json.dumps({"nonce": 7}))
    assert theirs.try_claim(COHORT) is None
    clock.wait(DEAD_AFTER_S)
    assert theirs.try_claim(COHORT).epoch == 4


def test_files_of_overtaken_claims_are_removed(ours, theirs, store, clock):
    claim = ours.try_claim(COHORT)
    clock.wait(HEARTBEAT_S)
    claim.heartbeat()
    theirs.try_claim(COHORT)
    clock.wait(DEAD_AFTER_S)
    theirs.try_claim(COHORT)
    assert store.fs.names(store.layout.leases) == [f"{COHORT}.2.json"]


def test_a_cohort_id_cannot_leave_the_folder(ours):
    with pytest.raises(StoreError, match="expected 8 to 64 lower-case hex digits"):
        ours.try_claim("../../etc/passwd")


def test_a_process_is_told_of_a_claim_that_another_has_watched_for_a_minute(store, ours, theirs, clock):
    theirs.try_claim(COHORT)
    assert [holder.cohort_id for holder in ours.holders()] == [COHORT]
    clock.wait(DEAD_AFTER_S)
    (dead,) = ours.newest().values()
    assert ours.is_over(dead)
    sent = Claims(store, clock=clock, host=owner("c"))
    assert sent.try_claim(COHORT) is None, "its own minute begins with its first look"
    sent.take_as_over(dead.nonce)
    taken = sent.try_claim(COHORT)
    assert taken.epoch == 2
    other = Claims(store, clock=clock, host=owner("d"))
    other.take_as_over(dead.nonce)
    assert other.try_claim(COHORT) is None, "another claim stands there by now"


def test_a_sender_that_knows_of_a_death_waits_no_minute_and_ends_no_other_claim(ours, theirs):
    theirs.try_claim(COHORT, sender="driver-1")
    assert not ours.end_claim_of(COHORT, sender="driver-2")
    assert ours.try_claim(COHORT) is None
    assert ours.end_claim_of(COHORT, sender="driver-1")
    assert ours.try_claim(COHORT).epoch == 2
    assert not ours.end_claim_of("fedcba9876543210", sender="driver-1"), "there is none"


def test_a_claim_that_cannot_be_read_is_over_for_whoever_is_told(store, ours, theirs, clock):
    theirs.try_claim(COHORT)
    (path,) = (store.path / "leases").glob("*.json")
    path.write_text("{")
    assert [holder.owner for holder in ours.holders()] == [None]
    clock.wait(DEAD_AFTER_S)
    assert ours.holders() == []
    sent = Claims(store, clock=clock, host=owner("c"))
    sent.take_as_over(ours.newest()[COHORT].nonce)
    assert sent.try_claim(COHORT).epoch == 2
