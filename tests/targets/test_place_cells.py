"""Place cells and their decoder against slow loops over cells and fields."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.arena.torus import Torus
from gridsweep.kinds import Uniform
from gridsweep.targets._place_cells import PlaceCells, scaled_square_distances
from gridsweep.targets.gaussian import Gaussian


def some_cells(seed, cells, fields):
    rng = np.random.default_rng(seed)
    return PlaceCells(
        centres_m=jnp.float32(rng.uniform(-1.1, 1.1, (cells, fields, 2))),
        field_width_m=jnp.float32(rng.uniform(0.08, 0.4, (cells, fields))),
        surround_ratio=jnp.float32(rng.uniform(1.2, 3.0, (cells, fields))),
    )


def slow_distances(cells, position_m, periodic=False):
    """Spec b.1: (A, B) of every cell, with the field that is nearest in units of its own width."""
    centres_m, widths_m, ratios = (np.asarray(leaf, float) for leaf in cells[:3])
    centre, surround = [], []
    for place_m in np.asarray(position_m, float):
        for cell_centres_m, cell_widths_m, cell_ratios in zip(centres_m, widths_m, ratios, strict=True):
            offsets_m = place_m - cell_centres_m
            if periodic:
                offsets_m -= 2.2 * np.round(offsets_m / 2.2)
            scaled = (offsets_m**2).sum(axis=1) / (2 * cell_widths_m**2)
            nearest = np.argmin(scaled)
            centre.append(scaled[nearest])
            square_m2 = (offsets_m[nearest] ** 2).sum()
            surround.append(square_m2 / (2 * (cell_ratios[nearest] * cell_widths_m[nearest]) ** 2))
    shape = (len(position_m), len(centres_m))
    return np.reshape(centre, shape), np.reshape(surround, shape)


@pytest.mark.parametrize("fields", [1, 3])
@pytest.mark.parametrize("arena", [Box(), Torus()], ids=lambda arena: arena.kind_name())
def test_a_cell_answers_with_the_field_that_is_nearest_in_its_own_widths(fields, arena):
    cells = some_cells(fields, 9, fields)
    position_m = jnp.float32(np.random.default_rng(0).uniform(-1.1, 1.1, (6, 2)))
    found = scaled_square_distances(arena, cells, position_m)
    expected = slow_distances(cells, position_m, periodic=isinstance(arena, Torus))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=1e-5)


def slow_decode(centres_m, output):
    """Spec b.4: the mean of one field of each of the three most active cells, the tightest choice of all."""
    decoded_m = []
    for row in np.asarray(output):
        chosen = sorted(range(len(row)), key=lambda cell: (-row[cell], cell))[:3]
        choices = [np.array(choice, float) for choice in itertools.product(*np.asarray(centres_m)[chosen])]
        tightest = min(choices, key=lambda places_m: places_m.var(axis=0).sum())
        decoded_m.append(tightest.mean(axis=0))
    return np.array(decoded_m)


@pytest.mark.parametrize("fields", [1, 2, 3])
def test_a_place_is_the_mean_of_the_tightest_fields_of_the_three_most_active_cells(fields):
    target = Gaussian(place_cells=9, fields_per_cell=fields)
    cells = some_cells(fields, 9, fields)
    output = jnp.float32(np.random.default_rng(1).normal(size=(20, 9)))
    found = target.decode(Box(), cells, output)
    np.testing.assert_allclose(found, slow_decode(cells.centres_m, output), atol=1e-6)


def test_of_equally_active_cells_the_first_ones_are_decoded():
    target = Gaussian(place_cells=6)
    cells = some_cells(2, 6, 1)
    output = jnp.array([[0.0, 1.0, 0.0, 0.0, 1.0, 0.0]])
    expected_m = np.mean(cells.centres_m[jnp.array([1, 4, 0]), 0], axis=0)
    np.testing.assert_allclose(target.decode(Box(), cells, output)[0], expected_m, atol=1e-6)


def test_a_place_at_the_seam_of_a_torus_is_not_decoded_at_its_middle():
    centres_m = jnp.array([[[1.05, 0.0]], [[-1.05, 0.0]], [[1.09, 0.0]], [[0.0, 0.0]]])
    cells = PlaceCells(centres_m, jnp.full((4, 1), 0.1), jnp.ones((4, 1)))
    output = jnp.array([[1.0, 1.0, 1.0, 0.0]])
    decoded_m = Gaussian(place_cells=4).decode(Torus(), cells, output)[0]
    assert abs(abs(decoded_m[0]) - 1.1) < 0.05
    straight_m = Gaussian(place_cells=4).decode(Torus(distance="plain"), cells, output)[0]
    assert abs(straight_m[0]) < 0.5, "the published distance breaks at the seam"


def test_centres_and_spread_widths_are_uniform_and_independent():
    target = Gaussian(place_cells=4_000, fields_per_cell=2, field_width_m=Uniform(0.1, 0.3))
    cells = target.draw(jax.random.key(0), Box(side_m=1.0))
    assert np.abs(cells.centres_m).max() <= 0.5
    assert 0.1 <= cells.field_width_m.min() < 0.101
    assert 0.299 < cells.field_width_m.max() <= 0.3
    assert float(cells.field_width_m.mean()) == pytest.approx(0.2, abs=0.003)
    together = np.corrcoef(np.asarray(cells.field_width_m).T)[0, 1]
    assert abs(together) < 0.06, "the fields of a cell have widths of their own"
    np.testing.assert_array_equal(cells.surround_ratio, 1.0)


def test_widths_do_not_change_where_centres_are():
    keys = jax.random.key(3)
    narrow, wide = (Gaussian(place_cells=8, field_width_m=width).draw(keys, Box()) for width in (0.1, 0.4))
    np.testing.assert_array_equal(narrow.centres_m, wide.centres_m)
