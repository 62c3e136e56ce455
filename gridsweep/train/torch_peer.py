"""PyTorch on the same device, for comparison: the workers of ``benchmarks/peers``, run by another Python.

One network as published and one tuned, and networks side by side in batched products where the cell is the
vanilla one. They are written there, from the equations; here they are only asked how fast they are.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gridsweep.train.measuring import Combinations

CHECKOUT = Path(__file__).resolve().parents[2]
WORKER = "benchmarks.peers.torch_training"
ROUNDS = 3


class NoPeer(Exception):
    """There is no PyTorch to measure."""


def measure_torch(python: str, asked: Combinations) -> tuple[str, Iterator[dict[str, Any]]]:
    """Returns PyTorch's version and device, and a row for each combination, measured as it is asked for.

    Args:
        python: a Python that has PyTorch.
        asked: what to measure; ``srnn`` has no worker there and is left out.

    Raises:
        NoPeer: this is no checkout, or that Python has no PyTorch.
    """
    if not (CHECKOUT / "benchmarks/peers").is_dir():
        raise NoPeer(f"no benchmarks/peers in {CHECKOUT}; PyTorch's side comes with a checkout of gridsweep")
    device = "torch.cuda.get_device_name() if torch.cuda.is_available() else 'cpu'"
    ask = f"import torch; print(torch.__version__, {device}, sep='|')"
    try:
        told = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        lines = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise NoPeer(
            f'found "{python}", which cannot import torch: {lines[-1] if lines else error}'
        ) from None
    version, name = told.strip().split("|")
    on = "cpu" if name == "cpu" else "cuda"

    def rows() -> Iterator[dict[str, Any]]:
        for precision in asked.precisions:
            for width in asked.units:
                size = [width, asked.place_cells, asked.batch_size, asked.steps]
                for network in (network for network in asked.networks if network != "srnn"):
                    task = {"size": size, "network": network, "precision": precision, "device": on}
                    ways = [("published", 1), ("tuned", 1)]
                    if network == "rnn":
                        ways += [("batched", together) for together in asked.lanes if together > 1]
                    for way, together in ways:
                        said = {"precision": precision, "units": width, "network": network, "lanes": together}
                        work = task | {"way": way, "networks": together}
                        yield {"who": f"torch {way}"} | said | _rate(python, work, asked.updates)

    return f"torch {version} on {name}", rows()


def _rate(python: str, task: dict[str, Any], updates: int) -> dict[str, Any]:
    """Returns the rate of one worker, the best of a few chunks; or how it ended."""
    worker = subprocess.Popen(
        [python, "-m", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT
    )
    lines = [json.dumps(task), *[str(updates)] * ROUNDS]
    told, _ = worker.communicate("\n".join(lines) + "\n")
    answers = [json.loads(line) for line in told.splitlines()]
    if worker.returncode or len(answers) != 1 + ROUNDS:
        return {"failed": f"exit code {worker.returncode}"}
    per_s = task["networks"] * updates / min(answer["wall_s"] for answer in answers[1:])
    return {"updates_per_s": per_s, "us_per_update": 1e6 / per_s}
