import jax
import numpy as np
import pytest

from gridsweep.arena.box import Box
from gridsweep.arena.torus import Torus
from gridsweep.kinds import discover
from gridsweep.spec.build import build_part
from gridsweep.systems.path_integrator import PathIntegrator
from gridsweep.targets import Target
from gridsweep.targets.difference_of_softmaxes import DifferenceOfSoftmaxes
from gridsweep.targets.gaussian import Gaussian
from gridsweep.theory.closed_form import ring_wavenumber
from gridsweep.theory.spectrum import compute_spectrum
from gridsweep.trajectories import standing_at
from tests.tiny import small_node

BOX = Box(side_m=2.2)


@pytest.mark.parametrize(("convention", "squared"), [("variance", {13}), ("sigma", {8, 9})])
def test_the_top_modes_of_a_difference_of_softmaxes_are_those_of_the_spec(convention, squared):
    # Acceptance 3.1: after removing zero, the eight largest.
    target = DifferenceOfSoftmaxes(field_width_m=0.12, surround_ratio=2.0, surround_convention=convention)
    found = compute_spectrum(target, BOX, bins=31)
    modes = found.top_modes(8)
    assert {x * x + y * y for x, y in modes} == squared
    assert len(set(modes)) == 8
    analytic = ring_wavenumber(0.12, 2.0 if convention == "sigma" else np.sqrt(2))
    assert found.ring_wavenumber() == pytest.approx(analytic, rel=0.06)


def test_a_gaussian_s_power_falls_from_zero_as_the_closed_form_says():
    found = compute_spectrum(Gaussian(place_cells=2048, field_width_m=0.12), Torus(side_m=2.2), bins=32)
    lengths, power = found.by_length()
    few = (lengths > 0) & (lengths <= 3)
    k = 2 * np.pi * lengths[few] / 2.2
    slope = np.polyfit(k**2, np.log(power[few]), 1)[0]
    # The transform of the softmax over many cells is that of the field: power exp(-w² k²).
    assert slope == pytest.approx(-(0.12**2), rel=0.1)
    assert np.argmax(power) == 0
    assert {abs(x) + abs(y) for x, y in found.top_modes(4)} == {1}


def test_the_covariance_is_the_plain_average_over_where_one_stands():
    target = Gaussian(place_cells=12, field_width_m=0.3)
    found = compute_spectrum(target, BOX, seed=3, bins=6)
    middles = (np.arange(6) + 0.5) / 6 * 2.2 - 1.1
    places = np.stack(np.meshgrid(middles, middles, indexing="ij"), axis=-1).reshape(-1, 2)
    cells = target.draw(jax.random.key(3), BOX)
    maps = np.asarray(target.encode(BOX, cells, standing_at(places)), float).T.reshape(-1, 6, 6)
    maps -= maps.mean(axis=(1, 2), keepdims=True)
    slow = np.array(
        [[np.mean(maps * np.roll(maps, (-x, -y), (1, 2))) for y in range(-3, 3)] for x in range(-3, 3)]
    )
    np.testing.assert_allclose(found.covariance, slow, atol=1e-9)


@pytest.mark.parametrize("name", sorted(discover(Target.package, Target)))
def test_every_target_has_a_spectrum(name):
    mistakes = []
    node = small_node(discover(Target.package, Target)[name])
    target = build_part(PathIntegrator, "target", node, "target", mistakes)
    assert not mistakes
    found = compute_spectrum(target, BOX, bins=8)
    assert found.power.shape == (8, 8)
    assert np.isfinite(found.power).all()
    assert found.power.sum() > 0
    # The power of real maps is the same at a mode and at its mirror image.
    np.testing.assert_allclose(found.power[1:, 1:], found.power[:0:-1, :0:-1], rtol=1e-6, atol=1e-15)
    assert found.predicted_period_m() > 0
