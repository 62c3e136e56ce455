"""What a system is: the root of a run, four pure functions written for one lane.

    init(keys) -> state
    advance(state, keys, updates) -> state
    metrics(state, keys) -> the numbers of a line of history
    observe(state, keys) -> Observation

How often ``advance`` is called never changes a number: metrics are taken of the state as it is.

Everything that can stand in a survival plot is a system, so that everything is swept, scored, stored and
drawn by the same machinery. A system is itself the lane's tree: its leaves may be traced.
"""

import dataclasses
import functools
from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple, Self

import jax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from gridsweep.evaluations import Evaluation
from gridsweep.kinds import SEED_LIMIT, Kind, Scalar, Whole, kind, part, per_lane
from gridsweep.systems._threefry import random_key

# One fixed integer per stream of randomness. Never renumber: every stored result depends on them.
STREAMS = {"centre": 1, "init": 2, "trajectory": 3, "evaluation": 4, "noise": 5}


class Keys(NamedTuple):
    """One key per stream of randomness, from seeds alone."""

    centres: PRNGKeyArray
    weights: PRNGKeyArray
    trajectories: PRNGKeyArray
    evaluation: PRNGKeyArray
    noise: PRNGKeyArray


class State(NamedTuple):
    """A lane on its way. What is not needed by a system is an empty tuple."""

    weights: Any  # nested dictionary of arrays: what is kept of a trained run
    optimizer: Any
    update: Int[Array, ""]  # optimizer updates done
    diverged_update: Int[Array, ""]  # the update at which the lane went non-finite; -1 while alive
    alive: Bool[Array, ""]


class Observation(NamedTuple):
    """What is seen of a lane, for each (evaluation, bins) and each evaluation."""

    maps: dict[tuple[str, int], Float[Array, "units bins bins"]]  # NaN where unvisited
    visits: dict[tuple[str, int], Float[Array, "bins bins"]]
    metrics: dict[str, dict[str, Float[Array, ""]]]


def tree_bytes(tree: Any) -> int:
    """Returns the bytes of all arrays of a tree of arrays, or of their shapes."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


@functools.cache
def _followers(cls: type["System"]) -> tuple[tuple[str, str], ...]:
    """Returns the fields that take the value of another when they have none, with that other."""
    declared = cls.declarations()
    return tuple((name, said.follows) for name, said in declared.items() if said.follows)


def _seed(meaning: str, **said: Any) -> Any:
    default = None if "follows" in said else 0
    return per_lane(default, type=int, meaning=meaning, at_least=0, at_most=SEED_LIMIT - 1, **said)


@kind
class System(Kind):
    """What is simulated or trained."""

    package = "gridsweep.systems"
    family = "system"

    streams: ClassVar[tuple[str, ...]] = ()  # the streams that training depends on, whatever is set

    seed: Whole = _seed("seed of every stream that has none of its own", trains=False)
    centre_seed: Whole = _seed("seed of the target's cells", follows="seed")
    init_seed: Whole = _seed("seed of the initial weights", follows="seed")
    trajectory_seed: Whole = _seed("seed of the training walks", follows="seed")
    evaluation_seed: Whole = _seed("seed of the evaluation walks", follows="seed", trains=False)
    noise_seed: Whole = _seed("seed of noise inside the system", follows="seed")
    evaluation: tuple[Evaluation, ...] = part(
        many=True,
        default=("corrected",),
        trains=False,
        meaning="how the result is looked at; the first one leads",
    )

    def __post_init__(self) -> None:
        for name, followed in _followers(type(self)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, getattr(self, followed))

    def canonical(self) -> Self:
        """Leaves out the seeds of streams that this system does not draw from."""
        used = self.draws_from()
        unused = {f"{stream}_seed": 0 for stream in STREAMS if stream not in used}
        return dataclasses.replace(self, **unused)

    def draws_from(self) -> tuple[str, ...]:
        """Returns the streams that training depends on with these settings."""
        return self.streams

    def keys(self) -> Keys:
        """Returns the key of each stream: ``fold_in(key(seed), STREAM)``."""
        return Keys(
            *(
                jax.random.fold_in(random_key(getattr(self, f"{stream}_seed")), number)
                for stream, number in STREAMS.items()
            )
        )

    @property
    @abstractmethod
    def scored_units(self) -> int:
        """How many units are observed and scored."""

    @property
    def map_side_m(self) -> Scalar:
        """Side of the square that the maps cover, in m: the arena's, or the system's own ``side_m``."""
        owner: Any = getattr(self, "arena", self)
        return owner.side_m

    def state_bytes(self) -> int:
        """Returns the memory of a lane's state, in bytes, without making one."""
        return tree_bytes(jax.eval_shape(lambda: self.init(self.keys())))

    @property
    @abstractmethod
    def total_updates(self) -> int:
        """How many optimizer updates make a finished run; 0 where nothing is trained."""

    @abstractmethod
    def operations_per_update(self) -> float:
        """Returns the floating-point operations of one update of one lane, data included."""

    def work_bytes(self) -> float | None:
        """Returns the memory a lane takes at its worst beside its state, in bytes; None: not modelled."""
        return None

    @abstractmethod
    def init(self, keys: Keys) -> State:
        """Returns the lane before its first update."""

    @abstractmethod
    def advance(self, state: State, keys: Keys, updates: Int[Array, ""]) -> State:
        """Returns the lane ``updates`` updates later."""

    @abstractmethod
    def metrics(self, state: State, keys: Keys) -> dict[str, Float[Array, ""]]:
        """Returns what history records of the lane as it is: loss, position_error_cm, energy …"""

    @abstractmethod
    def observe(self, state: State, keys: Keys) -> Observation:
        """Returns the rate maps and metrics of the lane as it is."""
