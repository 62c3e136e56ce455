"""Cohorts that nobody trained: small, seeded, with every kind of row a real one has."""

import hashlib

import numpy as np

from gridsweep.store import Store
from gridsweep.store.commit import commit
from results_schema import TABLES, stored_schema

KINDS = ("gaussian", "difference_of_softmaxes")


def hex_id(*parts):
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def plan_document(sweep="width", cohorts=3, runs=2):
    """A plan of cohorts numbered from 0, which ``cohort_tables`` can fill."""
    return {
        "sweep": sweep,
        "spec": {"name": sweep, "seeds": runs},
        "cohorts": [
            {
                "cohort_id": hex_id(sweep, "cohort", number),
                "runs": [hex_id(sweep, number, lane) for lane in range(runs)],
            }
            for number in range(cohorts)
        ],
    }


def cohort_tables(run_ids, *, seed=0, units=4, bins=(4,), diverged=()):
    """Tables for one cohort; the same seed gives the same numbers."""
    rng = np.random.default_rng(seed)
    ran = [run_id for run_id in run_ids if run_id not in diverged]
    is_diverged = np.array([run_id in diverged for run_id in run_ids])
    scored = [(run_id, size) for run_id in ran for size in bins]
    rows = len(scored) * units
    kind = KINDS[seed % 2]
    metrics = {
        "position_error_cm": rng.uniform(2, 40, len(run_ids)),
        "loss": rng.uniform(1, 6, len(run_ids)),
        "penalty": rng.uniform(0, 1, len(run_ids)),
    }
    masked = {name: np.ma.masked_array(values, is_diverged) for name, values in metrics.items()}
    return {
        "runs": {
            "run_id": run_ids,
            "lane": np.arange(len(run_ids)),
            "micro_batch": [1] * len(run_ids),
            "seed": np.arange(len(run_ids), dtype=np.uint32),
            "status": ["diverged" if bad else "completed" for bad in is_diverged],
            "reason": ["nan_loss" if bad else None for bad in is_diverged],
            "diverged_update": [7 if bad else None for bad in is_diverged],
            "attempts": [1] * len(run_ids),
            "evaluation": ["corrected"] * len(run_ids),
            **masked,
            "science_version": [1] * len(run_ids),
            "gridsweep_version": ["0.1.0"] * len(run_ids),
            "env_id": ["e" * 16] * len(run_ids),
            "device_kind": ["cpu"] * len(run_ids),
            "system.kind": ["path_integrator"] * len(run_ids),
            "target.kind": [kind] * len(run_ids),
            "target.field_width_m": [0.1 + 0.02 * lane for lane in range(len(run_ids))],
            "network.kind": ["rnn"] * len(run_ids),
            "network.units": [units] * len(run_ids),
            "network.activation": ["relu"] * len(run_ids),
        },
        "evaluations": {
            "run_id": ran,
            "evaluation": ["corrected"] * len(ran),
            "position_error_cm": rng.uniform(2, 40, len(ran)),
            "positions": [1000] * len(ran),
        },
        "units": {
            "run_id": [run_id for run_id, _ in scored for _ in range(units)],
            "unit": np.tile(np.arange(units), len(scored)),
            "evaluation": ["corrected"] * rows,
            "bins": [size for _, size in scored for _ in range(units)],
            "in_published_sample": [True] * rows,
            "grid_score_60": rng.normal(0, 0.4, rows),
            "grid_score_90": rng.normal(0, 0.4, rows),
            "mean_rate": rng.uniform(0, 1, rows),
            "peak_rate": rng.uniform(1, 2, rows),
            "silent": np.zeros(rows, bool),
        },
        "history": {
            "run_id": [run_id for run_id in run_ids for _ in range(2)],
            "update": [0, 100] * len(run_ids),
            "loss": rng.uniform(1, 6, 2 * len(run_ids)),
        },
        "rate_maps": {
            "run_id": ran,
            "evaluation": ["corrected"] * len(ran),
            "bins": [bins[0]] * len(ran),
            "unit": [0] * len(ran),
            "map": np.where(rng.random((len(ran), bins[0] ** 2)) < 0.2, np.nan, 1.0),
        },
    }


def commit_cohort(store: Store, number: int, *, plan: int = 1, tables=None, provenance=None, **changes):
    """Commits cohort ``number`` of a plan, with its synthetic tables unless others are given."""
    planned = store.plan(plan)
    cohort_id, run_ids = list(planned.cohorts.items())[number]
    return commit(
        store,
        cohort_id=cohort_id,
        sweep=planned.sweep,
        plan=plan,
        tables=tables or cohort_tables(list(run_ids), seed=number, **changes),
        provenance=provenance or {"host": "nowhere"},
    )


def rows_of(store, table):
    """A table as it is stored, in the order of its key."""
    rows = store.table(table)
    rows = rows.cast(stored_schema(rows.schema))
    return rows.sort_by([(column, "ascending") for column in TABLES[table].key])
