"""What holds for every target: shapes, finite activity, places that come back, lanes that do not mix."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.arena import Arena
from gridsweep.arena.box import Box
from gridsweep.kinds import Uniform, discover
from gridsweep.spec.build import check_value
from gridsweep.targets import Target
from tests.tiny import SMALL, some_walks

every_target = pytest.mark.parametrize(
    "kind", discover(Target.package, Target).values(), ids=lambda k: k.kind_name()
)
every_arena = pytest.mark.parametrize(
    "arena", discover(Arena.package, Arena).values(), ids=lambda k: k.kind_name()
)


def small(kind, **settings):
    return kind(**{name: SMALL[name] for name in SMALL if name in kind.declarations()} | settings)


@jax.jit
def follow(target, arena, key, walks):
    """(activity, activity at the start, places decoded from activity) along walks."""
    cells = target.draw(key, arena)
    activity = jax.vmap(lambda walk: target.encode(arena, cells, walk))(walks)
    start = jax.vmap(lambda walk: target.encode_start(arena, cells, walk))(walks)
    decoded_m = jax.vmap(lambda output: target.decode(arena, cells, output))(activity)
    return activity, start, decoded_m


@every_target
@every_arena
def test_a_target_encodes_walks_and_decodes_places(kind, arena):
    target, walks = small(kind), some_walks(arena.kind_name())
    activity, start, decoded_m = follow(target, arena(), jax.random.key(3), walks)
    assert activity.shape == (*walks.position_m.shape[:2], target.outputs)
    assert sum(target.heads) == target.outputs
    assert start.shape == (len(walks.start_m), sum(target.starts))
    assert decoded_m.shape == walks.position_m.shape
    assert np.isfinite(activity).all()
    assert np.isfinite(start).all()
    assert np.isfinite(decoded_m).all()
    if target.is_distribution:
        ends = np.cumsum(target.heads)[:-1]
        for rows in np.split(activity, ends, axis=-1):
            assert (rows >= 0).all()
            np.testing.assert_allclose(np.sum(rows, axis=-1), 1.0, atol=1e-5)


@every_target
def test_decoding_its_own_activity_finds_the_place_within_the_arena(kind):
    arena, walks = Box(), some_walks()
    _, _, decoded_m = follow(kind(), arena, jax.random.key(4), walks)
    error_m = np.linalg.norm(arena.offset_m(decoded_m, walks.position_m), axis=-1)
    assert np.isfinite(error_m).all()
    assert error_m.mean() < arena.side_m


@every_target
def test_the_start_is_encoded_like_any_other_place(kind):
    walks = some_walks()
    from_the_end = walks._replace(start_m=walks.position_m[:, -1], start_heading_rad=walks.heading_rad[:, -1])
    activity, start, _ = follow(small(kind), Box(), jax.random.key(3), from_the_end)
    np.testing.assert_allclose(start, activity[:, -1], rtol=1e-5, atol=1e-6)


@every_target
def test_lanes_with_other_settings_in_one_program_equal_each_alone(kind):
    lanes = [
        small(kind, **{name: scaled(kind, name, factor) for name in leaves(kind)}) for factor in (1.0, 1.2)
    ]
    stacked = jax.tree.map(lambda *leaf: jnp.stack([jnp.float32(value) for value in leaf]), *lanes)
    key, walks = jax.random.key(3), some_walks()
    together = jax.vmap(lambda target: follow(target, Box(), key, walks), axis_size=2)(stacked)
    for number, lane in enumerate(lanes):
        alone = follow(lane, Box(), key, walks)
        for found, expected in zip(together, alone, strict=True):
            np.testing.assert_allclose(found[number], expected, rtol=1e-4, atol=1e-5)


@every_target
def test_settings_drawn_for_each_cell_lie_within_their_ends(kind):
    for name in leaves(kind):
        if kind.declarations()[name].spread:
            low, high = scaled(kind, name, 1.01), scaled(kind, name, 1.5)
            spread = small(kind, **{name: Uniform(low, high)})
            activity, _, decoded_m = follow(spread, Box(), jax.random.key(6), some_walks())
            assert np.isfinite(activity).all()
            assert np.isfinite(decoded_m).all()


@every_target
def test_cells_depend_on_their_key_alone(kind):
    target, arena = small(kind), Box()
    once, again, other = (target.draw(jax.random.key(seed), arena) for seed in (1, 1, 2))
    for first, second in zip(jax.tree.leaves(once), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(first, second)
    random = [leaf for leaf in jax.tree.leaves(once) if leaf.size and np.ptp(leaf) > 0]
    if random:
        same = [
            np.array_equal(a, b) for a, b in zip(jax.tree.leaves(once), jax.tree.leaves(other), strict=True)
        ]
        assert not all(same), "another seed draws other cells"


def leaves(kind):
    return [name for name, declared in kind.declarations().items() if declared.sort == "lane"]


def scaled(kind, name, factor):
    """The default of a field times a factor, within its bounds."""
    default = kind.defaults()[name]
    assert not check_value(kind.declarations()[name], default * factor)[1], name
    return default * factor
