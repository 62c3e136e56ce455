"""Training, in network-updates a second: ours beside PyTorch as published, tuned, and batched by hand.

    python -m benchmarks.training --sizes 64 128 1024 --precisions float32 bfloat16
    python -m benchmarks.training --networks lstm gru ugrnn --sizes 128 --name cells
    python -m benchmarks.training --lanes 1 2 4 8 16 32 --sizes 128 --name lanes

Every contestant is two processes, each bound to its core with one thread, and they work in turn
(``benchmarks.rotation``). Ceilings are the best matrix products of the same minutes on the same cores, of
XLA and PyTorch. PyTorch comes with the extra ``bench``, or from another Python: ``--peer-python``.
"""

import argparse
import sys
from typing import Any

from benchmarks import table
from benchmarks.rotation import Chunk, Contestant, paired, rotate
from benchmarks.sizes import SIZES, Size, settings
from gridsweep.drive.cores import available_cores
from gridsweep.spec.build import build

PEERS = ("published", "tuned", "batched")
BATCHED_NETWORKS = 4
EDGE = 1024
HEADS = {
    "network": 8, "size": 16, "precision": 9, "who": 13, "networks": 8, "per_s_best": 10,
    "per_cpu_s_best": 14, "ours_paired": 11, "ours_paired_cpu": 15, "gflops_cpu": 10, "of_ceiling": 10,
}  # fmt: skip


def main() -> None:
    """Prints and keeps a row for each contestant."""
    parser = argparse.ArgumentParser(description="Training, ours beside PyTorch.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 1024], help="units")
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--networks", nargs="+", default=["rnn"])
    parser.add_argument("--lanes", type=int, nargs="+", help="ours alone, at these numbers of lanes")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--chunk-s", type=float, default=1.0)
    parser.add_argument("--peer-python", default=sys.executable, help="a Python that has PyTorch")
    parser.add_argument("--no-peers", action="store_true", help="without PyTorch")
    parser.add_argument("--name", default="training", help="of the file under benchmarks/results")
    asked = parser.parse_args()
    rows = []
    table.show(HEADS)
    for network in asked.networks:
        for size in (size for size in SIZES if size.units in asked.sizes):
            for precision in asked.precisions:
                contestants = _contestants(network, size, precision, asked)
                rows += measure(contestants, network, size, precision, asked)
                table.keep(asked.name, rows)


def measure(
    contestants: list[Contestant], network: str, size: Size, precision: str, asked: argparse.Namespace
) -> list[dict[str, Any]]:
    """Returns the rows of one program, printed as well."""
    cores = available_cores()[:2]
    found = rotate(contestants, rounds=asked.rounds, chunk_s=asked.chunk_s, cores=cores)
    products = {name: chunks for name, chunks in found.items() if name.startswith("ceiling")}
    ceiling = max(_best_cpu(chunks, len(cores)) for chunks in products.values()) * 2 * EDGE**3
    operations = build(settings(size, network=network, precision=precision)).operations_per_update()
    rows = []
    for contestant in contestants:
        chunks = found[contestant.name]
        is_ceiling = contestant.name in products
        rate = _best_cpu(chunks, len(cores)) * (2 * EDGE**3 if is_ceiling else operations)
        ratio, ratio_cpu = paired(found["ours"], chunks, len(cores))
        row = {
            "network": network,
            "size": str(size),
            "precision": precision,
            "who": contestant.name,
            "networks": contestant.task.get("networks", 1),
            "rounds": asked.rounds,
            "per_s_best": max(chunk.per_wall_s for chunk in chunks),
            "per_cpu_s_best": _best_cpu(chunks, len(cores)),
            "ours_paired": "" if is_ceiling else ratio,
            "ours_paired_cpu": "" if is_ceiling else ratio_cpu,
            "gflops_cpu": rate / 1e9,
            "of_ceiling": rate / ceiling,
        }
        rows.append(row)
        table.show(HEADS, row)
    return rows


def _contestants(network: str, size: Size, precision: str, asked: argparse.Namespace) -> list[Contestant]:
    def ours(name: str, lanes: int) -> Contestant:
        task = {"size": size, "network": network, "precision": precision, "networks": lanes}
        return Contestant(name, "benchmarks.engine", task)

    def peer(way: str) -> Contestant:
        networks = BATCHED_NETWORKS if way == "batched" else 1
        task = {"size": size, "network": network, "precision": precision, "way": way, "networks": networks}
        return Contestant(way, "benchmarks.peers.torch_training", task, asked.peer_python)

    def ceiling(library: str, python: str) -> Contestant:
        task = {"edge": EDGE, "precision": precision, "library": library}
        return Contestant(f"ceiling {library}", "benchmarks.ceiling", task, python)

    found = [ours("ours", 1)]
    if asked.lanes:
        found += [ours(f"ours, {lanes}", lanes) for lanes in asked.lanes if lanes > 1]
    elif not asked.no_peers:
        found += [peer(way) for way in PEERS if way != "batched" or network == "rnn"]
    found.append(ceiling("jax", sys.executable))
    if not asked.no_peers and not asked.lanes:
        found.append(ceiling("torch", asked.peer_python))
    return found


def _best_cpu(chunks: list[Chunk], workers: int) -> float:
    return max(chunk.per_cpu_s(workers) for chunk in chunks)


if __name__ == "__main__":
    main()
