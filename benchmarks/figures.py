"""What figures and the report cost from a store of the published size: 11,608 networks of 1,024 units.

    python -m benchmarks.figures make --store FOLDER
    python -m benchmarks.figures draw --store FOLDER
    python -m benchmarks.figures draw --store FOLDER --only fig1 survival --keep

``make`` commits cohorts of 64 through the real commit: targets in the numbers of the published figure, five
architectures, widths and seeds, a null of 10,240 maps, some runs diverged and some failed, the maps of four
units a network, and compacts them. Nothing is trained; scores are drawn from quantiles like those of real
networks. ``draw`` runs each command in a process of its own and prints its wall and processor time and its
largest resident set.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import table
from gridsweep.store import Store
from gridsweep.store.commit import commit
from gridsweep.store.compact import compact

LANES, UNITS, BINS, MAPS = 64, 1024, 44, 4
# Networks of each target in the published figure (spec sweeps_and_figures a.3), and which scores they have.
TARGETS = {
    "cartesian": (2516, "other"),
    "high_dim_cartesian": (3793, "other"),
    "high_dim_polar": (1171, "other"),
    "gaussian": (1265, "other"),
    "true_difference_of_gaussians": (1103, "other"),
    "difference_of_softmaxes": (1689, "ring"),
    "softmax_of_differences": (71, "other"),
}
NETWORKS, ACTIVATIONS = ("rnn", "rnn", "rnn", "lstm", "gru", "ugrnn"), ("relu", "tanh")
WIDTHS_M = (0.08, 0.10, 0.12, 0.14, 0.16, 0.20, 0.24, 0.28)
NULLS = tuple((smoothing, cut) for smoothing in (2.0, 3.0) for cut in ("rectified", "signed"))
NULL_RUNS = 10
SHARES = np.array([0.0, 0.05, 0.25, 0.5, 0.7, 0.9, 0.95, 0.99, 0.999, 1.0])
QUANTILES = {
    "ring": np.array([-0.6, -0.35, -0.1, 0.12, 0.3, 0.72, 0.9, 1.17, 1.28, 1.32]),
    "other": np.array([-0.65, -0.4, -0.25, -0.1, 0.02, 0.22, 0.36, 0.8, 1.05, 1.2]),
    "noise": np.array([-0.55, -0.32, -0.1, 0.08, 0.22, 0.44, 0.56, 0.82, 1.07, 1.2]),
}
DRAWN = ("survival", "fig1", "fig2", "fig5", "fig6", "fig8", "fig9")  # what such a store has networks for
HEADS = {"what": 44, "runs": 9, "units": 11, "wall_s": 8, "cpu_s": 8, "peak_mb": 9, "made": 30}


def main() -> None:
    """Makes the store, or draws from it."""
    parser = argparse.ArgumentParser(description="Figures from a store of the published size.")
    parser.add_argument("what", choices=["make", "draw"])
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--networks", type=int, help="make: fewer networks, in the same proportions")
    parser.add_argument("--only", nargs="+", help="draw: only these")
    parser.add_argument("--keep", action="store_true", help="draw: write benchmarks/results/figures.csv")
    asked = parser.parse_args()
    if asked.what == "make":
        make(asked.store, asked.networks)
        return
    table.show(HEADS)
    rows = []
    for row in draw(asked.store, asked.only):
        rows.append(row)
        table.show(HEADS, row)
    if asked.keep:
        table.keep("figures", rows)


def make(path: Path, networks: int | None = None) -> None:
    """Makes the store."""
    store = Store.create(path)
    runs = [*_networks(networks), *_nulls()]
    cohorts = [runs[start : start + LANES] for start in range(0, len(runs), LANES)]
    ids = [_hex("cohort", number) for number in range(len(cohorts))]
    document = {
        "sweep": "published-size",
        "spec": {"figures": []},
        "cohorts": [
            {"cohort_id": cohort_id, "runs": [run["run_id"] for run in cohort]}
            for cohort_id, cohort in zip(ids, cohorts, strict=True)
        ],
    }
    plan = store.add_plan(document)
    began = time.perf_counter()
    for number, (cohort_id, cohort) in enumerate(zip(ids, cohorts, strict=True)):
        tables = _tables(cohort, number)
        commit(store, cohort_id=cohort_id, sweep="published-size", plan=plan, tables=tables, provenance={})
    print(f"{len(runs):,} runs committed in {time.perf_counter() - began:.0f} s", flush=True)
    began = time.perf_counter()
    done = compact(store)
    assert done is not None
    print(f"compacted in {time.perf_counter() - began:.0f} s: {done.files} files, {done.bytes / 1e6:,.0f} MB")


def draw(path: Path, only: list[str] | None) -> Iterator[dict[str, Any]]:
    """Yields a row for each command, run one after the other in processes of their own."""
    store = Store.open(path)
    runs = len(store.committed_run_ids({"completed"}))
    units = int(store.sql("SELECT count(*) AS n FROM units").to_pylist()[0]["n"])
    commands = {name: ["figure", name, "--null-where", '"system.smoothing_bins" = 2'] for name in DRAWN}
    commands["report"] = ["report"]
    for name, words in commands.items():
        if only and name not in only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            out = ["--out", f"{folder}/report.html" if name == "report" else folder]
            command = [sys.executable, "-m", "gridsweep", *words, "--store", str(path), *out]
            began = time.perf_counter()
            log = Path(folder) / "log.txt"
            with log.open("w") as file:
                process = subprocess.Popen(command, stdout=file, stderr=file)
                _, status, used = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                made = log.read_text().strip().splitlines()[-1][:60]
            else:
                files = [file for file in Path(folder).iterdir() if file != log]
                made = ", ".join(f"{file.suffix[1:]} {file.stat().st_size / 1e6:.2f} MB" for file in files)
        yield {
            "what": f"gridsweep {' '.join(words[:2])}",
            "runs": runs,
            "units": units,
            "wall_s": wall_s,
            "cpu_s": used.ru_utime + used.ru_stime,
            "peak_mb": used.ru_maxrss / 1024,
            "made": made,
        }


def _networks(wanted: int | None) -> Iterator[dict[str, Any]]:
    whole = sum(number for number, _ in TARGETS.values())
    for target, (number, scores) in TARGETS.items():
        has_width = target not in ("cartesian", "high_dim_cartesian", "high_dim_polar")
        for place in range(number if wanted is None else max(1, number * wanted // whole)):
            network = NETWORKS[place % len(NETWORKS)]
            status = "diverged" if place % 97 == 96 else "failed" if place % 331 == 330 else "completed"
            of_target = {"target.kind": target, "target.field_width_m": None, "target.surround_ratio": None}
            if has_width:
                of_target["target.field_width_m"] = WIDTHS_M[place // 12 % len(WIDTHS_M)]
            if target in ("difference_of_softmaxes", "true_difference_of_gaussians"):
                of_target |= {"target.surround_ratio": 2.0, "target.surround_convention": "sigma"}
            yield {
                "run_id": _hex(target, place),
                "seed": place // 96,
                "status": status,
                "system.kind": "path_integrator",
                **of_target,
                "network.kind": network,
                "network.activation": ACTIVATIONS[place // 6 % 2],
                "network.units": UNITS,
                "training.learning_rate": float(f"{10 ** -(2 + 2 * ((place * 7919) % 1000) / 1000):.3g}"),
                "_scores": scores,
            }


def _nulls() -> Iterator[dict[str, Any]]:
    for smoothing, cut in NULLS:
        for seed in range(NULL_RUNS):
            yield {
                "run_id": _hex("null", smoothing, cut, seed),
                "seed": seed,
                "status": "completed",
                "system.kind": "filtered_noise",
                "system.units": UNITS,
                "system.smoothing_bins": smoothing,
                "system.threshold": cut,
                "_scores": "noise",
            }


def _tables(cohort: list[dict[str, Any]], number: int) -> dict[str, dict[str, Any]]:
    rng = np.random.default_rng(number)
    lanes = len(cohort)
    names = dict.fromkeys(name for run in cohort for name in run if not name.startswith("_"))
    runs: dict[str, Any] = {name: [run.get(name) for run in cohort] for name in names}
    completed = np.array([run["status"] == "completed" for run in cohort])
    trained = np.array([run["system.kind"] == "path_integrator" for run in cohort]) & completed
    of_all = {"micro_batch": 1, "attempts": 1, "science_version": 1, "gridsweep_version": "0"}
    runs |= {name: [value] * lanes for name, value in of_all.items()}
    runs["lane"] = np.arange(lanes)
    runs["reason"] = [{"diverged": "nan_loss", "failed": "timeout"}.get(run["status"]) for run in cohort]
    runs["evaluation"] = ["corrected" if done else None for done in completed]
    runs["position_error_cm"] = np.ma.masked_array(rng.lognormal(2.0, 0.5, lanes), ~trained)
    for ratio in ("units_as_samples", "bins_as_samples"):
        values = rng.uniform(5, 40, lanes)
        runs[f"rate_map_participation_ratio_{ratio}"] = np.ma.masked_array(values, ~trained)
    done = [run for run in cohort if run["status"] == "completed"]
    if not done:
        return {"runs": runs}
    scores_60 = np.concatenate([_scores(run["_scores"], rng) for run in done])
    scores_90 = np.clip(scores_60[rng.permutation(len(scores_60))] + 0.15, -0.6, 1.6)
    rows = len(scores_60)
    quiet = 0.03 * np.repeat([run["system.kind"] == "path_integrator" for run in done], UNITS)
    silent = rng.random(rows) < quiet
    scores_60, scores_90 = np.where(silent, 0.0, scores_60), np.where(silent, 0.0, scores_90)
    widths_m = np.repeat([run.get("target.field_width_m") or 0.1 for run in done], UNITS)
    periods_m = 7.5 * widths_m * (1 + 0.04 * rng.normal(size=rows))
    units = {
        "run_id": np.repeat([run["run_id"] for run in done], UNITS),
        "unit": np.tile(np.arange(UNITS), len(done)),
        "evaluation": ["corrected"] * rows,
        "bins": np.full(rows, BINS),
        "in_published_sample": np.ones(rows, bool),
        "grid_score_60": scores_60,
        "grid_score_90": scores_90,
        "ring_60_inner": np.full(rows, 0.2),
        "ring_60_outer": rng.choice(np.linspace(0.4, 1.0, 10), rows),
        "ring_90_inner": np.full(rows, 0.2),
        "ring_90_outer": rng.choice(np.linspace(0.4, 1.0, 10), rows),
        "period_m": np.ma.masked_array(periods_m, scores_60 < 0.3),
        "autocorrelogram_half_width_m": np.ma.masked_array(
            widths_m * (1 + 0.1 * rng.normal(size=rows)), silent
        ),
        "mean_rate": rng.gamma(2.0, 0.3, rows),
        "peak_rate": rng.gamma(4.0, 0.5, rows),
        "silent": silent,
    }
    best = np.argsort(-scores_60.reshape(-1, UNITS), axis=1)[:, :MAPS]
    maps = {
        "run_id": np.repeat([run["run_id"] for run in done], MAPS),
        "evaluation": ["corrected"] * (len(done) * MAPS),
        "bins": [BINS] * (len(done) * MAPS),
        "unit": best.ravel(),
        "map": _lattices(np.take_along_axis(periods_m.reshape(-1, UNITS), best, 1).ravel(), rng),
    }
    return {"runs": runs, "units": units, "rate_maps": maps}


def _scores(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Returns the scores of one network; networks differ."""
    shares = rng.random(UNITS) ** np.exp(-0.25 * rng.normal())
    return np.interp(shares, SHARES, QUANTILES[kind])


def _lattices(periods_m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns noisy hexagonal maps, a row each."""
    side_m = 0.05 * (np.arange(BINS) + 0.5)
    x, y = np.meshgrid(side_m, side_m, indexing="ij")
    waves = np.zeros((len(periods_m), BINS, BINS))
    turned, moved = rng.uniform(0, np.pi / 3, len(periods_m)), rng.uniform(0, 1, (len(periods_m), 2))
    wavenumbers = 4 * np.pi / (np.sqrt(3) * periods_m)
    for angle in (0, np.pi / 3, 2 * np.pi / 3):
        a = (turned + angle)[:, None, None]
        along = (x[None] - moved[:, :1, None]) * np.cos(a) + (y[None] - moved[:, 1:, None]) * np.sin(a)
        waves += np.cos(wavenumbers[:, None, None] * along)
    noisy = np.maximum(waves + 0.4 * rng.normal(size=waves.shape), 0)
    return noisy.reshape(len(periods_m), -1).astype(np.float32)


def _hex(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


if __name__ == "__main__":
    main()
