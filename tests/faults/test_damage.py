"""A finished store that is altered anywhere reports no wrong number."""

import pytest

from tests.faults.damage import Damaged, run_damage

SEED = 20261124


def check(found: Damaged) -> None:
    assert (found.wrong, found.unnamed) == (0, 0), f"seed {found.seed}: {found.first}"
    assert min(found.refused, found.warned, found.harmless) > 0, "or the campaign altered nothing that counts"


@pytest.mark.parametrize("compacted", [False, True], ids=["as committed", "compacted"])
def test_ninety_alterations_change_no_answer_in_silence(memory_path, compacted):
    check(run_damage(memory_path, mutations=90, seed=SEED, compacted=compacted))


@pytest.mark.slow
@pytest.mark.parametrize("compacted", [False, True], ids=["as committed", "compacted"])
def test_a_thousand_alterations_change_no_answer_in_silence(memory_path, compacted):
    check(run_damage(memory_path, mutations=1000, seed=SEED + 1, compacted=compacted))
