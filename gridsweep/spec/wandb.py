"""W&B sweep files of the published studies, read as they are.

One table of names turns the flat settings of the No-Free-Lunch programs (``rnn_type``, ``Ng``,
``place_cell_rf`` …) into ours, with every published behaviour switched on: the evaluation of one batch,
UGRNN's penalty on its bias, the decoder of the three smallest. Settings that mean nothing for a kind are
dropped, so that equal networks get equal ids; dropout, which never acted (spec f.2), is dropped too. A row
that cannot run, there or here, is void and says why. The files of the LSTM study have a table of their own
(``wandb_disentangling.py``).

Source of the names: the sweep files themselves; of their meaning: spec b, c, d and f.
"""

import functools
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gridsweep.kinds import SEED_LIMIT, discover
from gridsweep.networks import Network
from gridsweep.spec import wandb_disentangling
from gridsweep.spec.axes import read_axes
from gridsweep.spec.build import Builder, Rejected
from gridsweep.spec.design import DEFAULT_KEEP, LARGEST_SWEEP
from gridsweep.spec.identity import run_id
from gridsweep.spec.mistakes import Mistake, SweepError, describe, is_number
from gridsweep.spec.sweep import Run
from gridsweep.spec.wandb_disentangling import Void
from gridsweep.targets import Target

NO_FREE_LUNCH = "mec_hpc_investigations/models/run_trainer_rylan.py"
DISENTANGLING = "train_one.py"

# Settings that go to one place under another name.
NAMES = {
    "Ng": "network.units",
    "Np": "target.place_cells",
    "activation": "network.activation",
    "initializer": "network.initializer",
    "rnn_type": "network.kind",
    "batch_size": "training.batch_size",
    "learning_rate": "training.learning_rate",
    "optimizer": "training.optimizer",
    "sequence_length": "training.steps",
    "weight_decay": "training.weight_decay",
    "place_cell_rf": "target.field_width_m",
    "surround_scale": "target.surround_ratio",
    "place_cell_alpha_e": "target.amplitude_excitatory",
    "place_cell_alpha_i": "target.amplitude_inhibitory",
    "place_field_normalization": "target.normalisation",
    "place_field_loss": "loss",
    "seed": "system.seed",
    "box_width_in_m": "arena.side_m",
}
# Settings that several rules below look at.
OTHERS = (
    "place_field_values", "n_epochs", "n_grad_steps_per_epoch", "n_place_fields_per_cell",
    "is_periodic", "box_height_in_m",
)  # fmt: skip
# Settings without effect on what is trained. A random search draws them after all others, so that a file
# without them draws the same networks.
IDLE = ("bin_side_in_m", "readout_dropout", "recurrent_dropout")
TARGETS = {
    "difference_of_gaussians": "difference_of_softmaxes",
    "true_difference_of_gaussians": "difference_of_gaussians",
}
NETWORKS = {"vanillarnn": "srnn"}  # all others in lower case
LOSSES = {
    "crossentropy": "cross_entropy",
    "mse": "mse",
    "polarmse": "polar",
    "binarycrossentropy": "binary_cross_entropy",
}
UNIFORM = re.compile(r"Uniform\(\s*(\S+)\s*,\s*(\S+)\s*\)")
POISSON = re.compile(r"Poisson\(\s*(\S+)\s*\)")
MOST_FIELDS_MEAN = 1_000
MOST_FIELDS_SD = 6  # a Poisson number of fields is padded to its mean and so many standard deviations


class WandbSweep:
    """A W&B sweep file as a sweep: the same reading, counting and making of runs, one by one."""

    keep = DEFAULT_KEEP
    lanes = None

    def __init__(self, document: Mapping[str, Any], where: str = "sweep", name: str = "sweep"):
        """Reads a document.

        Raises:
            SweepError: with every mistake of the document; a random one without a size is one.
        """
        self.where, self.name, self.document = where, name, dict(document)
        mistakes: list[Mistake] = []
        self.method = document.get("method")
        if self.method not in ("grid", "random"):
            mistakes.append(Mistake("method", f"found {describe(self.method)}, expected grid or random"))
        self._axes, _ = read_axes(document.get("parameters", {}), None, random=False, mistakes=mistakes)
        program = str(document.get("program"))
        known = {*NAMES, *OTHERS, *IDLE} if program == NO_FREE_LUNCH else set(wandb_disentangling.BASE)
        for axis in self._axes:
            if axis.keys[0] not in known:
                mistakes.append(
                    Mistake(f'parameters: "{axis.keys[0]}"', "not a setting of the published program")
                )
        if program not in (NO_FREE_LUNCH, DISENTANGLING):
            mistakes.append(
                Mistake(
                    "program",
                    f"found {program}, expected {NO_FREE_LUNCH} or {DISENTANGLING}; our own have no program",
                )
            )
        self._program = program
        self._builder = Builder()
        cap = document.get("run_cap")
        if self.method == "random" and (isinstance(cap, bool) or not isinstance(cap, int) or cap < 1):
            mistakes.append(Mistake("run_cap", "a random sweep has no size of its own: give --runs N"))
        seed = document.get("sampling_seed", 0)
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < SEED_LIMIT:
            text = f"found {describe(seed)}, expected a whole number of at least 0 and below 2^32"
            mistakes.append(Mistake("sampling_seed", text))
        self._rows = cap if self.method == "random" else math.prod(len(axis.values) for axis in self._axes)
        if isinstance(self._rows, int) and self._rows > LARGEST_SWEEP:
            mistakes.append(
                Mistake("parameters", f"{self._rows:,} runs, more than the limit of {LARGEST_SWEEP:,}")
            )
        if mistakes:
            raise SweepError(where, mistakes)

    def __len__(self) -> int:
        return int(self._rows or 0)

    def __iter__(self) -> Iterator[Run]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> Run:
        """Returns run ``number``.

        Raises:
            SweepError: the row is void.
        """
        try:
            system = self._builder.build(self.settings(number))
        except Void as void:
            raise SweepError(self.where, [Mistake(f"row {number}", str(void))]) from None
        except Rejected as rejected:
            mistakes = [
                Mistake(f"row {number}", f"{mistake.key}: {mistake.text}") for mistake in rejected.mistakes
            ]
            raise SweepError(self.where, mistakes) from None
        return Run(run_id(system), system)

    def settings(self, number: int) -> dict[str, Any]:
        """Returns the settings of run ``number`` in our words.

        Raises:
            Void: the published program could not run it, or its kind is not built yet.
        """
        of_program = wandb_disentangling.translate if self._program == DISENTANGLING else translate
        return of_program(self._flat(number))

    def varied(self) -> list[str]:
        """Returns the names, as the file has them, that differ between runs."""
        return [axis.keys[0] for axis in self._axes if len(axis.values) > 1]

    def _flat(self, number: int) -> dict[str, Any]:
        if self.method == "random":
            seed = self.document.get("sampling_seed", 0)
            rng = np.random.default_rng([seed, number])
            drawn = sorted(self._axes, key=lambda axis: axis.keys[0] in IDLE)
            return {axis.keys[0]: axis.values[rng.integers(len(axis.values))][0] for axis in drawn}
        digits = np.unravel_index(number, self._shape)
        return {
            axis.keys[0]: axis.values[int(digit)][0] for axis, digit in zip(self._axes, digits, strict=True)
        }

    @functools.cached_property
    def _shape(self) -> tuple[int, ...]:
        return tuple(len(axis.values) for axis in self._axes)


def translate(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Returns our settings for one set of the published program's.

    Raises:
        Void: the published program could not run it.
    """
    kind = str(flat.get("place_field_values", "gaussian"))
    settings: dict[str, Any] = {
        "system": {"kind": "path_integrator"},
        "arena": {"kind": "torus", "distance": "plain"} if flat.get("is_periodic") else {"kind": "box"},
        "target": {"kind": TARGETS.get(kind, kind)},
        "network": {},
        "training": {},
        "evaluation": [{"kind": "published"}],
    }
    if flat.get("place_field_normalization") == "local":
        raise Void("normalisation local raises in the published program (spec b.2)")
    if flat.get("box_width_in_m") != flat.get("box_height_in_m"):
        raise Void("a box that is not square")
    for name, place in NAMES.items():
        if name in flat:
            part, _, field = place.partition(".")
            value = _value(name, flat[name])
            if field:
                settings[part][field] = value
            else:
                settings[part] = value
    architecture = str(flat.get("rnn_type", "RNN")).lower()
    settings["network"]["kind"] = NETWORKS.get(architecture, architecture)
    settings["training"]["updates"] = _count(flat, "n_epochs") * _count(flat, "n_grad_steps_per_epoch")
    settings["target"] |= _fields_per_cell(flat.get("n_place_fields_per_cell", 1))
    settings["target"] |= {"decoder": "three_smallest", "angle": "atan"}
    settings["network"]["decay_tensor"] = "bias"
    settings["target"] = _meaningful(Target, settings["target"])
    settings["network"] = _meaningful(Network, settings["network"])
    return settings


def _value(name: str, value: Any) -> Any:
    if name == "place_field_loss":
        return {"kind": LOSSES.get(str(value), str(value))}
    if name == "optimizer":
        return {"kind": str(value)}
    if isinstance(value, str) and (found := UNIFORM.fullmatch(value)):
        return {"uniform": [_number(name, found[1]), _number(name, found[2])]}
    return value


def _count(flat: Mapping[str, Any], name: str) -> int:
    value = flat.get(name, 1)
    if not is_number(value) or value != int(value):
        raise Void(f"{name}: found {describe(value)}, expected a whole number")
    return int(value)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Void(f"{name}: found {describe(text)}, expected a number") from None


def _fields_per_cell(value: Any) -> dict[str, Any]:
    found = POISSON.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return {"fields_per_cell": value}
    mean = _number("n_place_fields_per_cell", found[1])
    if not 0 <= mean < MOST_FIELDS_MEAN:
        raise Void(f"n_place_fields_per_cell: found a mean of {mean}, expected 0 to {MOST_FIELDS_MEAN}")
    return {"fields_per_cell": math.ceil(1 + mean + MOST_FIELDS_SD * mean**0.5), "extra_fields_mean": mean}


def _meaningful(family: Any, node: dict[str, Any]) -> dict[str, Any]:
    """Returns a node without the settings that its kind does not have; an unknown kind keeps all."""
    cls = discover(family.package, family).get(node["kind"])
    if cls is None:
        return node
    return {name: value for name, value in node.items() if name == "kind" or name in cls.declarations()}


def is_wandb(document: Mapping[str, Any]) -> bool:
    """Whether a document is a W&B sweep file rather than one of ours."""
    return "program" in document
