"""Which bins fit and which test; fact 3 of the specification, acceptance 7."""

import numpy as np
import pytest

from gridsweep.neural.splits import SPLITS, make_splits


@pytest.mark.parametrize("name", SPLITS)
@pytest.mark.parametrize("shape", [(44, 44), (20, 20), (7, 9)])
def test_no_bin_is_fitted_and_tested(name, shape):
    for train, test in make_splits(name, shape):
        both = np.concatenate([train, test])
        assert sorted(both) == list(range(shape[0] * shape[1]))


def test_random_splits_of_the_published_bins():
    """388 to fit and 1,548 to test, ten times, and the same again tomorrow."""
    splits = make_splits("random", (44, 44))
    assert [(len(train), len(test)) for train, test in splits] == [(388, 1548)] * 10
    again = make_splits("random", (44, 44))
    for one, other in zip(splits, again, strict=True):
        np.testing.assert_array_equal(one.train, other.train)
    np.testing.assert_array_equal(splits[3].train, np.random.RandomState(3).permutation(1936)[:388])
    assert len({tuple(train) for train, _ in splits}) == 10


@pytest.mark.parametrize("name", ["left_right", "top_bottom", "diagonal", "antidiagonal"])
def test_halves_yield_two_complementary_splits(name):
    first, second = make_splits(name, (44, 44))
    np.testing.assert_array_equal(first.train, second.test)
    np.testing.assert_array_equal(first.test, second.train)
    assert abs(len(first.train) - len(first.test)) <= 44


def test_each_quadrant_is_left_out_once():
    splits = make_splits("quadrants", (44, 44))
    assert [len(test) for _, test in splits] == [484] * 4
    assert sorted(np.concatenate([test for _, test in splits])) == list(range(1936))


def test_left_is_low_x_and_bottom_is_low_y():
    x, y = np.divmod(np.arange(48), 8)
    assert x[make_splits("left_right", (6, 8))[0].train].max() == 2
    assert y[make_splits("top_bottom", (6, 8))[0].train].max() == 3


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match="found 'halves', expected one of random, left_right"):
        make_splits("halves", (4, 4))
