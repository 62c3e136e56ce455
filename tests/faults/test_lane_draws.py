"""A hundred cohorts drawn at random, killed, resumed, spoiled: no lane has other bits for it."""

import pytest

from tests.faults.lane_draws import draw_lanes

SEED = 20261124


@pytest.mark.slow  # three programs; test_lanes.py draws fifteen of one in every run
def test_a_hundred_draws_of_neighbours_kills_and_spoiled_lanes_change_no_bit(memory_path):
    found = draw_lanes(memory_path, draws=100, seed=SEED)
    assert (found.different, found.touched, found.unnoticed) == (0, 0, 0), found.first
    assert min(found.lanes, found.beside_nan) > 200
