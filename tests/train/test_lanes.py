"""Lanes do not notice each other, and how the work is cut does not change a bit."""

import dataclasses

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridsweep.spec import Run, Sweep
from gridsweep.train import lanes
from gridsweep.train.lanes import advance_lanes, init_lanes, lane_metrics, micro_batches, observe_lanes
from tests.tiny import small_document

WIDTH = 4
UPDATES = 5


@pytest.fixture(scope="module")
def runs():
    """Six runs of one program: other widths, rates and seeds."""
    document = small_document(
        seeds=3,
        parameters={
            "target.field_width_m": {"values": [0.12, 0.4]},
            "training.learning_rate": {"values": [1e-3, 3e-2]},
            "training.weight_decay": {"values": [1e-4, 1e-2]},
        },
        zip=["target.field_width_m", "training.learning_rate", "training.weight_decay"],
    )
    return list(Sweep(document))


def train(runs, width=WIDTH, cuts=(UPDATES,)):
    """The states of the first micro-batch after pieces of so many updates."""
    systems = micro_batches(runs, width)[0]
    states = init_lanes(systems)
    for updates in cuts:
        states = advance_lanes(systems, states, updates)
    return states


def lane(states, number):
    return [np.asarray(leaf)[number] for leaf in jax.tree.leaves(states)]


def assert_same_bits(found, expected):
    for first, second in zip(found, expected, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.fixture(scope="module")
def reference(runs):
    """Run 0 in lane 0, beside runs 1 to 3."""
    return lane(train(runs[:WIDTH]), 0)


@settings(max_examples=15)
@given(data=st.data())
def test_a_lane_has_the_same_bits_whatever_its_neighbours(runs, reference, data):
    place = data.draw(st.integers(0, WIDTH - 1))
    neighbours = data.draw(
        st.lists(st.sampled_from(range(len(runs))), min_size=WIDTH - 1, max_size=WIDTH - 1)
    )
    company = [runs[number] for number in neighbours]
    company.insert(place, runs[0])
    assert_same_bits(lane(train(company), place), reference)


def test_what_is_measured_of_a_lane_has_the_same_bits_whatever_its_neighbours(runs):
    company = [[runs[0], *runs[1:4]], [runs[0], *runs[3:6]]]
    for look in (lane_metrics, observe_lanes):
        first, second = (look(micro_batches(batch, WIDTH)[0], train(batch)) for batch in company)
        assert_same_bits(lane(first, 0), lane(second, 0))


def test_a_lane_equals_the_same_run_trained_alone(runs, reference):
    alone = lane(train(runs[:1], width=1), 0)
    for first, second in zip(reference, alone, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("width", [1, WIDTH])
@pytest.mark.parametrize("cuts", [(1, 4), (2, 1, 2), (1,) * UPDATES])
def test_how_training_is_cut_into_chunks_changes_no_bit(runs, width, cuts):
    whole = train(runs[:width], width)
    assert_same_bits(jax.tree.leaves(train(runs[:width], width, cuts)), jax.tree.leaves(whole))


def test_a_lane_that_is_not_a_number_leaves_all_others_as_they_are(runs, reference):
    poisoned = with_learning_rate(runs[2], float("nan"))
    states = train([runs[0], runs[1], poisoned, runs[3]])
    healthy = train(runs[:WIDTH])
    for number in (0, 1, 3):
        assert_same_bits(lane(states, number), lane(healthy, number))
    assert_same_bits(lane(states, 0), reference)
    np.testing.assert_array_equal(states.alive, [True, True, False, True])
    np.testing.assert_array_equal(states.diverged_update, [-1, -1, 0, -1])


def test_a_lane_that_diverges_is_frozen_where_it_was(runs):
    systems = micro_batches(runs[:WIDTH], WIDTH)[0]
    before = advance_lanes(systems, init_lanes(systems), 2)
    poisoned = before._replace(weights=jax.tree.map(lambda leaf: leaf.at[1].set(np.nan), before.weights))
    kept = jax.tree.map(np.asarray, poisoned)
    after = advance_lanes(systems, poisoned, 3)
    np.testing.assert_array_equal(after.diverged_update, [-1, 2, -1, -1])
    np.testing.assert_array_equal(after.update, [5, 5, 5, 5])
    assert_same_bits(lane((after.weights, after.optimizer), 1), lane((kept.weights, kept.optimizer), 1))
    healthy = train(runs[:WIDTH])
    for number in (0, 2, 3):
        assert_same_bits(lane(after, number), lane(healthy, number))


def test_the_last_micro_batch_is_padded_and_its_lanes_do_not_notice(runs):
    full, padded = micro_batches(runs[:5], WIDTH)
    assert {leaf.shape[0] for leaf in jax.tree.leaves(padded)} == {WIDTH}
    states = advance_lanes(padded, init_lanes(padded), UPDATES)
    beside_others = train([runs[4], *runs[:3]])
    assert_same_bits(lane(states, 0), lane(beside_others, 0))
    assert jax.tree.structure(full) == jax.tree.structure(padded)


def test_another_cohort_of_the_same_program_compiles_nothing(runs):
    train(runs[:WIDTH])
    before = lanes.compilations()
    train(runs[2:6], cuts=(1, 2))
    train(runs[4:])
    assert lanes.compilations() == before


def test_runs_of_two_programs_do_not_share_lanes(runs):
    other = list(Sweep(small_document(parameters={"network.activation": {"value": "tanh"}})))
    with pytest.raises(ValueError, match="do not share a program"):
        micro_batches([runs[0], other[0]], WIDTH)


def test_seeds_and_settings_are_leaves_of_their_types(runs):
    stacked = micro_batches(runs[:2], 2)[0]
    assert stacked.seed.dtype == np.uint32
    assert stacked.target.field_width_m.dtype == np.float32
    np.testing.assert_array_equal(stacked.seed, [0, 1])


def with_learning_rate(run, rate):
    training = dataclasses.replace(run.system.training, learning_rate=rate)
    return Run(run.run_id, dataclasses.replace(run.system, training=training))
