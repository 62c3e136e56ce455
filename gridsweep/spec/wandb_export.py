"""One of our sweeps as a W&B sweep file of the published No-Free-Lunch program: ``wandb.py`` backwards.

The published program knows less than we do: it has no name for most settings, and a W&B grid takes every
combination of its values. So the file is written from what the runs are, then read again, and handed out only
if it comes to the same networks. What cannot be said is an error that names the setting. The file says
nothing about how networks are looked at: that program has one way.

Source of the names: ``wandb.py`` and the published sweep files.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from gridsweep.spec.build import build
from gridsweep.spec.columns import flatten
from gridsweep.spec.design import LARGEST_SWEEP
from gridsweep.spec.identity import run_id
from gridsweep.spec.mistakes import Mistake, SweepError
from gridsweep.spec.sweep import Sweep
from gridsweep.spec.wandb import LOSSES, NAMES, NETWORKS, NO_FREE_LUNCH, TARGETS, Void, WandbSweep, translate
from gridsweep.systems import System

BIN_SIDE_M = 0.05  # of rate maps: in every published file, and never varied
UPDATES_PER_EPOCH = (10_000, 5_000, 2_500, 1_000)  # as the published files cut training into epochs
MOST_NAMED = 4  # settings in one message
# What stands in the published files where a target does not have the setting.
WITHOUT = {
    "place_cell_rf": 0.0,
    "surround_scale": 1.0,
    "place_field_normalization": "none",
    "n_place_fields_per_cell": 1,
}

Flat = dict[str, Any]


def export_wandb(sweep: Sweep) -> dict[str, Any]:
    """Returns the document of a W&B sweep file with the networks of a sweep.

    Raises:
        SweepError: some setting has no name there, or the networks are no grid of such settings.
    """
    values = _values_of_draws(sweep) if sweep.method == "random" else _values_of_grid(sweep)
    document: dict[str, Any] = {
        "program": NO_FREE_LUNCH,
        "project": "mec-hpc-investigations",
        "method": "random" if sweep.method == "random" else "grid",
        "metric": {"goal": "minimize", "name": "pos_decoding_err"},
    }
    if sweep.method == "random":
        document |= {"run_cap": len(sweep), "sampling_seed": sweep.document.get("sampling_seed", 0)}
    document["parameters"] = {name: {"values": of_name} for name, of_name in values.items()}
    _check(sweep, document)
    return document


def wandb_yaml(document: Mapping[str, Any]) -> str:
    """Returns the text of a document, which YAML 1.1, as W&B reads it, and 1.2 take for the same."""
    lines = []
    for key, value in document.items():
        if key == "parameters":
            lines.append("parameters:")
            for name, said in value.items():
                lines += [f"  {name}:", f"    values: [{', '.join(map(_scalar, said['values']))}]"]
        elif isinstance(value, Mapping):
            lines.append(
                f"{key}: {{{', '.join(f'{name}: {_scalar(item)}' for name, item in value.items())}}}"
            )
        else:
            lines.append(f"{key}: {_scalar(value)}")
    return "\n".join(lines) + "\n"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        mantissa, e, exponent = repr(value).partition("e")
        # To YAML 1.1 a number with an exponent and without a point is text.
        return mantissa + ("" if "." in mantissa or not e else ".0") + e + exponent
    return f"'{value}'" if isinstance(value, str) and "(" in value else str(value)


def _values_of_grid(sweep: Sweep) -> dict[str, list[Any]]:
    """Returns the values that each name takes in some run, in order of appearance."""
    rows = [_flat(sweep, run.system) for run in sweep]
    return _with_epochs({name: _distinct(row[name] for row in rows) for name in sorted(rows[0])})


def _values_of_draws(sweep: Sweep) -> dict[str, list[Any]]:
    """Returns the values of each axis under its name there, in the order in which axes are drawn."""
    first = {key: value for axis in sweep.axes for key, value in zip(axis.keys, axis.values[0], strict=True)}
    if laws := set(sweep.varied()) - set(first):
        _fail(sweep, f'parameters: "{min(laws)}"', "a law to draw from; the published files list values")
    if sweep.seeds:
        if len(sweep.seeds) > 1:
            _fail(sweep, "seeds", "each draw with several seeds is no W&B search; make system.seed an axis")
        first["system.seed"] = sweep.seeds[0]
    usual = _flat(sweep, sweep.system_with(first))
    drawn: dict[str, list[Any]] = {}
    for axis in sweep.axes:
        rows = [
            _flat(sweep, sweep.system_with(first | dict(zip(axis.keys, of_axis, strict=True))))
            for of_axis in axis.values
        ]
        names = [name for name in usual if len({repr(row[name]) for row in rows}) > 1]
        if len(names) > 1:
            text = f"sets {' and '.join(names)} together, which a W&B search draws apart"
            _fail(sweep, f'parameters: "{axis.keys[0]}"', text)
        drawn |= {name: [row[name] for row in rows] for name in names}
    single = {name: [value] for name, value in sorted(usual.items()) if name not in drawn}
    return _with_epochs(drawn | single)


def _with_epochs(values: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Returns the names with the number of updates said as epochs of some length."""
    shared = math.gcd(*values["updates"])
    length = next((usual for usual in UPDATES_PER_EPOCH if shared % usual == 0), shared)
    said: dict[str, list[Any]] = {}
    for name, of_name in values.items():
        said |= {name: of_name} if name != "updates" else {"n_epochs": [n // length for n in of_name]}
    return said | {"n_grad_steps_per_epoch": [length]}


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list({repr(value): value for value in values}.values())


def _flat(sweep: Sweep, system: System) -> Flat:
    """Returns the settings of a run under their names there, ``updates`` still whole."""
    columns = flatten(system)
    if columns["system.kind"] != "path_integrator":
        _fail(
            sweep, "system.kind", f"found {columns['system.kind']}: the published program has no such thing"
        )
    kind = columns["target.kind"]
    flat: Flat = {}
    for name, place in NAMES.items():
        key = f"{place}.kind" if place in ("loss", "training.optimizer") else place
        if columns.get(f"{key}_kind") == "uniform":
            flat[name] = f"Uniform( {columns[f'{key}_low']} , {columns[f'{key}_high']} )"
        elif columns.get(key) is not None:
            flat[name] = columns[key]
    flat["place_field_values"] = _named(TARGETS, kind)
    flat["place_field_loss"] = _named(LOSSES, columns["loss.kind"])
    flat["rnn_type"] = _named(NETWORKS, columns["network.kind"]).upper()
    flat["updates"] = columns["training.updates"]
    flat["Np"] = system.target.outputs  # pyright: ignore[reportAttributeAccessIssue]
    if columns.get("target.surround_convention") == "variance" and "surround_scale" in flat:
        ratio = flat["surround_scale"]
        flat["surround_scale"] = ratio**0.5 if isinstance(ratio, float) else ratio
    if columns.get("target.extra_fields_mean"):
        flat["n_place_fields_per_cell"] = f"Poisson( {columns['target.extra_fields_mean']} )"
    elif "target.fields_per_cell" in columns:
        flat["n_place_fields_per_cell"] = columns["target.fields_per_cell"]
    if "target.normalisation" not in columns and flat["place_field_loss"] == "crossentropy":
        flat["place_field_normalization"] = "global"
    flat |= {
        "bin_side_in_m": BIN_SIDE_M,
        "box_height_in_m": flat["box_width_in_m"],
        "is_periodic": columns["arena.kind"] == "torus",
    }
    return WITHOUT | flat


def _named(ours_of: Mapping[str, str], ours: Any) -> str:
    """Returns the published name of one of our kinds; its own where there is no other."""
    return next((theirs for theirs, name in ours_of.items() if name == ours), str(ours))


def _check(sweep: Sweep, document: dict[str, Any]) -> None:
    """Reads the document again. Raises SweepError unless it comes to the networks of the sweep."""
    rows = math.prod(len(said["values"]) for said in document["parameters"].values())
    wanted = [run.run_id for run in sweep]
    if sweep.method == "random" or rows <= LARGEST_SWEEP:
        read = WandbSweep(document, sweep.where, sweep.name)
        found = []
        for number in range(len(read)):
            try:
                found.append(read[number].run_id)
            except SweepError:
                found.append("")  # a row that cannot run
        if found == wanted if sweep.method == "random" else set(found) == set(wanted):
            return
    for run in sweep:
        _check_system(sweep, run.system)
    text = (
        f"its {len(set(wanted)):,} networks are no grid of settings: a W&B file with their values has others"
    )
    _fail(sweep, "parameters", text)


def _check_system(sweep: Sweep, system: System) -> None:
    """Raises SweepError naming the settings of one run that its names there do not bring back."""
    flat = _flat(sweep, system)
    flat |= {"n_epochs": flat["updates"], "n_grad_steps_per_epoch": 1}
    del flat["updates"]
    try:
        again = build(translate(flat))
    except Void as void:
        _fail(sweep, "parameters", f"the published program could not run it: {void}")
    if run_id(again) == run_id(system):
        return
    before, after = flatten(system.canonical()), flatten(again.canonical())
    keys = [key for key in before if before[key] != after.get(key)]
    mistakes = [
        Mistake(key, f"found {before[key]}, and the published program has only {after.get(key, 'none')}")
        for key in keys[:MOST_NAMED]
    ]
    raise SweepError(sweep.where, mistakes)


def _fail(sweep: Sweep, key: str, text: str) -> NoReturn:
    raise SweepError(sweep.where, [Mistake(key, text)])
