"""The settings of the published LSTM study (``train_one.py``) in our words, one set at a time.

Its programs are PyTorch's: Adam's epsilon beside the corrected root, weight decay added to the gradient of
every weight after clipping, two biases in the LSTM. One epoch is 100 updates on 10,000 walks that are drawn
once. A sequence of length S has S - 1 steps. What cannot change what is trained is dropped: the
normalisation before a softmax, how often and on how long a walk the network is validated.

Source: the sweep files; spec other_systems 1.2 to 1.7 and its register of discrepancies.
"""

from collections.abc import Mapping
from typing import Any

from gridsweep.spec.mistakes import describe, is_number

# Settings of the published files, with what they are there where a file leaves them out.
BASE: Mapping[str, Any] = {
    "batch_size_train": 100,
    "batch_size_val": 100,
    "check_val_every_n_epoch": 50,
    "data_generation": "sampled_at_beginning",
    "gradient_clip_val": "None",
    "head_direction_cell_concentration": 20.0,
    "hidden_state_init": "pc_hd",
    "input_var": "egocentric",
    "keep_prob": 0.5,
    "learning_rate": 0.01,
    "n_batches_per_epoch": 100,
    "n_epochs": 1000,
    "n_head_direction_cells": 12,
    "n_hidden_units": 512,
    "n_place_cells": 256,
    "n_readout_layers": 2,
    "n_readout_units": 512,
    "optimizer": "adam",
    "place_cell_normalization": "none",
    "place_cell_rf": 0.05,
    "seed": 0,
    "sequence_length_train": 100,
    "sequence_length_val": 100,
    "shuffle_train": True,
    "target_var": "pc_hd",
    "use_bias": True,
    "weight_decay": 1e-5,
}
NORMALISATIONS = ("none", "lse", "lse_no_grad")  # all one; the fourth of the files stops the program
REPORTED = {"pc_hd": "place_and_heading", "pc": "place", "pos": "position"}
TOLD = {"pc_hd": "place_and_heading", "pos_hd": "position_and_heading"}
EPSILON = 1e-4
BINS = 44  # those of the null; the program takes 45 to 47, by how far walks leave the box


class Void(ValueError):
    """A row that cannot run, with the reason."""


def translate(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Returns our settings for one set of the published program's.

    Raises:
        Void: the published program could not run it, or it is no setting of any published file.
    """
    said = {**BASE, **flat}
    if said["place_cell_normalization"] not in NORMALISATIONS:
        raise Void(
            f"place_cell_normalization {said['place_cell_normalization']} is refused by an assertion of the "
            "published program (other_systems 1.3)"
        )
    for name in ("shuffle_train", "use_bias"):
        if said[name] is not True:
            raise Void(f"{name}: found {describe(said[name])}; true in every published file")
    position = _one_of(said, "target_var", REPORTED) == "position"
    walks = _whole(said, "batch_size_train") * _whole(said, "n_batches_per_epoch")
    return {
        "system": {"kind": "path_integrator", "seed": said["seed"]},
        "arena": {"kind": "box"},
        "trajectory": {"kind": "slowing_walk"},
        "target": {
            "kind": "gaussian_and_heading",
            "place_cells": said["n_place_cells"],
            "field_width_m": said["place_cell_rf"],
            "heading_cells": said["n_head_direction_cells"],
            "heading_concentration": said["head_direction_cell_concentration"],
            "reported": _one_of(said, "target_var", REPORTED),
            "told": _one_of(said, "hidden_state_init", TOLD),
        },
        "loss": {"kind": "mse" if position else "cross_entropy"},
        "network": {
            "kind": "lstm_dense",
            "units": said["n_hidden_units"],
            "dense_units": said["n_readout_units"],
            # The head of positions reads the LSTM; the dense layer is there, and nothing trains it.
            "readout_layers": 1 if position else said["n_readout_layers"],
            "dense_dropout": _dropped(said),
            "input": said["input_var"],
            "initializer_family": "torch",
        },
        "training": {
            "optimizer": _optimizer(said),
            "learning_rate": said["learning_rate"],
            "weight_decay": 0.0,  # the optimizer's
            "batch_size": said["batch_size_train"],
            "steps": _whole(said, "sequence_length_train") - 1,
            "updates": _whole(said, "n_epochs") * _whole(said, "n_batches_per_epoch"),
            "fixed_walks": _one_of(
                said, "data_generation", {"sampled_at_beginning": walks, "sampled_at_every_step": 0}
            ),
            "dropout": "active",
            **_clipping(said),
        },
        "evaluation": [
            {"kind": "published", "steps": _whole(said, "sequence_length_val") - 1, "bins": [BINS]},
            {"kind": "recurrent", "bins": [BINS]},
        ],
    }


def _optimizer(said: Mapping[str, Any]) -> dict[str, Any]:
    decay = {"coupled_decay": said["weight_decay"]}
    known = {
        "adam": {"form": "torch", "epsilon": EPSILON, **decay},
        "adamw": {"epsilon": EPSILON, "decoupled_decay": said["weight_decay"]},
        "rmsprop": {"decay": 0.99, "epsilon": EPSILON, "momentum": 0.9, **decay},
        "sgd": {"momentum": 0.9, **decay},
    }
    return {"kind": said["optimizer"], **_one_of(said, "optimizer", known)}


def _clipping(said: Mapping[str, Any]) -> dict[str, Any]:
    limit = said["gradient_clip_val"]
    return {} if limit in (None, "None") else {"clipping": "global_norm", "clip_at": limit}


def _dropped(said: Mapping[str, Any]) -> float:
    keep = said["keep_prob"]
    if not is_number(keep):
        raise Void(f"keep_prob: found {describe(keep)}, expected a number")
    return round(1.0 - keep, 12)  # 0.001 and not 0.0010000000000000009


def _one_of(said: Mapping[str, Any], name: str, known: Mapping[str, Any]) -> Any:
    if said[name] not in known:
        raise Void(f"{name}: found {describe(said[name])}, expected one of {', '.join(known)}")
    return known[said[name]]


def _whole(said: Mapping[str, Any], name: str) -> int:
    value = said[name]
    if not is_number(value) or value != int(value):
        raise Void(f"{name}: found {describe(value)}, expected a whole number")
    return int(value)
