"""``gridsweep bench``: what this device does, in one table. Without Ray and without a store."""

import csv
import itertools
from pathlib import Path
from typing import Annotated

import typer

from gridsweep.cli._common import EXIT_BAD_INPUT, fail

CELLS = ["rnn", "srnn", "lstm", "gru", "ugrnn"]
HEADS = (
    "who",
    "precision",
    "units",
    "network",
    "lanes",
    "updates_per_s",
    "us_per_update",
    "of_ceiling",
    "peak_bytes",
)


def bench(
    device: Annotated[bool, typer.Option("--device", help="Measure the device that JAX sees.")] = False,
    units: Annotated[list[int], typer.Option(help="Recurrent units; may be repeated.")] = [1024, 4096],  # noqa: B006
    network: Annotated[list[str], typer.Option(help="Kinds of network.")] = CELLS,
    precision: Annotated[list[str], typer.Option()] = ["float32", "tf32", "bfloat16"],  # noqa: B006
    lanes: Annotated[list[int], typer.Option(help="Networks together.")] = [1, 8, 32, 64, 128],  # noqa: B006
    place_cells: Annotated[int, typer.Option()] = 512,
    batch_size: Annotated[int, typer.Option()] = 200,
    steps: Annotated[int, typer.Option()] = 20,
    updates: Annotated[int, typer.Option(help="In a timed chunk; the best of three counts.")] = 20,
    torch: Annotated[
        str | None,
        typer.Option(help="A Python that has PyTorch, to be measured on the same device; in a checkout."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A CSV file to write as well.")] = None,
) -> None:
    """Measure this device: network-updates a second by lanes, precision and network, beside its ceiling."""
    if not device:
        fail("say what to measure: --device", EXIT_BAD_INPUT)
    from gridsweep.train.measuring import Combinations, device_name, measure_device, scoring_s
    from gridsweep.train.torch_peer import NoPeer, measure_torch

    asked = Combinations(
        units=units,
        networks=network,
        precisions=precision,
        lanes=lanes,
        place_cells=place_cells,
        batch_size=batch_size,
        steps=steps,
        updates=updates,
    )
    try:  # before JAX takes most of a GPU's memory
        peer_name, of_torch = measure_torch(torch, asked) if torch else ("", [])
    except NoPeer as error:
        fail(f"--torch: {error}", EXIT_BAD_INPUT)
    print("  ".join(head.rjust(13) for head in HEADS))
    rows = []
    for row in itertools.chain(of_torch, measure_device(asked)):
        rows.append(row)
        cells = [row.get(head, row.get("failed", "")) for head in HEADS]
        print("  ".join(_short(cell).rjust(13) for cell in cells), flush=True)
    name = ", ".join(filter(None, [device_name(), peer_name]))
    print(f"device: {name}")
    print(f"scoring 1,024 units on 44 bins: {scoring_s():.2f} s")
    if out is not None:
        with out.open("w", newline="") as file:
            writer = csv.DictWriter(file, [*HEADS, "failed", "device"], restval="")
            writer.writeheader()
            writer.writerows([{**row, "device": name} for row in rows])


def _short(cell: object) -> str:
    return f"{cell:.4g}" if isinstance(cell, float) else str("" if cell is None else cell)
