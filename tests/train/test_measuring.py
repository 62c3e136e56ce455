"""What a device does: every combination has a row with a rate."""

import pytest

from gridsweep.train.measuring import Combinations, measure_device


def test_every_combination_is_measured():
    asked = Combinations(
        units=[8],
        networks=["rnn"],
        precisions=["float32", "bfloat16"],
        lanes=[1, 3],
        place_cells=12,
        batch_size=4,
        steps=3,
        updates=2,
    )
    rows = list(measure_device(asked))
    assert [(row["precision"], row["lanes"]) for row in rows] == [
        ("float32", 1), ("float32", 3), ("bfloat16", 1), ("bfloat16", 3),
    ]  # fmt: skip
    for row in rows:
        assert row["updates_per_s"] * row["us_per_update"] == pytest.approx(1e6)
        assert 0 < row["of_ceiling"] < 1
