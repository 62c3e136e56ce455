"""Lanes do not notice each other, whatever the kinds they are made of."""

import jax
import numpy as np
import pytest

from gridsweep.kinds import discover
from gridsweep.networks import Network
from gridsweep.optimizers import Optimizer
from gridsweep.spec import Sweep
from gridsweep.targets import Target
from gridsweep.train.lanes import advance_lanes, init_lanes, micro_batches
from tests.tiny import small_document, small_node

WIDTH = 4
PARTS = [
    (path, kind)
    for path, family in (("target", Target), ("network", Network), ("training.optimizer", Optimizer))
    for kind in discover(family.package, family).values()
]
every_part = pytest.mark.parametrize(
    ("path", "kind"), PARTS, ids=[f"{path.split('.')[-1]}-{kind.kind_name()}" for path, kind in PARTS]
)


def train(runs):
    systems = micro_batches(runs, WIDTH)[0]
    return jax.tree.map(np.asarray, advance_lanes(systems, init_lanes(systems), 3))


def lane(states, number):
    return [leaf[number] for leaf in jax.tree.leaves(states)]


@pytest.mark.slow  # a program for each kind
@every_part
def test_a_lane_has_the_same_bits_beside_other_lanes_and_beside_a_spoiled_one(path, kind):
    document = small_document(
        seeds=5,
        parameters={
            path: {"value": small_node(kind)},
            "training.learning_rate": {"values": [1e-3, 1e-2]},
        },
    )
    document["base"].pop("loss")
    runs = list(Sweep(document))
    reference = train(runs[:WIDTH])
    assert all(reference.alive)
    company = train([runs[7], runs[9], runs[0], runs[4]])
    for found, expected in zip(lane(company, 2), lane(reference, 0), strict=True):
        np.testing.assert_array_equal(found, expected)

    systems = micro_batches(runs[:WIDTH], WIDTH)[0]
    states = init_lanes(systems)
    spoiled = states._replace(weights=jax.tree.map(lambda leaf: leaf.at[1].set(np.nan), states.weights))
    after = jax.tree.map(np.asarray, advance_lanes(systems, spoiled, 3))
    np.testing.assert_array_equal(after.alive, [True, False, True, True])
    for number in (0, 2, 3):
        for found, expected in zip(lane(after, number), lane(reference, number), strict=True):
            np.testing.assert_array_equal(found, expected)
