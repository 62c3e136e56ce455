"""The kernel of an attractor's sheet: which waves of activity it lets grow, and how far apart its peaks lie.

    W0(x) = exp(-ratio beta x^2) - exp(-beta x^2),      beta = 3 / scale^2

It is negative everywhere: all is inhibition, less so of the nearest. Linearised about uniform activity, a
wave grows where gain W~(k) > 1, and fastest at the largest W~. Four populations that each project ``shift``
ahead of themselves multiply the bare transform by (cos k_x shift + cos k_y shift) / 2:

    W~(k) = pi/gamma exp(-k^2/4 gamma) - pi/beta exp(-k^2/4 beta),      gamma = ratio beta

For the published kernel the maximum is 1.14 (0.98 with the shift), at a hexagonal spacing of 1.46 times
``scale`` (1.49).

Source: spec other_systems 4.1 and 4.2; Burak and Fiete 2009, with the kernel of both programs beside it.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from gridsweep.kinds import Scalar


class Inhibition(NamedTuple):
    """How neurons inhibit each other, by their distance on the sheet."""

    scale: Scalar  # lambda, in neurons; not the period
    ratio: Scalar  # inverse square width of the narrow Gaussian over that of the wide
    shift: int  # how far ahead of itself a neuron projects, in neurons

    def weight(self, square_neurons: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Returns W0 at squared distances on the sheet."""
        beta = 3 / self.scale**2
        return jnp.exp(-self.ratio * beta * square_neurons) - jnp.exp(-beta * square_neurons)

    def spectrum(self, side: int) -> Float[Array, "side side"]:
        """Returns the discrete transform of the bare kernel on a closed sheet of that side."""
        along = jnp.fft.fftfreq(side) * side
        return jnp.fft.fft2(self.weight(along[:, None] ** 2 + along[None, :] ** 2)).real

    def growth(self, wavenumber: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Returns W~(k) of the four shifted populations at rest, for waves along x, in rad a neuron."""
        beta = 3 / self.scale**2
        gamma = self.ratio * beta
        bare = jnp.pi / gamma * jnp.exp(-(wavenumber**2) / (4 * gamma))
        bare -= jnp.pi / beta * jnp.exp(-(wavenumber**2) / (4 * beta))
        return bare * (jnp.cos(wavenumber * self.shift) + 1) / 2

    def predicted_spacing(self) -> Float[Array, ""]:
        """Returns the hexagonal spacing of the waves that grow fastest, in neurons."""
        # The bare kernel's maximum lies at k scale of 4.96, or 6.3 for a very wide one: spec 4.2.
        wavenumber = jnp.linspace(0.0, 1.0, 4097)[1:] * (12 / self.scale)
        fastest = wavenumber[jnp.argmax(self.growth(wavenumber))]
        return 2 / jnp.sqrt(3.0) * 2 * jnp.pi / fastest
