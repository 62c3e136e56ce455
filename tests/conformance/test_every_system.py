"""What holds for every system: it trains in lanes, fills the tables, draws from the seeds it names."""

import datetime

import jax
import numpy as np
import pytest

from gridsweep.kinds import discover
from gridsweep.spec import Run, build, run_id
from gridsweep.store.rows import build_tables
from gridsweep.systems import System
from gridsweep.systems._base import STREAMS
from gridsweep.train import CohortTraining
from results_schema import TABLES, is_config_column
from tests.tiny import small_system

LANES = 4
KEEP = {"rate_maps": "all", "weights": "final"}
every_system = pytest.mark.parametrize(
    "kind", discover(System.package, System).values(), ids=lambda k: k.kind_name()
)


def small_run(kind, **seeds):
    settings = small_system(kind)
    settings["system"] |= seeds
    system = build(settings)
    return Run(run_id(system), system)


_trained = {}


def trained(*runs):
    """A finished cohort, trained once for all tests that ask for it."""
    key = tuple((run.run_id, run.system.evaluation_seed, run.system.seed) for run in runs)
    if key not in _trained:
        training = CohortTraining(runs, micro_batch=LANES)
        while not training.finished:
            training.advance(patience_s=0.0)
        _trained[key] = training
    return _trained[key]


def leaves_of(training, lane):
    leaves = [
        jax.random.key_data(leaf) if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf
        for leaf in jax.tree.leaves(training.states()[0])
    ]
    return [np.asarray(leaf[lane]) for leaf in leaves]


@every_system
def test_a_system_trains_and_its_rows_fit_the_stored_tables(kind):
    runs = [small_run(kind, seed=seed) for seed in range(2)]
    training = trained(*runs)
    assert training.done_updates == runs[0].system.total_updates
    assert training.diverged == 0
    rows = training.rows(KEEP)
    for table, columns in rows.tables.items():
        fixed = TABLES[table].columns
        for name, values in columns.items():
            known = name in fixed or (TABLES[table].has_config and is_config_column(name))
            assert known, f"{table}.{name} is no column of the contract"
            assert len(values) == len(next(iter(columns.values()))), f"{table}.{name}"
        for key in TABLES[table].key if columns else ():
            assert key in columns, f"{table} lacks {key}"
    assert rows.tables["runs"]["status"] == ["completed", "completed"]
    maps = sum(len(evaluation.bins) for evaluation in runs[0].system.evaluation)
    assert len(rows.tables["units"]["unit"]) == 2 * runs[0].system.scored_units * maps
    commit(training, rows)


def commit(training, rows):
    """What the worker adds, and the check that the store makes of everything."""
    now = datetime.datetime.now(datetime.UTC)
    lanes = len(training.runs)
    rows.set(
        "runs", micro_batch=training.micro_batch, attempts=1, started_at=now, ended_at=now,
        train_s=training.train_s, updates_per_s=training.updates_per_s, science_version=1,
        gridsweep_version="0", env_id="0" * 16, device_kind="cpu",
    )  # fmt: skip
    rows.tables["runs"]["lane"] = list(range(lanes))
    built = build_tables("0" * 16, [run.run_id for run in training.runs], rows.tables)
    assert built["runs"].num_rows == lanes


@every_system
def test_what_is_observed_has_a_map_for_each_unit_evaluation_and_size(kind):
    run = small_run(kind, seed=0)
    system = run.system
    keys = system.keys()
    shapes = jax.eval_shape(lambda: system.observe(system.init(keys), keys))
    for evaluation in system.evaluation:
        name = evaluation.kind_name()
        assert set(shapes.metrics) == {said.kind_name() for said in system.evaluation}
        for bins in evaluation.bins:
            assert shapes.maps[name, bins].shape == (system.scored_units, bins, bins)
            assert shapes.visits[name, bins].shape == (bins, bins)
    assert system.operations_per_update() >= 0
    assert (system.total_updates == 0) == (system.operations_per_update() == 0)


@every_system
def test_only_the_streams_a_system_names_are_part_of_its_identity(kind):
    plain = small_run(kind)
    for stream in STREAMS:
        other = small_run(kind, **{f"{stream}_seed": 99})
        trains = kind.declarations()[f"{stream}_seed"].trains
        assert (other.run_id != plain.run_id) == (stream in kind.streams and trains), stream


@every_system
def test_only_the_streams_a_system_names_change_what_it_trains(kind):
    plain = leaves_of(trained(small_run(kind)), 0)
    unused = {f"{stream}_seed": 99 for stream in STREAMS if stream not in kind.streams}
    other = leaves_of(trained(small_run(kind, **unused)), 0)
    for first, second in zip(plain, other, strict=True):
        np.testing.assert_array_equal(first, second)


@every_system
def test_a_seed_of_its_own_replaces_the_common_one(kind):
    common = small_run(kind, seed=7)
    named = small_run(kind, seed=1, **{f"{stream}_seed": 7 for stream in STREAMS})
    assert common.run_id == named.run_id
    for stream in STREAMS:
        assert getattr(common.system, f"{stream}_seed") == 7


@every_system
def test_a_system_that_trains_records_itself_from_first_to_last_update(kind):
    training = trained(small_run(kind, seed=0), small_run(kind, seed=1))
    lines = training.history
    if not training.total_updates:
        assert lines == []
        return
    updates = sorted({line["update"] for line in lines})
    assert updates[0] == 0
    assert updates[-1] == training.total_updates
    assert len(lines) == 2 * len(updates)
    numbers = [value for line in lines for name, value in line.items() if name != "run_id"]
    assert None not in numbers, "what is recorded of a lane that is alive is a number"
    assert len(lines[0].keys() - {"run_id", "update", "updates_per_s"}) > 0, "nothing is recorded"
