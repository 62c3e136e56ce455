"""The determinism alarm: when a cohort was computed twice, its scores are compared.

Two workers may compute the same cohort, because one was believed dead. The promise is equal bits
for equal micro-batch, device and libraries; otherwise scores that are close. A difference under
the same conditions means that something which should not matter did.
"""

# Arrow makes its compute functions at run time, where pyright cannot see them.
# pyright: reportAttributeAccessIssue=false

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from results_schema import TABLES

COMPARED = {
    "runs": ("diverged_update", "position_error_cm", "position_error_floor_cm", "loss", "penalty"),
    "evaluations": ("position_error_cm", "position_error_floor_cm", "loss", "penalty"),
    "units": ("grid_score_60", "grid_score_90", "mean_rate", "peak_rate"),
}
_CONDITIONS = ("micro_batch", "env_id", "device_kind")


@dataclass(frozen=True)
class Difference:
    """Where two computations of a cohort disagree.

    Args:
        rows: rows that differ, by "table.column"; "table" alone when the rows are not the same ones.
        largest: largest difference of two numbers.
        same_conditions: whether micro-batch, environment and kind of device were the same.
    """

    rows: Mapping[str, int]
    largest: float
    same_conditions: bool

    def __str__(self) -> str:
        where = ", ".join(f"{name} in {count} rows" for name, count in self.rows.items())
        conditions = "the same conditions" if self.same_conditions else "other conditions"
        return f"computed twice under {conditions}, differs by up to {self.largest:.3g}: {where}"


def compare_scores(committed: Mapping[str, pa.Table], again: Mapping[str, pa.Table]) -> Difference | None:
    """Returns how the scores of two computations of one cohort differ, or None when none does.

    A run that failed in one of them is left out: it has no scores to compare.
    """
    both = _runs_that_did_not_fail(committed["runs"]) & _runs_that_did_not_fail(again["runs"])
    chosen = pa.array(sorted(both), pa.string())
    rows: dict[str, int] = {}
    largest = 0.0
    for name, columns in COMPARED.items():
        if name not in committed or name not in again:
            continue
        first, second = (_sorted(tables[name], name, chosen) for tables in (committed, again))
        key = list(TABLES[name].key)
        if not first.select(key).equals(second.select(key)):
            rows[name] = abs(first.num_rows - second.num_rows) or first.num_rows
            continue
        for column in columns:
            count, distance = _difference(first[column], second[column])
            if count:
                rows[f"{name}.{column}"] = count
                largest = max(largest, distance)
    if not rows:
        return None
    conditions = [
        _sorted(tables["runs"], "runs", chosen).select(list(_CONDITIONS)) for tables in (committed, again)
    ]
    return Difference(rows, largest, same_conditions=conditions[0].equals(conditions[1]))


def _runs_that_did_not_fail(runs: pa.Table) -> set[str]:
    return set(runs.filter(pc.not_equal(runs["status"], "failed"))["run_id"].to_pylist())


def _sorted(table: pa.Table, name: str, run_ids: pa.Array) -> pa.Table:
    chosen = table.filter(pc.is_in(table["run_id"], value_set=run_ids))
    return chosen.sort_by([(column, "ascending") for column in TABLES[name].key])


def _difference(first: pa.ChunkedArray, second: pa.ChunkedArray) -> tuple[int, float]:
    """Returns in how many rows two columns differ, NULL being a value, and by how much at most."""
    one_is_null = pc.xor(pc.is_null(first), pc.is_null(second))
    differs = pc.or_(pc.fill_null(pc.not_equal(first, second), False), one_is_null)
    count = pc.sum(differs).as_py() or 0
    distance = pc.max(pc.abs(pc.subtract(first, second))).as_py() if count else None
    return count, float(distance or 0.0)
