"""The layers around a cell as a slow loop in float64, for cells to be compared with."""

import jax
import jax.numpy as jnp
import numpy as np

UNITS, OUTPUTS, STEPS = 7, 5, 6
PHI = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "linear": lambda x: x,
}
sigmoid = PHI["sigmoid"]


def any_weights(network):
    """Weights of the right shapes with nothing at zero, biases included."""
    shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), OUTPUTS))
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: rng.normal(scale=0.5, size=leaf.shape).astype(np.float32), shapes)


def affine(layer, x):
    return x @ layer["kernel"] + layer["bias"]


def assert_follows(network, step, begin=lambda w, start: affine(w["encoder"], start)):
    """A walk through our network is a loop of ``step``: (weights, phi, m, state) -> (state, h)."""
    phi, weights = PHI[network.activation], any_weights(network)
    rng = np.random.default_rng(1)
    start, displacements_m = rng.normal(size=OUTPUTS), rng.normal(size=(STEPS, 2))
    circuit = network.bind(jax.tree.map(jnp.asarray, weights), OUTPUTS)
    with jax.default_matmul_precision("highest"):
        activity = circuit.activity(jnp.float32(start), jnp.float32(displacements_m))
        output = circuit.readout(activity)
    w = jax.tree.map(lambda leaf: leaf.astype(float), weights)
    state = begin(w, start)
    for t, displacement_m in enumerate(displacements_m):
        state, hidden = step(w, phi, affine(w["projection"], displacement_m), state)
        scored = phi(affine(w["dense"], hidden))
        np.testing.assert_allclose(activity[t], scored, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(output[t], affine(w["decoder"], scored), rtol=1e-4, atol=1e-5)
