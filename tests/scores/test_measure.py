import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.kinds import discover
from gridsweep.scores import CALL_UNITS, Look, Score, measure, nullable_columns

BINS = 8
SCORES = discover("gridsweep.scores", Score)


def some_maps(units, seed=0):
    """Maps of all sorts: plain, rectified, with holes, silent, huge and tiny."""
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(units, BINS, BINS))
    maps[1::7] = np.maximum(maps[1::7], 0.0)
    maps[2::7][rng.random(maps[2::7].shape) < 0.3] = np.nan
    maps[3::7] = 0.0
    maps[4::7] *= 1e30
    maps[5::7] *= 1e-30
    maps[6::7] = np.nan
    return maps


def at_units(found, units):
    return {column: value[units] for column, value in found.items()}


def assert_equal_bits(left, right):
    assert left.keys() == right.keys()
    for column in left:
        np.testing.assert_array_equal(left[column], right[column], err_msg=column)


@pytest.mark.parametrize("name", SCORES)
def test_every_score_gives_each_of_its_columns_one_value_a_unit(name):
    score = SCORES[name]()
    assert score.columns
    with jax.enable_x64(True):
        found = jax.jit(lambda maps: score.measure(Look(maps, 2.2)))(jnp.asarray(some_maps(9)))
    assert set(found) == set(score.columns)
    assert set(score.nullable) <= set(score.columns)
    for column, value in found.items():
        assert value.shape == (9,), column
        missing = np.isnan(value) if column in score.nullable else np.zeros(9, bool)
        assert np.all(np.isfinite(value) | missing), column
        assert not np.all(missing) or name == "period", column  # of noise, none may look like a lattice


def test_measure_gives_the_columns_of_every_score():
    expected = {column for score in SCORES.values() for column in score.columns}
    found = measure(some_maps(3))
    assert set(found) == expected
    assert all(isinstance(value, np.ndarray) and value.shape == (3,) for value in found.values())
    assert found["grid_score_60"].dtype == np.float64
    assert found["guarded_lags"].dtype == np.int32
    assert found["silent"].dtype == bool


def test_only_the_scores_asked_for_are_taken_and_they_are_the_same():
    maps = some_maps(3)
    everything, some = measure(maps), measure(maps, only=["stripe_score", "firing_rate"])
    assert set(some) == {"stripe_score", "mean_rate", "peak_rate", "silent"}
    for column, value in some.items():
        np.testing.assert_allclose(value, everything[column], rtol=1e-12)


def test_a_score_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ValueError, match=r"there is no score gridscore; there are .*grid_score"):
        measure(some_maps(1), only=["gridscore"])


def test_columns_that_may_be_missing_are_known():
    assert {"period_m", "border_score"} <= nullable_columns()
    assert "grid_score_60" not in nullable_columns()


def test_a_unit_scores_the_same_bits_in_any_company():
    maps = some_maps(CALL_UNITS + 45)
    together = measure(maps)
    shuffled = np.random.default_rng(1).permutation(len(maps))
    assert_equal_bits(measure(maps[shuffled]), at_units(together, shuffled))
    for unit in (0, 4, 17, CALL_UNITS, CALL_UNITS + 44):
        assert_equal_bits(measure(maps[unit : unit + 1]), at_units(together, [unit]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int32, bool])
def test_maps_may_have_any_type_and_are_scored_in_float64(dtype):
    maps = (3 * np.abs(np.random.default_rng(2).normal(size=(2, BINS, BINS)))).astype(dtype)
    assert_equal_bits(measure(maps), measure(maps.astype(np.float64)))


def test_maps_may_live_on_a_device():
    maps = jnp.asarray(np.random.default_rng(3).random((2, BINS, BINS)), jnp.bfloat16)
    assert_equal_bits(measure(maps), measure(np.asarray(maps.astype(jnp.float32))))


def test_float64_is_used_inside_and_left_off_outside():
    measure(some_maps(1))
    assert jnp.zeros(1).dtype == jnp.float32


def test_no_maps_have_no_scores():
    found = measure(np.zeros((0, BINS, BINS)))
    assert all(value.shape == (0,) for value in found.values())
    assert found.keys() == measure(some_maps(1)).keys()


@pytest.mark.parametrize("shape", [(8, 8), (2, 8, 9), (2, 3, 3), (1, 2, 8, 8), (5,)])
def test_maps_of_another_shape_are_refused_with_what_was_found_and_expected(shape):
    with pytest.raises(ValueError, match="measure: found maps of shape") as caught:
        measure(np.zeros(shape))
    assert str(shape) in str(caught.value)
    assert "expected (units, bins, bins)" in str(caught.value)


def test_infinite_rates_are_refused_and_the_map_is_named():
    maps = some_maps(20)
    maps[[11, 13], 2, 3] = np.inf
    with pytest.raises(ValueError, match=r"infinite rates in map 11 \(2 of 20 maps have some\)"):
        measure(maps)
