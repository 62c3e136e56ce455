"""Axes and laws: what is swept, what is drawn, and how wrong ones are named."""

import numpy as np
import pytest

from gridsweep.spec import SweepError
from gridsweep.spec.axes import Axis, Law, read_axes, spelling

RATE = "training.learning_rate"
UNITS = "network.units"


def read(parameters, zipped=None, random=False):
    mistakes = []
    axes, laws = read_axes(parameters, zipped, random=random, mistakes=mistakes)
    return axes, laws, [f"{mistake.key}: {mistake.text}" for mistake in mistakes]


def test_a_value_and_a_list_of_values_are_axes():
    axes, laws, mistakes = read({RATE: {"values": [0.1, 0.2]}, UNITS: {"value": 8}})
    assert axes == [Axis((RATE,), ((0.1,), (0.2,))), Axis((UNITS,), ((8,),))]
    assert (laws, mistakes) == ([], [])


def test_wandbs_other_names_of_an_axis_are_understood():
    axes, _, mistakes = read(
        {
            RATE: {"distribution": "categorical", "values": [1, 2]},
            UNITS: {"distribution": "constant", "value": 8},
        }
    )
    assert [len(axis.values) for axis in axes] == [2, 1]
    assert not mistakes


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (5, "found the number 5, expected {values: [...]}"),
        ({}, "expected value, values or distribution"),
        ({"values": 0.1}, "values: found the number 0.1, expected a list"),
        ({"values": []}, "the axis is empty: the sweep would have 0 runs"),
        ({"values": [1, 1.0]}, "the number 1 and the number 1.0 are the same: it would run twice"),
        ({"values": ["rnn", {"kind": "rnn"}]}, "are the same: it would run twice"),
        ({"values": [{"a": 1, "b": 2}, {"b": 2.0, "a": 1}]}, "are the same: it would run twice"),
        ({"vales": [1]}, 'unknown key "vales"; did you mean "values"'),
        ({"values": [1], "min": 0}, '"min" has no meaning beside values'),
        ({"values": [1], "value": 1}, "has no meaning beside"),
        ({"values": [1], "probabilities": [1]}, 'unknown key "probabilities"'),
        ({"distribution": "unifrom", "min": 0, "max": 1}, 'did you mean "uniform"'),
        ({"distribution": "beta"}, 'found the text "beta", expected a distribution: uniform, int_uniform'),
        ({"distribution": ["uniform"]}, "found a list of 1, expected a distribution"),
        ({"distribution": None}, "found nothing, expected a distribution"),
        ({"distribution": "categorical"}, "expected values"),
        (
            {"distribution": "uniform", "min": 0},
            "found the number 0, nothing; uniform needs the numbers min and max",
        ),
        ({"distribution": "uniform", "min": "a", "max": 1}, "needs the numbers min and max"),
        ({"distribution": "uniform", "min": True, "max": 2}, "needs the numbers min and max"),
        ({"distribution": "uniform", "min": 0, "max": float("inf")}, "needs the numbers min and max"),
        ({"distribution": "uniform", "min": 2, "max": 1}, "found min 2 and max 1, expected min below max"),
        ({"distribution": "log_uniform_values", "min": 0, "max": 1}, "expected min below max and above 0"),
        ({"distribution": "int_uniform", "min": 0.5, "max": 3}, "expected whole numbers"),
        ({"distribution": "normal", "mu": 0, "sigma": -1}, "found sigma -1, expected at least 0"),
        ({"distribution": "uniform", "min": 0, "max": 1, "mu": 3}, '"mu" has no meaning beside uniform'),
    ],
)
def test_a_wrong_axis_is_named_with_its_key(said, expected):
    _, _, mistakes = read({RATE: said}, random=True)
    assert any(
        mistake.startswith(f'parameters: "{RATE}": ') and expected in mistake for mistake in mistakes
    ), mistakes


def test_a_grid_has_no_distributions():
    _, laws, mistakes = read({RATE: {"distribution": "uniform", "min": 0, "max": 1}})
    assert not laws
    assert "a distribution needs method: random; a grid needs values" in mistakes[0]


@pytest.mark.parametrize(
    ("said", "low", "high", "whole"),
    [
        ({"distribution": "uniform", "min": -1, "max": 2}, -1, 2, False),
        ({"distribution": "int_uniform", "min": 3, "max": 5}, 3, 5, True),
        ({"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-2}, 1e-4, 1e-2, False),
    ],
)
def test_a_law_draws_between_its_ends_and_reaches_them(said, low, high, whole):
    (law,) = read({RATE: said}, random=True)[1]
    assert isinstance(law, Law)
    drawn = np.array([law.draw(np.random.default_rng(seed)) for seed in range(500)])
    assert low <= drawn.min()
    assert drawn.max() <= high
    scale = np.log if said["distribution"] == "log_uniform_values" else np.asarray
    reach = (scale(drawn) - scale(low)) / (scale(high) - scale(low))
    assert reach.min() < 0.02
    assert reach.max() > 0.98
    assert reach.mean() == pytest.approx(0.5, abs=0.07)
    if whole:
        assert set(drawn) == {3, 4, 5}


@pytest.mark.parametrize(
    ("zipped", "expected"),
    [
        ("ab", "expected lists of at least two keys"),
        ([["a"]], "expected lists of at least two keys"),
        (["a", 5], "expected lists of at least two keys"),
        (["a", "ab"], '"ab" is no axis of parameters'),
        (["a", "c"], "tied axes have different lengths (a: 2, c: 3)"),
        (["a", "a"], '"a" stands twice'),
        ([["a", "b"], ["b", "a"]], "stands twice"),
        (["a", "d"], '"d" is drawn from a distribution'),
    ],
)
def test_wrong_ties_are_named(zipped, expected):
    parameters = {
        "a": {"values": [1, 2]},
        "b": {"values": [3, 4]},
        "c": {"values": [5, 6, 7]},
        "d": {"distribution": "uniform", "min": 0, "max": 1},
    }
    _, _, mistakes = read(parameters, zipped, random=True)
    assert any(expected in mistake for mistake in mistakes), mistakes


def test_tied_axes_stand_where_the_first_of_them_stood():
    parameters = {name: {"values": [f"{name}1", f"{name}2"]} for name in "abcd"}
    axes, _, mistakes = read(parameters, [["a", "c"], ["d", "b"]])
    assert not mistakes
    assert [axis.keys for axis in axes] == [("a", "c"), ("d", "b")]
    assert axes[1].values == (("d1", "b1"), ("d2", "b2"))


def test_values_are_spelled_by_what_they_mean():
    assert spelling(1) == spelling(1.0)
    assert spelling(1) != spelling(True) != spelling("1")
    assert spelling(0.1) != spelling(0.10000001)
    assert spelling({"uniform": [1, 2]}) == spelling({"uniform": [1.0, 2.0]})


def test_an_error_shows_itself_to_those_who_catch_value_errors():
    assert issubclass(SweepError, ValueError)
