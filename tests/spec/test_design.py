"""What no run of a sweep would mean: named with its file and key, whatever is asked."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsweep.plan import expand
from gridsweep.spec import Sweep, SweepError
from tests.tiny import small_document


def sweep(**changes):
    return Sweep(small_document(**changes), where="f.yaml")


def complaints(**changes):
    with pytest.raises(SweepError) as raised:
        expand(sweep(**changes))
    return str(raised.value)


def base(**parts):
    document = small_document()
    return {"base": document["base"] | parts}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"base": 5}, "f.yaml, base: found the number 5, expected a mapping of parts"),
        ({"base": []}, "f.yaml, base: found a list of 0, expected a mapping of parts"),
        ({"parameters": []}, "f.yaml, parameters: found a list of 0, expected a mapping"),
        ({"name": "Not a slug"}, 'f.yaml, name: found the text "Not a slug", expected a slug'),
        ({"method": "gird"}, 'f.yaml, method: found the text "gird", expected one of grid, random, list'),
        ({"method": ["grid"]}, "f.yaml, method: found a list of 1"),
        ({"runs": [{}]}, "f.yaml, runs: needs method: list"),
        ({"method": "list"}, "f.yaml, runs: found nothing, expected a list of settings"),
        ({"seeds": True}, "f.yaml, seeds: found true"),
        ({"seeds": 0}, "f.yaml, seeds: found the number 0, expected how many (1 to 1,000,000)"),
        ({"seeds": 2_000_000}, "expected how many (1 to 1,000,000) or a list of seeds"),
        ({"seeds": []}, "f.yaml, seeds: found an empty list"),
        ({"seeds": [2**32]}, "found the number 4294967296, expected a whole number of at least 0 and below 2^32"),
        ({"seeds": [1.5]}, "found the number 1.5"),
        ({"seeds": [*range(20_000), 77]}, "the seed 77 stands twice"),
        ({"seeds": 2, "parameters": {"system.seed": {"values": [1, 2]}}}, '"system.seed" is set as well'),
        ({"parameters": {"seed": {"values": [1]}}}, 'seeds are given by "seeds"'),
        ({"lanes": 0}, "f.yaml, lanes: found the number 0, expected a whole number from 1"),
        ({"expect": "1"}, 'f.yaml, expect: found the text "1", expected a whole number'),
        ({"expect": True}, "f.yaml, expect: found true"),
        ({"expect": 2}, "f.yaml, expect: the file has 1 runs, expected 2"),
        ({"keep": {"rate_map": "all"}}, 'f.yaml, keep.rate_map: unknown; did you mean "rate_maps"'),
        ({"keep": {"weights": "all"}}, "f.yaml, keep.weights: found the text \"all\", expected one of none, final"),
        ({"keep": None}, "f.yaml, keep: found nothing"),
        ({"description": 5}, "f.yaml, description: found the number 5, expected text"),
        ({"metric": {"goal": float("nan")}}, "f.yaml, metric: holds a number that is not finite"),
        ({"figures": "all"}, "f.yaml, figures: found the text"),
        ({"sampling_seed": -1}, "f.yaml, sampling_seed: found the number -1"),
        ({"exclude": {"a": 1}}, "f.yaml, exclude: found a mapping of a, expected a list"),
        ({"exclude": [{"network.unit": 4}], "parameters": {"network.units": {"values": [4]}}}, 'did you mean "network.units"'),
        ({"exclude": [{"network.units": 5}], "parameters": {"network.units": {"values": [4]}}}, '"network.units" is never the number 5'),
        ({"exclude": [{"network.units": 4}], "parameters": {"network.units": {"values": [4]}}}, "nothing is left: every run is excluded"),
        ({"parameters": {"evaluation": {"values": ["corrected", "published"]}}}, "base.evaluation takes a list"),
        ({"parameters": {"system.evaluation_seed": {"values": [1, 2]}}}, "does not change training, so it cannot be an axis"),
        ({"parameters": {"network.units": {"values": [3.5, "a"]}}}, 'found the text "a", expected a whole number'),
        ({"parameters": {"training.learning_rate": {"values": [1e300]}}}, "found the number 1e+300, expected a number above 0"),
        ({"parameters": {"trajectory.time_step_s": {"values": [1e-300]}}}, "within the range of float32"),
        ({"parameters": {"network.units": {"values": [10**400]}}}, "found a number of 1,329 bits"),
        ({"parameters": {"a.b": {"values": [1]}}}, 'no part "a" in these runs'),
        ({"parameters": {"training.optimiser.kind": {"values": ["adam"]}}}, '"training" has no part "optimiser"'),
        ({"parameters": {"target": {"values": [{"kind": "gauss"}]}}}, 'expected a kind of target: cartesian'),
        ({"parameters": {"target": {"values": [5]}}}, "found the number 5, expected a mapping such as {kind: …}"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_file_and_key(changes, expected):
    assert expected in complaints(**changes)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"system": {"kind": "path_intergrator"}}, '; did you mean "path_integrator"'),
        ({"targte": {}}, 'base.targte: a path_integrator has no such part; did you mean "target"'),
        ({"target": None}, "base.target: found nothing, expected a mapping such as {kind: …}"),
        ({"target.kind": "gaussian"}, "base.target.kind: a path_integrator has no such part"),
        ({"training": {"optimizer.kind": "sgd"}}, 'training has no field "optimizer.kind"'),
        ({"training": {"optimizer": {"kind": "sgd", "first_decay": 0.5}}}, 'optimizer kind "sgd" has no field "first_decay"; its fields: momentum, coupled_decay'),
        ({"training": {"kind": "adam"}}, "base.training.kind: has no kinds"),
        ({"system": {"arena": {"kind": "box"}}}, 'has no field "arena"'),
        ({"target": {"kind": "gaussian", "normalisation": "none"}}, "loss.kind: found cross_entropy with a target (gaussian) whose activity does not sum to one, expected mse"),
        ({"target": {"field_width_m": {"uniform": [0.2, 0.1]}}}, "uniform: found [0.2, 0.1], expected low below high"),
        ({"target": {"field_width_m": {"uniform": [0.2]}}}, "expected a number or {uniform: [low, high]}"),
        ({"training": {"learning_rate": {"uniform": [0.1, 0.2]}}}, "base.training.learning_rate: found a mapping of uniform, expected a number above 0"),
        ({"evaluation": []}, "base.evaluation: an empty list, expected at least one"),
        ({"evaluation": ["corrected", {"kind": "corrected", "bins": [20]}]}, 'the kind "corrected" stands twice'),
        ({"evaluation": [{"kind": "corrected", "bins": [20, 20.0]}]}, "found 20, 20, expected distinct whole numbers"),
        ({"evaluation": [{"kind": "corrected", "bins": []}]}, "expected distinct whole numbers"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_base_is_named_where_it_stands(parts, expected):
    assert expected in complaints(**base(**parts))


def test_a_setting_inside_a_list_of_evaluations_has_no_place():
    said = complaints(**base(evaluation=["corrected"]), parameters={"evaluation.bins": {"value": [20]}})
    assert '"evaluation" is a list in base: set it as a whole' in said


def test_a_combination_that_cannot_run_names_the_run():
    said = complaints(parameters={"target.normalisation": {"values": ["global", "none"]}})
    assert "(in the run with target.normalisation = none)" in said


def test_a_law_of_fractions_is_refused_for_whole_numbers_when_the_file_is_read():
    parameters = {"network.units": {"distribution": "uniform", "min": 4, "max": 60}}
    with pytest.raises(SweepError, match="expected a whole number of at least 1"):
        sweep(method="random", run_cap=3, parameters=parameters)


def test_mistakes_of_size_and_of_values_are_said_together():
    said = complaints(
        seeds=1_000_000,
        exclude=[{"x": 1}],
        parameters={"network.units": {"values": [4, -4]}, "training.steps": {"values": ["a"]}},
    )
    for expected in ("2,000,000 runs", '"x" is no axis', "found the number -4", 'found the text "a"'):
        assert expected in said
    assert len(said.splitlines()) == 4


# -- whatever is asked -------------------------------------------------------------------------------

ODD = [
    None, True, -1, 0.5, float("nan"), 10**400, "", "gaussian", "sgd", "filtered_noise", [], {}, [1, 1],
    {"kind": 5}, {"kind": ["a"]}, {"kind": "gaussian"}, {"uniform": None}, {"uniform": [0.1, 0.2]}, {"values": []},
    {"distribution": "uniform", "min": 0, "max": 1}, [{"kind": "corrected"}] * 2, {"a": {"b": {"c": 1}}},
]  # fmt: skip
PLACES = [
    "target",
    "target.kind",
    "system",
    "system.arena",
    "evaluation",
    "evaluation.bins",
    "seed",
    ".",
    "",
    "loss",
    "zip",
]
GOOD = [
    small_document(seeds=2, zip=["network.units", "training.optimizer"], exclude=[{"target": "cartesian"}], parameters={
        "target": {"values": ["gaussian", {"kind": "difference_of_softmaxes"}, "cartesian"]},
        "network.units": {"values": [4, 8]}, "training.optimizer": {"values": ["adam", {"kind": "sgd"}]},
    }),
    small_document(method="random", run_cap=3, parameters={
        "training.learning_rate": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-2},
        "network.units": {"distribution": "int_uniform", "min": 4, "max": 9},
    }),
    small_document(method="list", runs=[{"target": {"surround_ratio": 2.0, "kind": "difference_of_softmaxes"}}, {"system.kind": "filtered_noise"}]),
]  # fmt: skip


def places_in(value, path=()):
    """The path of everything inside a document."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from places_in(item, (*path, key))


@given(data=st.data(), document=st.sampled_from(GOOD))
def test_a_file_that_is_nearly_right_gives_runs_or_a_clear_error(data, document):
    document = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 3))):
        *path, last = data.draw(st.sampled_from(list(places_in(document))))
        node = document
        for key in path:
            node = node[key]
        change = data.draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "remove":
            del node[last]
        elif change == "replace" or isinstance(node, list):
            node[last] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
        else:
            node[data.draw(st.sampled_from(PLACES))] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
        if not document:
            return
    try:
        expand(Sweep(document, where="f.yaml"))
    except SweepError as error:
        assert str(error).startswith("f.yaml")
