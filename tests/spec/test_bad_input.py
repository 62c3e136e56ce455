"""Bad sweep files: one clear message for each mistake, all mistakes at once, and never anything but SweepError."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsweep.arena import Arena
from gridsweep.kinds import discover
from gridsweep.plan import expand
from gridsweep.spec import SweepError, load_sweep, make_sweep
from gridsweep.spec.build import part_names
from gridsweep.spec.document import parse_document
from gridsweep.systems import System
from gridsweep.targets import Target
from gridsweep.targets._place_cells import PlaceCellTarget

GOOD = """
name: good
seeds: 2
base:
  target: {kind: difference_of_softmaxes, place_cells: 16, field_width_m: 0.3}
  network: {units: 8}
  training: {learning_rate: 1e-3, batch_size: 4, steps: 4, updates: 10, optimizer: {kind: adam}}
parameters:
  target.field_width_m: {values: [0.2, 0.3]}
"""


def complaints(text):
    with pytest.raises(SweepError) as raised:
        expand(make_sweep(parse_document(text, "bad.yaml"), where="bad.yaml", name="bad"))
    return str(raised.value)


def test_the_good_file_is_good():
    assert len(make_sweep(parse_document(GOOD, "good"), where="good", name="good")) == 4


# (what is in the good file, what stands there instead, what is said of it)
MISTAKES = [
    ("kind: difference_of_softmaxes", "kind: difference_of_softmax", 'did you mean "difference_of_softmaxes"'),
    ("place_cells: 16", "place_cell: 16", 'has no field "place_cell"; did you mean "place_cells"'),
    ("learning_rate: 1e-3", "learning_rate: fast", 'found the text "fast", expected a number above 0'),
    ("learning_rate: 1e-3", "learning_rate: .nan", "expected a number above 0"),
    ("learning_rate: 1e-3", "learning_rate: 0", "found the number 0, expected a number above 0"),
    ("field_width_m: 0.3", "field_width_m: -0.3", "found the number -0.3, expected a number above 0"),
    ("units: 8", "units: 8.5", "found the number 8.5, expected a whole number"),
    ("units: 8", "units: true", "found true, expected a whole number"),
    ("values: [0.2, 0.3]", "values: []", "the axis is empty: the sweep would have 0 runs"),
    ("values: [0.2, 0.3]", "values: [0.3, 0.3]", "are the same: it would run twice"),
    ("values: [0.2, 0.3]", "values: [1, 1.0]", "are the same: it would run twice"),
    ("seeds: 2", "seeds: [3, 3]", "the seed 3 stands twice"),
    ("seeds: 2", "seeds: [-1]", "expected a whole number of at least 0 and below 2^32"),
    ("seeds: 2", "seeds: 2\nmethod: bayes", "bayes is refused: the survival function is an estimate"),
    ("seeds: 2", "seeds: 2\nearly_terminate: {type: hyperband}", "early_terminate: refused"),
    ("seeds: 2", "seeds: 2\nmethod: random", "give run_cap"),
    ("seeds: 2", "seeds: 2\nexpect: 5", "the file has 4 runs, expected 5"),
    ("seeds: 2", "sedes: 2", 'unknown key; did you mean "seeds"'),
    ("seeds: 2", "seeds: 900000", "1,800,000 runs, more than the limit of 1,000,000"),
    ("target.field_width_m:", "target.field_widht_m:", 'did you mean "field_width_m"'),
    ("target.field_width_m:", "targte.field_width_m:", 'did you mean "target"'),
    ("optimizer: {kind: adam}", "optimizer: {kind: !!python/object:os.system {}}", "bad.yaml"),
    ("name: good", "name: good\nname: again", "bad.yaml"),
    ("learning_rate: 1e-3", "learning_rate: .inf", "expected a number above 0"),
    ("learning_rate: 1e-3", "learning_rate: -1e-3", "found the number -0.001, expected a number above 0"),
    ("learning_rate: 1e-3", "learning_rate: '1e-3'", 'found the text "1e-3", expected a number above 0'),
    ("seeds: 2", "seeds: [4294967296]", "found the number 4294967296, expected a whole number of at least 0 and below 2^32"),
    ("kind: difference_of_softmaxes", "kind: os.system", 'found the text "os.system", expected a kind of target: cartesian'),
    ("kind: adam", "kind: adamm", 'did you mean "adam"'),
    ("{units: 8}", "{units: 8, activation: relo}", "expected one of"),
    ("steps: 4", "steps: 0", "found the number 0, expected a whole number of at least 1 and at most 100000 (steps)"),
    ("batch_size: 4", "batch_size: 2000000", "found the number 2000000, expected a whole number of at least 1 and at most 1000000 (walks)"),
    ("values: [0.2, 0.3]", "values: [0.2, 3]", "found a width of 3 m, wider than the arena, expected at most 2.2 m (arena.side_m)"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "expected"), MISTAKES)
def test_each_mistake_is_named_with_its_file_what_was_found_and_what_would_be_right(before, after, expected):
    assert before in GOOD
    said = complaints(GOOD.replace(before, after))
    assert said.startswith("bad.yaml")
    assert expected in said


def test_all_mistakes_are_said_at_once():
    text = GOOD.replace("units: 8", "unit: 8").replace("1e-3", "fast").replace("[0.2, 0.3]", "[]")
    said = complaints(text).splitlines()
    assert len(said) == 3
    assert {line.split(",")[1].split(":")[0].strip() for line in said} == {
        "base.network.unit", "base.training.learning_rate", "parameters",
    }  # fmt: skip


ARENAS = sorted(discover(Arena.package, Arena))
OF_PLACE_CELLS = sorted(
    name for name, cls in discover(Target.package, Target).items() if issubclass(cls, PlaceCellTarget)
)
WITH_TARGETS = sorted(
    name
    for name, cls in discover(System.package, System).items()
    if {"arena", "target"} <= set(part_names(cls))
)
WIDE = """
base:
  system: {kind: %s}
  arena: {kind: %s, side_m: 1.5}
  target: {kind: %s, field_width_m: %s}
"""


@pytest.mark.parametrize("arena", ARENAS)
@pytest.mark.parametrize("system", WITH_TARGETS)
def test_place_cells_wider_than_their_arena_are_refused_with_both_numbers(system, arena):
    for width, found in (("1.6", "1.6 m"), ("{uniform: [0.1, 1.6]}", "1.6 m as the widest of those drawn")):
        said = complaints(WIDE % (system, arena, "gaussian", width))
        assert "target.field_width_m" in said
        assert (
            f"found a width of {found}, wider than the arena, expected at most 1.5 m (arena.side_m)" in said
        )
    just_as_wide = parse_document(WIDE % (system, arena, "gaussian", "1.5"), "wide")
    assert len(make_sweep(just_as_wide, where="wide", name="wide")) == 1


@pytest.mark.parametrize("target", OF_PLACE_CELLS)
def test_every_target_of_place_cells_is_measured_against_its_arena(target):
    assert "found a width of 1.6 m, wider than" in complaints(
        WIDE % ("path_integrator", "box", target, "1.6")
    )


@pytest.mark.parametrize(
    ("system", "field"),
    [
        ("{kind: nonnegative_pca, side_m: 1.5, field_width_m: 1.6}", "system.field_width_m"),
        ("{kind: conformal_isometry, side_m: 1.5, kernel_width_m: 1.6}", "system.kernel_width_m"),
        (
            "{kind: pattern_formation, kernel: gaussian, kernel_width_m: 1.6}\n  arena: {side_m: 1.5}",
            "system.kernel_width_m",
        ),
    ],
)
def test_a_width_of_the_systems_own_is_measured_against_its_square(system, field):
    said = complaints(f"base:\n  system: {system}\n")
    assert field in said
    assert "found a width of 1.6 m, wider than the arena, expected at most 1.5 m" in said


def test_a_width_of_an_axis_is_measured_against_each_arena_of_another():
    text = GOOD.replace("{values: [0.2, 0.3]}", "{values: [0.2, 0.9]}\n  arena.side_m: {values: [0.8, 2.2]}")
    said = complaints(text)
    assert "found a width of 0.9 m, wider than the arena, expected at most 0.8 m (arena.side_m)" in said


def test_a_grid_of_ten_billion_is_refused_without_being_made():
    names = [
        "target.field_width_m",
        "target.surround_ratio",
        "training.learning_rate",
        "training.weight_decay",
        "training.updates",
        "training.batch_size",
        "training.steps",
        "network.units",
        "target.place_cells",
        "arena.side_m",
    ]
    axes = "".join(f"  {name}: {{values: {list(range(4, 14))}}}\n" for name in names)
    text = GOOD[: GOOD.index("parameters:")] + "parameters:\n" + axes
    assert "20,000,000,000 runs, more than the limit of 1,000,000" in complaints(text)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"- 1\n", "expected a mapping"),
        (b"\xff\xfe\x00", "not UTF-8 text: byte 0"),
        (b"name: a\x00b", "bad.yaml"),
        (b"a: [1, 2", "line"),
        (b"x" * (2**20 + 1), "at most 1,048,576"),
    ],
)
def test_what_is_no_sweep_file_says_what_it_is(tmp_path, content, expected):
    file = tmp_path / "bad.yaml"
    file.write_bytes(content)
    with pytest.raises(SweepError, match=expected):
        load_sweep(file)
    with pytest.raises(SweepError, match="no such file"):
        load_sweep(tmp_path / "none.yaml")


ATOMS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=8)
KEYS = st.sampled_from(
    [
        "name",
        "method",
        "seeds",
        "base",
        "parameters",
        "runs",
        "target",
        "network",
        "training",
        "kind",
        "units",
        "values",
        "zip",
        "exclude",
        "keep",
        "lanes",
        "expect",
        "target.kind",
        "target.field_width_m",
        "system",
        "evaluation",
        "uniform",
        "gaussian",
        "rnn",
        "min",
        "max",
        "distribution",
    ]
)
DOCUMENTS = st.recursive(
    ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(KEYS, DOCUMENTS, max_size=6))
def test_no_document_gives_anything_but_runs_or_a_clear_error(document):
    try:
        sweep = make_sweep(document, where="fuzz.yaml", name="fuzz")
        if len(sweep) < 50:
            expand(sweep)
    except SweepError as error:
        assert str(error).startswith("fuzz.yaml")


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.decode("latin-1")))
def test_no_text_gives_anything_but_a_document_or_a_clear_error(text):
    try:
        assert isinstance(parse_document(text, "fuzz.yaml"), dict)
    except SweepError as error:
        assert str(error).startswith("fuzz.yaml")
