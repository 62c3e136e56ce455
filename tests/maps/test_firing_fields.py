import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from gridsweep.maps.firing_fields import label_fields

labels_of = jax.jit(label_fields)


def slow_labels(firing):
    """Each component by scipy, renamed to its smallest bin number; bins**2 elsewhere."""
    labels, count = ndimage.label(firing)
    found = np.full(firing.shape, firing.size)
    for component in range(1, count + 1):
        found[labels == component] = np.flatnonzero(labels == component)[0]
    return found


def spiral(bins):
    """A path of one bin's width that winds to the middle: the longest way through a field."""
    firing = np.zeros((bins, bins), bool)
    x, y, dx, dy = 0, 0, 0, 1
    firing[0, 0] = True
    for _ in range(4 * bins):
        while (
            0 <= x + dx < bins
            and 0 <= y + dy < bins
            and not firing[x + dx, y + dy]
            and not (0 <= x + 2 * dx < bins and 0 <= y + 2 * dy < bins and firing[x + 2 * dx, y + 2 * dy])
        ):
            x, y = x + dx, y + dy
            firing[x, y] = True
        dx, dy = dy, -dx
    return firing


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.0, 1.0))
def test_fields_are_the_components_of_scipy(seed, share):
    firing = np.random.default_rng(seed).random((5, 9, 9)) < share
    expected = np.stack([slow_labels(one) for one in firing])
    np.testing.assert_array_equal(labels_of(firing), expected)


def test_the_longest_way_through_a_field_is_walked_to_its_end():
    path = spiral(13)
    assert path.sum() > 80
    np.testing.assert_array_equal(labels_of(np.stack([path, ~path])), [slow_labels(path), slow_labels(~path)])


def test_opposite_edges_are_not_neighbours_and_neither_are_diagonals():
    firing = np.zeros((1, 6, 6), bool)
    firing[0, 2, 5] = firing[0, 3, 0] = firing[0, 0, 1] = firing[0, 5, 1] = firing[0, 1, 2] = True
    assert set(np.unique(labels_of(firing))) == {1, 8, 17, 18, 31, 36}


@pytest.mark.parametrize("fill", [False, True])
def test_a_map_that_fires_everywhere_or_nowhere(fill):
    found = labels_of(np.full((2, 6, 6), fill))
    assert np.all(found == (0 if fill else 36))


def test_maps_of_many_bins_are_numbered_beyond_short_integers():
    firing = np.zeros((1, 200, 200), bool)
    firing[0, 190:, 190:] = True
    found = np.asarray(labels_of(firing))
    assert found[0, 199, 199] == 190 * 200 + 190
    assert found[0, 0, 0] == 200**2
