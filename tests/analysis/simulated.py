"""A small store with invented scores: shaped like the networks of a first sweep, and made in a second.

Quantiles follow prototypes: networks of 256 units, of which 5 to 10 % of those with a target that has a ring
in its spectrum exceed 0.8 and 1 % of the others; noise maps exceed 0.8 in 1 %.
"""

import hashlib

import numpy as np

from gridsweep.store import Store, create_store
from gridsweep.store.commit import commit

SHARES = np.array([0.0, 0.05, 0.25, 0.5, 0.7, 0.9, 0.95, 0.99, 0.999, 1.0])
QUANTILES = {
    "difference_of_softmaxes": np.array([-0.6, -0.35, -0.1, 0.12, 0.3, 0.72, 0.9, 1.17, 1.28, 1.32]),
    "gaussian": np.array([-0.65, -0.4, -0.25, -0.1, 0.02, 0.22, 0.36, 0.8, 1.05, 1.2]),
    "noise": np.array([-0.55, -0.32, -0.1, 0.08, 0.22, 0.44, 0.56, 0.82, 1.07, 1.2]),
}


def scores_like(kind: str, units: int, rng: np.random.Generator, spread: float = 0.0) -> np.ndarray:
    """Returns scores of one network; ``spread`` is how much networks differ from each other."""
    shares = np.clip(rng.random(units) ** np.exp(-spread * rng.normal()), 0, 1)
    return np.interp(shares, SHARES, QUANTILES[kind])


def make_id(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def network(target: str, seed: int, units: int = 256, **settings: object) -> dict:
    """Returns a run as the store's columns, with the private keys _units, _bins, _silent for ``write``."""
    return {
        "run_id": make_id(target, seed, units, sorted(settings.items())),
        "seed": seed,
        "status": "completed",
        "position_error_cm": {"difference_of_softmaxes": 7.4, "gaussian": 6.8}.get(target, 9.0) + 0.1 * seed,
        "system.kind": "path_integrator",
        "target.kind": target,
        "target.field_width_m": 0.12,
        "target.surround_ratio": 2.0 if target == "difference_of_softmaxes" else None,
        "target.surround_convention": "sigma" if target == "difference_of_softmaxes" else None,
        "network.kind": "rnn",
        "network.activation": "relu",
        "network.units": units,
        "_scores": target if target in QUANTILES else "gaussian",
        "_units": units,
        **settings,
    }


def null(seed: int, units: int = 1024, smoothing_bins: float = 2.0, threshold: str = "rectified") -> dict:
    return {
        "run_id": make_id("null", seed, units, smoothing_bins, threshold),
        "seed": seed,
        "status": "completed",
        "system.kind": "filtered_noise",
        "system.units": units,
        "system.smoothing_bins": smoothing_bins,
        "system.threshold": threshold,
        "_scores": "noise",
        "_units": units,
    }


def quickstart_runs() -> list[dict]:
    """Three seeds each of two targets and of the null."""
    targets = ("difference_of_softmaxes", "gaussian")
    return [*(network(target, seed) for target in targets for seed in range(3)), *(null(s) for s in range(3))]


def write(
    path,
    runs: list[dict],
    *,
    sweep: str = "quickstart",
    missing: int = 0,
    silent_share: float = 0.02,
    figures: tuple[str, ...] | list[str] = (),
) -> Store:
    """Makes a store, or adds to it, with a cohort for each run; ``missing`` more runs are only planned."""
    store = Store.open(path) if path.exists() else create_store(path)
    cohorts = {make_id("cohort", run["run_id"]): run for run in runs}
    planned = [{"cohort_id": cohort, "runs": [run["run_id"]]} for cohort, run in cohorts.items()]
    planned += [
        {"cohort_id": make_id("missing", sweep, i), "runs": [make_id(sweep, i)]} for i in range(missing)
    ]
    plan = store.add_plan({"sweep": sweep, "spec": {"figures": list(figures)}, "cohorts": planned})
    for cohort_id, run in cohorts.items():
        tables = _tables(run, silent_share)
        commit(store, cohort_id=cohort_id, sweep=sweep, plan=plan, tables=tables, provenance={})
    return Store.open(path)


def _periods(run: dict, scores: np.ndarray, rng: np.random.Generator) -> list:
    """Returns a period for units that score above 0.3, near 7.5 field widths; None for the others."""
    mean = 7.5 * (run.get("target.field_width_m") or 0.1)
    drawn = mean * (1 + 0.03 * rng.normal(size=len(scores)))
    return [float(period) if score > 0.3 else None for period, score in zip(drawn, scores, strict=True)]


def _tables(run: dict, silent_share: float) -> dict:
    stored = {name: [value] for name, value in run.items() if not name.startswith("_")}
    stored |= {"lane": [0], "attempts": [1], "science_version": [1], "gridsweep_version": ["0"]}
    if run["status"] != "completed":
        return {"runs": stored | {"reason": ["nan_loss"]}}
    evaluations = run.get("_evaluations", {"corrected": (44,)})
    stored["evaluation"] = [next(iter(evaluations))]
    kinds = [(name, bins) for name, every in evaluations.items() for bins in every]
    rng = np.random.default_rng(int(run["run_id"][:8], 16))
    units = run["_units"]
    silent = rng.random(units) < (silent_share if run["system.kind"] == "path_integrator" else 0.0)
    columns: dict[str, list] = {}
    for name, bins in kinds:
        scores_60 = np.where(silent, 0.0, scores_like(run["_scores"], units, rng, 0.25))
        scores_90 = np.where(silent, 0.0, scores_60[rng.permutation(units)] + 0.2)
        for column, values in {
            "run_id": [run["run_id"]] * units,
            "unit": list(range(units)),
            "evaluation": [name] * units,
            "bins": [bins] * units,
            "in_published_sample": [unit < 1024 for unit in range(units)],
            "grid_score_60": scores_60.tolist(),
            "grid_score_90": scores_90.tolist(),
            "period_m": _periods(run, scores_60, rng),
            "silent": silent.tolist(),
            "autocorrelogram_half_width_m": [run.get("_half_width_m")] * units,
        }.items():
            columns.setdefault(column, []).extend(values)
    errors = {
        "run_id": [run["run_id"]] * len(evaluations),
        "evaluation": list(evaluations),
        "position_error_cm": [
            None if (error := run.get("position_error_cm")) is None else error + extra
            for extra in range(len(evaluations))
        ],
    }
    return {"runs": stored, "units": columns, "evaluations": errors}
