"""What is trained in the benchmarks: published sizes, and the settings around them.

The target is the published difference of softmaxes (spec d.3: field width 0.12 m, surround twice as wide),
the optimizer Adam, weight decay 1e-4.
"""

from typing import NamedTuple


class Size(NamedTuple):
    """Of a network and its batch."""

    units: int
    place_cells: int
    batch: int
    steps: int

    def __str__(self) -> str:
        return ",".join(map(str, self))


SIZES = (
    Size(64, 256, 50, 20),
    Size(128, 512, 200, 20),
    Size(1024, 512, 200, 20),
    Size(4096, 512, 200, 20),
)
FIELD_WIDTH_M = 0.12
SURROUND_RATIO = 2.0
LEARNING_RATE = 1e-4
WEIGHT_DECAY = 1e-4
SYNTHETIC_UNITS = 1024
SYNTHETIC_BINS = 8


def settings(size: Size, *, network: str = "rnn", precision: str = "float32", target: str = "") -> dict:
    """Returns the settings of a run, as a sweep file gives them."""
    target = target or "difference_of_softmaxes"
    said = {"kind": target, "place_cells": size.place_cells, "field_width_m": FIELD_WIDTH_M}
    if target not in ("gaussian",):
        said["surround_ratio"] = SURROUND_RATIO
    return {
        "target": said,
        "network": {
            "kind": network,
            "units": size.units,
            "activation": "relu" if network in ("rnn", "srnn") else "tanh",
        },
        "training": {
            "optimizer": {"kind": "adam"},
            "learning_rate": LEARNING_RATE,
            "weight_decay": WEIGHT_DECAY,
            "batch_size": size.batch,
            "steps": size.steps,
            "updates": 1_000_000,
            "precision": precision,
        },
    }


def synthetic_sweep(runs: int) -> dict:
    """Returns a sweep of at least so many networks of 1,024 units: two programs, many seeds and widths."""
    return {
        "name": "synthetic",
        "seeds": -(-runs // 40),
        "base": {
            "network": {"kind": "rnn", "units": SYNTHETIC_UNITS},
            "evaluation": {"kind": "corrected", "bins": [SYNTHETIC_BINS]},
        },
        "parameters": {
            "target.kind": {"values": ["gaussian", "difference_of_softmaxes"]},
            "target.field_width_m": {"values": [0.08, 0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.22, 0.24, 0.28]},
            "network.activation": {"values": ["relu", "tanh"]},
        },
        "keep": {"rate_maps": "none"},
    }
