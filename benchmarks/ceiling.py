"""What a core's matrix products reach: the ceiling that training is measured against.

The best of several shapes and libraries, in float32 and with bfloat16 operands: a worker whose one update is
one product of square matrices.
"""

from collections.abc import Callable
from typing import Any

from benchmarks.rotation import serve

EDGES = (512, 1024)


def build(task: dict[str, Any]) -> Callable[[int], None]:
    """Returns a function that multiplies matrices of ``edge`` rows so many times."""
    edge, precision = task["edge"], task["precision"]
    if task["library"] == "torch":
        import torch

        torch.set_num_threads(1)
        kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
        left, right = (torch.rand(edge, edge, dtype=kind) for _ in range(2))
        into = torch.empty_like(left)

        def multiply(times: int) -> None:
            for _ in range(times):
                torch.mm(left, right, out=into)

        return multiply
    if task["library"] == "numpy":
        import numpy as np

        rng = np.random.default_rng(0)
        ours = [rng.random((edge, edge), dtype=np.float32) for _ in range(3)]

        def dot(times: int) -> None:
            for _ in range(times):
                np.dot(ours[0], ours[1], out=ours[2])

        return dot
    import jax
    import jax.numpy as jnp

    operand = jnp.bfloat16 if precision == "bfloat16" else jnp.float32
    with jax.default_matmul_precision("highest"):
        product = jax.jit(lambda x, y: jnp.dot(x, y, preferred_element_type=jnp.float32))
        x, y = (jax.random.uniform(jax.random.key(n), (edge, edge)).astype(operand) for n in range(2))
        product(x, y)

    def run(times: int) -> None:
        for _ in range(times):
            result = product(x, y)
        result.block_until_ready()

    return run


if __name__ == "__main__":
    serve(build)
