"""How many walks an evaluation takes: the published one batch, and enough of them."""

import pytest

from gridsweep.evaluations.corrected import WALKS_PER_BATCH, Corrected
from gridsweep.evaluations.published import Published


@pytest.mark.parametrize("batch_size", [1, 30, 200])
def test_the_published_evaluation_is_one_batch_of_fifty_steps(batch_size):
    evaluation = Published()
    assert evaluation.batches(batch_size, 20) == (1, batch_size)
    assert evaluation.walk_steps(20) == evaluation.walk_steps(5) == 50
    assert evaluation.bins == (44, 20, 32)


def test_the_corrected_evaluation_does_not_depend_on_the_training_batch():
    evaluation = Corrected()
    assert evaluation.batches(1, 20) == evaluation.batches(200, 20) == (20, WALKS_PER_BATCH)
    assert evaluation.walk_steps(20) == 20
    assert Corrected(steps=7).walk_steps(20) == 7


def test_few_positions_take_few_walks():
    assert Corrected(positions=1_000).batches(200, 10) == (1, 100)
    assert Corrected(positions=1_001).batches(200, 1_000) == (1, 2)
