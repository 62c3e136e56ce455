"""Products in reduced precision: operands are rounded, sums are not, and gradients are rounded alike."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gridsweep.networks._products import matrix_products, multiply, sum_of_outer_products, weigh


def operands():
    rng = np.random.default_rng(0)
    return (jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in ((3, 4, 64), (64, 32), (3, 4, 32)))


def rounded(x):
    return np.asarray(jnp.asarray(x).astype(jnp.bfloat16).astype(jnp.float32), np.float64)


def test_bfloat16_rounds_operands_and_adds_up_in_float32():
    x, weight, _ = operands()
    with matrix_products("bfloat16"):
        found = multiply(x, weight)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, rounded(x) @ rounded(weight), rtol=1e-5, atol=1e-5)
    assert np.abs(found - np.asarray(x, float) @ np.asarray(weight, float)).max() > 1e-3


def test_its_gradients_are_products_of_rounded_operands_too():
    x, weight, cotangent = operands()
    with matrix_products("bfloat16"):
        _, backward = jax.vjp(multiply, x, weight)
        by_x, by_weight = backward(cotangent)
    np.testing.assert_allclose(by_x, rounded(cotangent) @ rounded(weight).T, rtol=1e-5, atol=1e-5)
    flat_x, flat_cotangent = rounded(x).reshape(12, 64), rounded(cotangent).reshape(12, 32)
    np.testing.assert_allclose(by_weight, flat_x.T @ flat_cotangent, rtol=1e-5, atol=1e-5)
    with matrix_products("bfloat16"):
        np.testing.assert_array_equal(sum_of_outer_products(x, cotangent), by_weight)


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_full_precision_is_full_on_a_cpu(precision):
    x, weight, cotangent = operands()
    with matrix_products(precision):
        np.testing.assert_allclose(
            multiply(x, weight), np.asarray(x, float) @ np.asarray(weight, float), rtol=1e-5, atol=1e-5
        )
        outer = np.einsum("rsk,rsn->kn", np.asarray(x, float), np.asarray(cotangent, float))
        np.testing.assert_allclose(sum_of_outer_products(x, cotangent), outer, rtol=1e-5, atol=1e-5)
        by_x, by_weight = jax.vjp(multiply, x, weight)[1](cotangent)
    np.testing.assert_allclose(by_x, np.asarray(cotangent, float) @ np.asarray(weight, float).T, atol=1e-5)
    np.testing.assert_allclose(by_weight, outer, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_fixed_weight_has_no_gradient(precision):
    x, weight, cotangent = operands()
    with matrix_products(precision):
        by_x, by_weight = jax.vjp(lambda x, weight: multiply(x, weight, fixed=True), x, weight)[1](cotangent)
        np.testing.assert_array_equal(by_x, jax.vjp(lambda x: multiply(x, weight), x)[1](cotangent)[0])
    assert not by_weight.any()


def test_weighing_is_the_product_and_has_its_gradients():
    x, weight, cotangent = operands()
    x, weight = x[..., :3], weight[:3]
    found, backward = jax.vjp(weigh, x, weight)
    expected, plain = jax.vjp(lambda x, weight: x @ weight, x, weight)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    for one, other in zip(backward(cotangent), plain(cotangent), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_choice_ends_with_the_block_even_after_an_error():
    x, weight, _ = operands()
    with pytest.raises(ZeroDivisionError), matrix_products("bfloat16"):
        raise ZeroDivisionError
    np.testing.assert_allclose(multiply(x, weight), x @ weight, rtol=1e-6)
