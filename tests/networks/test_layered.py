"""What the layered networks do not do again at every step."""

import jax
import jax.numpy as jnp
import pytest

from gridsweep.networks.gru import Gru
from gridsweep.networks.lstm import Lstm
from gridsweep.networks.srnn import Srnn
from gridsweep.networks.ugrnn import Ugrnn


@pytest.mark.parametrize("kind", [Srnn, Lstm, Gru, Ugrnn], ids=lambda kind: kind.kind_name())
def test_one_matrix_product_is_inside_the_scan(kind):
    network = kind(units=6)

    def walk(weights):
        return network.bind(weights, 5).activity(jnp.zeros(5), jnp.zeros((4, 2)))

    weights = jax.eval_shape(lambda: network.init(jax.random.key(0), 5))
    (scan,) = [line for line in jax.make_jaxpr(walk)(weights).eqns if line.primitive.name == "scan"]
    body = str(scan.params["jaxpr"])
    assert body.count("dot_general") == 1
