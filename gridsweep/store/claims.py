"""Claims: who is working on a cohort, so that others do something else meanwhile.

Correctness does not rest on them. A cohort that two workers compute is committed once all the
same; a claim only saves the second computation. So a claim may be wrong for a while, and what
matters is that no dead worker blocks a cohort for long and that no living one is overtaken
because two machines disagree about the time.

A claim is a file ``leases/<cohort_id>.<epoch>.json``, made by whoever is first. Its holder shows
that it lives by replacing a heartbeat file beside it. Whoever sees no change for a minute, by
its own clock, takes the next epoch; a holder that finds a higher epoch than its own has lost.
On one machine nobody has to wait: a process that is gone is gone.

Workers that a driver sends to other machines come and go, too soon to see a minute of silence. So the driver
watches, and tells them whose claim is over; and a claim says who sent its holder, so that a driver which is
told that a worker of its own is dead need not wait.
"""

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gridsweep.store.errors import StoreBusy, naming
from gridsweep.store.fs import discard, put_if_absent, stage
from gridsweep.store.layout import check_id
from gridsweep.store.owner import Owner

if TYPE_CHECKING:
    from gridsweep.store.store import Store

HEARTBEAT_S = 10.0
DEAD_AFTER_S = 60.0
# No cohort has this id: whoever holds it alone compacts or repairs.
MAINTENANCE = "0" * 8

_LEASE = re.compile(r"([0-9a-f]{8,64})\.(\d{1,9})\.json")


@dataclass(frozen=True)
class Holder:
    """Who holds a cohort.

    Args:
        cohort_id: the cohort.
        epoch: how often the cohort changed hands, from 1.
        owner: the process; None when the file cannot be read.
        unchanged_s: how long the observer has seen no heartbeat; 0 at its first look.
        nonce: what tells this claim from any other.
    """

    cohort_id: str
    epoch: int
    owner: Owner | None
    unchanged_s: float
    nonce: str


@dataclass
class Claim:
    """A cohort that is ours to work on. Made by ``Claims.try_claim``."""

    cohort_id: str
    epoch: int
    _claims: "Claims" = field(repr=False)
    _nonce: str = field(repr=False)
    _beaten_at: float = field(repr=False)
    _beats: int = field(default=0, repr=False)

    def heartbeat(self) -> None:
        """Shows that the holder lives; writes every 10 s at most, so it may be called often.

        Raises OSError when the disk refuses. A missed beat is no reason to stop: at worst another
        worker takes over.
        """
        now = self._claims.clock()
        if now - self._beaten_at >= HEARTBEAT_S:
            self._beats += 1
            self._claims.beat(self.cohort_id, self.epoch, f"{self._nonce} {self._beats}")
            self._beaten_at = now

    def lost(self) -> bool:
        """Whether somebody else took over: then stop, nothing is lost by it."""
        return not self._claims.holds(self.cohort_id, self.epoch, self._nonce)

    def release(self) -> None:
        """Gives the cohort back, if it is still ours."""
        if not self.lost():
            self._claims.remove(self.cohort_id, self.epoch)


class Claims:
    """The claims of one store as one process sees them; remembers when each last changed.

    Args:
        store: the store.
        clock: seconds that only ever grow, on this machine.
        host: the process that claims and looks.
    """

    def __init__(
        self, store: "Store", *, clock: Callable[[], float] = time.monotonic, host: Owner | None = None
    ) -> None:
        self.clock = clock
        self._fs = store.fs
        self._layout = store.layout
        self._host = host
        self._seen: dict[str, tuple[object, float]] = {}
        self._over: set[str] = set()

    def try_claim(self, cohort_id: str, *, sender: str = "") -> Claim | None:
        """Returns the claim on a cohort, or None while somebody else has it.

        Args:
            cohort_id: the cohort.
            sender: a name of whoever sent this process and will know if it dies, see ``end_claim_of``.
        """
        check_id(cohort_id, "cohort_id")
        with naming(f"claiming cohort {cohort_id}"):
            epochs = self._epochs().get(cohort_id, [])
            newest = max(epochs, default=0)
            if newest and not self.is_over(self._observe(cohort_id, newest)):
                return None
            nonce = f"{sender}{secrets.token_hex(8)}"
            data = json.dumps({"nonce": nonce, **asdict(self._here())}).encode()
            lease = self._path(cohort_id, newest + 1)
            if not put_if_absent(self._fs, self._layout.staging, lease, data):
                return None
            for epoch in epochs:
                self.remove(cohort_id, epoch)
        return Claim(cohort_id, newest + 1, self, nonce, self.clock())

    def holders(self) -> list[Holder]:
        """Returns who holds which cohort, as far as they are not known to have ended."""
        return [holder for holder in self.newest().values() if not self.is_over(holder)]

    def newest(self) -> dict[str, Holder]:
        """Returns the newest claim on every cohort that has one, whether it is over or not."""
        with naming("reading the claims"):
            seen = {
                cohort_id: self._observe(cohort_id, max(epochs))
                for cohort_id, epochs in self._epochs().items()
            }
        seen.pop(MAINTENANCE, None)
        return seen

    def is_over(self, holder: Holder) -> bool:
        """Whether a claim keeps nobody from its cohort any more, as far as this process knows."""
        dead = holder.owner is not None and holder.owner.is_dead(self._here())
        return dead or holder.nonce in self._over or holder.unchanged_s >= DEAD_AFTER_S

    def take_as_over(self, nonce: str) -> None:
        """Takes another's word that a claim is over: it has watched for longer than this process."""
        self._over.add(nonce)

    def end_claim_of(self, cohort_id: str, *, sender: str) -> bool:
        """Takes a claim as over whose holder ``sender`` sent, and knows to be dead. Returns whether it stood.

        A claim that somebody else made meanwhile is left alone.
        """
        holder = self.newest().get(cohort_id)
        if holder is None or not holder.nonce.startswith(sender):
            return False
        self.take_as_over(holder.nonce)
        return True

    def holder_of(self, cohort_id: str) -> Owner | None:
        """Returns the process whose claim on a cohort is the newest, if it can be told."""
        epochs = self._epochs().get(cohort_id, [])
        return self._read(cohort_id, max(epochs))[0] if epochs else None

    def beat(self, cohort_id: str, epoch: int, text: str) -> None:
        """Replaces a claim's heartbeat."""
        staged = stage(self._fs, self._layout.staging, text.encode())
        try:
            self._fs.replace(staged, self._path(cohort_id, epoch).with_suffix(".hb"))
        except OSError:
            discard(self._fs, staged)
            raise

    def holds(self, cohort_id: str, epoch: int, nonce: str) -> bool:
        """Whether a claim is the newest on its cohort."""
        with naming(f"looking at the claim on cohort {cohort_id}"):
            if max(self._epochs().get(cohort_id, []), default=0) != epoch:
                return False
            return self._read(cohort_id, epoch)[1] == nonce

    def remove(self, cohort_id: str, epoch: int) -> None:
        """Removes one claim's files."""
        lease = self._path(cohort_id, epoch)
        self._fs.unlink(lease.with_suffix(".hb"))
        self._fs.unlink(lease)

    def _observe(self, cohort_id: str, epoch: int) -> Holder:
        owner, nonce = self._read(cohort_id, epoch)
        try:
            beat = self._fs.read(self._path(cohort_id, epoch).with_suffix(".hb"))
        except FileNotFoundError:
            beat = b""
        now, state = self.clock(), (epoch, nonce, beat)
        known, since = self._seen.get(cohort_id, (None, now))
        if known != state:
            since = now
            self._seen[cohort_id] = (state, now)
        return Holder(cohort_id, epoch, owner, now - since, nonce or f"unreadable {epoch}")

    def _read(self, cohort_id: str, epoch: int) -> tuple[Owner | None, str]:
        try:
            found = json.loads(self._fs.read(self._path(cohort_id, epoch)))
            nonce = found.pop("nonce")
            return Owner(**found), nonce
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            # Released just now, or not ours to understand: then the clock decides.
            return None, ""

    def _epochs(self) -> dict[str, list[int]]:
        epochs: dict[str, list[int]] = {}
        for name in self._fs.names(self._layout.leases):
            if (match := _LEASE.fullmatch(name)) is not None:
                epochs.setdefault(match[1], []).append(int(match[2]))
        return epochs

    def _here(self) -> Owner:
        return self._host or Owner.here()

    def _path(self, cohort_id: str, epoch: int) -> Path:
        return self._layout.leases / f"{cohort_id}.{epoch}.json"


@contextmanager
def maintenance(store: "Store", what: str) -> Iterator[Claim]:
    """Holds the one store-wide lease; training and committing go on meanwhile.

    Raises StoreBusy while another process holds it.
    """
    claims = Claims(store)
    claim = claims.try_claim(MAINTENANCE)
    if claim is None:
        owner = claims.holder_of(MAINTENANCE)
        who = f"process {owner.pid} on {owner.host}" if owner else "another process"
        raise StoreBusy(
            f"{store.path}: {who} is compacting or repairing this store; {what} when it is done "
            f"(or {DEAD_AFTER_S:.0f} s after it died)"
        )
    try:
        yield claim
    finally:
        claim.release()
