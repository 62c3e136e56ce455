"""Four processes at once, one of which freezes and wakes: one takes over, after a minute, and each cohort is there once."""

import pytest

from gridsweep.store import claims
from tests.faults.claim_rounds import run_rounds

SEED = 20261124


@pytest.mark.parametrize("rounds", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_a_holder_that_freezes_is_overtaken_by_one_after_a_minute_and_doubles_nothing(memory_path, rounds):
    found = run_rounds(memory_path, rounds=rounds, seed=SEED)
    assert found.bad == 0, found
    assert found.launches == 2 * rounds
    assert found.longest_s < claims.DEAD_AFTER_S + 20, "a heartbeat and a look later"


def test_claims_that_end_too_soon_are_caught(memory_path, monkeypatch):
    monkeypatch.setattr(claims, "DEAD_AFTER_S", 5.0)  # the heart beats every 10 s
    assert run_rounds(memory_path, rounds=5, seed=SEED).early > 0
