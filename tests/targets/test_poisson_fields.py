"""Cells with 1 + Poisson(mean) fields: how many there are, and that absent ones are never looked at."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.arena.torus import Torus
from gridsweep.targets._place_cells import PlaceCells, draw_existing, scaled_square_distances
from gridsweep.targets.gaussian import Gaussian
from gridsweep.targets.softmax_of_differences import SoftmaxOfDifferences
from tests.targets.test_place_cells import slow_distances, some_cells

PLACES_M = np.float32(np.random.default_rng(0).uniform(-1.1, 1.1, (7, 2)))


def patchy_cells(seed, cells=9, fields=4):
    """Cells of one to four fields, the surplus ones just where they would win."""
    drawn = some_cells(seed, cells, fields)
    numbers = np.random.default_rng(seed).integers(1, fields + 1, cells)
    exists = np.arange(fields)[None] < numbers[:, None]
    centres_m = np.where(exists[..., None], drawn.centres_m, PLACES_M[0])
    return drawn._replace(centres_m=jnp.asarray(centres_m), exists=jnp.asarray(exists))


def alone(cells, number):
    """One cell with the fields that it has."""
    has = int(np.sum(cells.exists[number]))
    return PlaceCells(*(leaf[number : number + 1, :has] for leaf in cells[:3]))


def slow_patchy_distances(cells, position_m, periodic=False):
    each = [
        slow_distances(alone(cells, number), position_m, periodic) for number in range(len(cells.centres_m))
    ]
    return tuple(np.concatenate(columns, axis=1) for columns in zip(*each, strict=True))


@pytest.mark.parametrize("arena", [Box(), Torus()], ids=lambda arena: arena.kind_name())
def test_a_field_that_is_absent_is_never_the_nearest(arena):
    cells = patchy_cells(1)
    found = scaled_square_distances(arena, cells, jnp.asarray(PLACES_M))
    expected = slow_patchy_distances(cells, PLACES_M, periodic=isinstance(arena, Torus))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize("arena", [Box(), Torus()], ids=lambda arena: arena.kind_name())
def test_a_field_that_is_absent_is_never_decoded(arena):
    cells = patchy_cells(2)
    output = np.float32(np.random.default_rng(1).normal(size=(20, 9)))
    found_m = Gaussian(place_cells=9, fields_per_cell=4).decode(arena, cells, jnp.asarray(output))
    for row, place_m in zip(output, found_m, strict=True):
        of_each = [alone(cells, cell).centres_m[0] for cell in np.argsort(-row, kind="stable")[:3]]
        best = min(
            (spread(arena, choice) for choice in itertools.product(*of_each)), key=lambda found: found[0]
        )
        np.testing.assert_allclose(arena.offset_m(place_m, jnp.float32(best[1])), 0.0, atol=1e-5)


def spread(arena, choice):
    """(variance, mean) of three places, as offsets from the first."""
    offsets_m = np.array([arena.offset_m(choice[0], place_m) for place_m in choice], float)
    return offsets_m.var(axis=0).sum(), np.asarray(choice[0], float) + offsets_m.mean(axis=0)


@pytest.mark.parametrize("mean", [0.3, 2.0, 4.0])
def test_the_number_of_fields_is_one_and_a_poisson_number(mean):
    cells, fields = 20_000, 18
    exists = np.asarray(draw_existing(jax.random.key(0), mean, (cells, fields)))
    assert (np.diff(exists.astype(int), axis=1) <= 0).all(), "the fields of a cell are its first ones"
    extra = exists.sum(axis=1) - 1
    for number in range(5):
        probability = math.exp(-mean) * mean**number / math.factorial(number)
        error = 5 * math.sqrt(probability / cells)
        assert np.mean(extra == number) == pytest.approx(probability, abs=error)
    assert extra.mean() == pytest.approx(mean, abs=5 * math.sqrt(mean / cells))


def test_without_a_mean_all_cells_have_all_fields():
    assert draw_existing(jax.random.key(0), 0.0, (5, 1)) is None
    assert np.asarray(draw_existing(jax.random.key(0), 0.0, (5, 3))).all()


def test_a_cell_has_at_least_one_field_and_no_more_than_there_is_room_for():
    assert np.asarray(draw_existing(jax.random.key(0), 1000.0, (50, 4))).all()
    few = np.asarray(draw_existing(jax.random.key(0), 1e-6, (50, 4)))
    np.testing.assert_array_equal(few.sum(axis=1), 1)


def test_the_mean_may_differ_between_lanes_and_moves_no_centre():
    means = jnp.array([0.0, 0.5, 3.0])

    def draw(mean):
        target = Gaussian(place_cells=50, fields_per_cell=6, extra_fields_mean=mean)
        return target.draw(jax.random.key(1), Box())

    together = jax.vmap(draw)(means)
    for lane, mean in enumerate(means):
        np.testing.assert_array_equal(together.exists[lane], draw(mean).exists)
        np.testing.assert_array_equal(together.centres_m[lane], together.centres_m[0])
    numbers = np.asarray(together.exists).sum(axis=(1, 2))
    assert numbers[1] < numbers[2] < numbers[0] == 300


def test_the_mean_means_nothing_where_there_is_room_for_one_field():
    assert Gaussian(extra_fields_mean=2.0).canonical() == Gaussian()
    several = SoftmaxOfDifferences(fields_per_cell=3, extra_fields_mean=2.0)
    assert several.canonical() == several
