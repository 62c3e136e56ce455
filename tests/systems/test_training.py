"""Clipping of gradients, inside a lane."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.optimizers.sgd import Sgd
from gridsweep.systems._training import Training

GRADIENT = {"recurrent": jnp.array([3.0, -4.0]), "decoder": {"kernel": jnp.array([12.0])}}


def clip(**settings):
    return Training(optimizer=Sgd(), **settings).clip(GRADIENT, ("decoder",))


def test_no_clipping_leaves_gradients_as_they_are():
    assert clip() is GRADIENT


@pytest.mark.parametrize(("limit", "scale"), [(6.5, 0.5), (13.0, 1.0), (100.0, 1.0)])
def test_the_norm_of_all_gradients_together_is_clipped(limit, scale):
    found = clip(clipping="global_norm", clip_at=limit)  # the norm is 13
    np.testing.assert_allclose(found["recurrent"], scale * GRADIENT["recurrent"], rtol=1e-6)
    np.testing.assert_allclose(found["decoder"]["kernel"], [12 * scale], rtol=1e-6)


def test_entries_are_clipped_and_only_those_asked_for():
    found = clip(clipping="element_wise", clip_at=3.5)
    np.testing.assert_array_equal(found["recurrent"], [3.0, -3.5])
    np.testing.assert_array_equal(found["decoder"]["kernel"], [3.5])
    found = clip(clipping="element_wise", clip_at=3.5, clipped="readout")
    np.testing.assert_array_equal(found["recurrent"], [3.0, -4.0])
    np.testing.assert_array_equal(found["decoder"]["kernel"], [3.5])


def test_a_vanishing_gradient_is_no_division_by_zero():
    nothing = {"recurrent": jnp.zeros(2), "decoder": jnp.zeros(1)}
    found = Training(optimizer=Sgd(), clipping="global_norm").clip(nothing, ())
    assert np.isfinite(found["recurrent"]).all()


def test_limits_of_no_clipping_are_no_part_of_a_network():
    plain, said = Training(optimizer=Sgd()), Training(optimizer=Sgd(), clip_at=0.3, clipped="readout")
    assert plain.canonical() == said.canonical()
    clipped = Training(optimizer=Sgd(), clipping="global_norm", clip_at=0.3)
    assert clipped.canonical() == clipped


def test_a_fixed_set_of_walks_comes_once_an_epoch_in_another_order():
    training = Training(optimizer=Sgd(), fixed_walks=11, batch_size=4)
    keys = jax.jit(lambda update: jax.random.key_data(training.walk_keys(jax.random.key(0), update)))
    drawn = [[tuple(map(int, key)) for key in keys(jnp.int32(update))] for update in range(60)]
    epochs = [
        drawn[start] + drawn[start + 1] for start in range(0, 60, 2)
    ]  # three walks are left out of each
    assert all(len(set(epoch)) == 8 for epoch in epochs)
    assert len({key for epoch in epochs for key in epoch}) == 11
    assert epochs[0] != epochs[1]
    assert drawn[0] == [tuple(map(int, key)) for key in keys(jnp.int32(0))]


def test_a_fixed_set_has_room_for_a_batch():
    assert not Training(optimizer=Sgd(), fixed_walks=8, batch_size=8).problems()
    assert Training(optimizer=Sgd(), fixed_walks=7, batch_size=8).problems()[0].field == "fixed_walks"
