"""A run's settings as columns and back, also through what other programs make of NULL."""

import math

import pytest

from gridsweep.spec import Rejected, Sweep, build, flatten, run_id, unflatten
from tests.tiny import small_document


@pytest.fixture
def columns():
    return flatten(Sweep(small_document())[0].system)


def test_every_setting_has_a_dotted_name_and_evaluations_have_none(columns):
    assert columns["system.kind"] == "path_integrator"
    assert columns["training.optimizer.kind"] == "adam"
    assert columns["target.field_width_m"] == 0.12
    assert columns["target.field_width_m_kind"] == "constant"
    assert columns["target.field_width_m_low"] is None
    assert not any(name.startswith("evaluation") for name in columns)


def test_a_law_for_each_cell_is_kept_as_its_two_ends(columns):
    spread = columns | {
        "target.field_width_m": None,
        "target.field_width_m_kind": "uniform",
        "target.field_width_m_low": 0.1,
        "target.field_width_m_high": 0.3,
    }
    assert flatten(unflatten(spread)) == spread


def test_columns_of_other_kinds_are_null_and_read_over(columns):
    others = {
        "target.surround_ratio": None,
        "system.smoothing_bins": math.nan,
        "status": "completed",
        "lane": 3,
    }
    assert run_id(unflatten(columns | others)) == run_id(unflatten(columns))


def test_whole_numbers_may_come_back_as_floats(columns):
    assert run_id(unflatten(columns | {"network.units": 8.0})) == run_id(unflatten(columns))


def test_columns_of_another_version_are_refused_with_all_that_is_wrong(columns):
    with pytest.raises(Rejected) as raised:
        unflatten(columns | {"network.layers": 3, "target.field_width_m": -1.0})
    assert {mistake.key for mistake in raised.value.mistakes} == {"network.layers", "target.field_width_m"}


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"system": 5}, "system"),
        ({"system": {"kind": ["a"]}}, "system.kind"),
        ({"target": 5}, "target"),
        ({"target": {"kind": ["gaussian"]}}, "target.kind"),
        ({"loss": 5}, "loss"),
        ({"bogus": {}}, "bogus"),
        ({"system": {"arena": {"kind": "box"}}}, "system.arena"),
        ({"training": {"optimizer": {"kind": "adam", "rate": 1}}}, "training.optimizer.rate"),
        ({"evaluation": [{"kind": "corrected"}, {"kind": "publishd"}]}, "evaluation[1].kind"),
    ],
)
def test_settings_that_make_no_tree_are_rejected_by_key(settings, key):
    with pytest.raises(Rejected) as raised:
        build(settings)
    assert [mistake.key for mistake in raised.value.mistakes] == [key]


def test_the_plainest_run_needs_no_settings_at_all():
    assert flatten(build({}))["target.kind"] == "gaussian"
