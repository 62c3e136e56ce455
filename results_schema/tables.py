"""The stored tables: which columns each has, which of them identify a row, and the schema of a file.

Beside the fixed columns, ``runs`` carries the flattened configuration of each run. A
configuration column is recognised by the dot in its name (``target.field_width_m``) and typed by
the Python type of its values; none is listed here, so that a new kind of target or network
needs no edit of the contract. A column that a run does not have is NULL for it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa

from results_schema.fields import FIELDS, NETWORK, Field

# Raised with a line in CHANGES.md and a step in upgrade.py.
VERSION = 2

VERSION_KEY = b"results_schema.version"
TABLE_KEY = b"results_schema.table"
COLUMNS_KEY = b"results_schema.columns"

# Terms of the objectives of systems whose loss has several.
_TERMS = (
    *("kernel_loss", "transition_loss", "isometry_loss"),
    *("separation_loss", "invariance_loss", "capacity_loss", "zero_state_fraction"),
)

STATUSES = ("completed", "diverged", "failed")

# Why a run diverged or failed: these words and no others.
REASONS: dict[str, tuple[str, ...]] = {
    "diverged": ("non_finite", "nan_loss", "inf_loss", "nan_grad"),
    "failed": (
        *("config_error", "oom", "killed_worker", "timeout"),
        *("ckpt_corrupt", "scorer_error", "io_error", "internal"),
    ),
}

# What a configuration value may be. bool comes before int because True is an int in Python.
CONFIG_TYPES: dict[type, pa.DataType] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
}


@dataclass(frozen=True)
class Table:
    """One stored table: a row is what ``key`` identifies.

    Args:
        name: also the name of its folder.
        row_is: what one row is, as the end of a sentence.
        key: columns that identify a row.
        columns: the fixed columns in their stored order.
        optional: columns that may be NULL here although they may not elsewhere.
        has_config: whether configuration columns follow the fixed ones.
    """

    name: str
    row_is: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    optional: tuple[str, ...] = ()
    has_config: bool = False

    def fields(self) -> dict[str, Field]:
        """Returns the fixed columns in their stored order."""
        return {
            column: replace(FIELDS[column], nullable=True) if column in self.optional else FIELDS[column]
            for column in self.columns
        }


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "runs",
            row_is="one run, with its configuration, its outcome and its metrics; the metrics are those of "
            "the evaluation that its plan lists first",
            key=("run_id",),
            columns=(
                *("run_id", "cohort_id", "lane", "micro_batch", "seed"),
                *("status", "reason", "message", "diverged_update", "attempts", "memory_halvings"),
                *("evaluation", "position_error_cm", "position_error_floor_cm"),
                *("position_error_at_training_steps_cm", "position_error_at_50_steps_cm"),
                "position_error_in_training_cm",
                *("lookup_error_cm", "lookup_error_floor_cm"),
                *("activity_participation_ratio", "activity_participation_ratio_floor"),
                *("activity_two_nn", "activity_method_of_moments"),
                *("input_square_norm", "recurrent_square_norm", "bias_square_norm"),
                *("loss", "loss_floor", "penalty"),
                *("reconstruction_error", "energy", "largest_overlap", "predicted_period_m"),
                *("pattern_period_neurons", "predicted_period_neurons", "pattern_speed_neurons_per_s"),
                *_TERMS,
                *("positions", "occupied_fraction", "units_scored", "silent_units"),
                *NETWORK,
                *("science_version", "gridsweep_version", "env_id", "device_kind"),
                *("started_at", "ended_at", "train_s", "updates_per_s"),
            ),
            # A run that failed was not evaluated.
            optional=("evaluation",),
            has_config=True,
        ),
        Table(
            "evaluations",
            row_is="one evaluation of one run",
            key=("run_id", "evaluation"),
            columns=(
                *("run_id", "evaluation", "position_error_cm", "position_error_floor_cm"),
                *("position_error_at_training_steps_cm", "position_error_at_50_steps_cm"),
                "position_error_in_training_cm",
                *("lookup_error_cm", "lookup_error_floor_cm"),
                *("activity_participation_ratio", "activity_participation_ratio_floor"),
                *("activity_two_nn", "activity_method_of_moments"),
                *("input_square_norm", "recurrent_square_norm", "bias_square_norm"),
                *("loss", "loss_floor", "penalty", "positions", "occupied_fraction"),
                *("reconstruction_error", "energy", "largest_overlap", "predicted_period_m"),
                *("pattern_period_neurons", "predicted_period_neurons", "pattern_speed_neurons_per_s"),
                *_TERMS,
                *NETWORK,
            ),
        ),
        Table(
            "units",
            row_is="one hidden unit scored on one size of rate map, with what figures filter by",
            key=("run_id", "evaluation", "bins", "unit"),
            columns=(
                *("run_id", "unit", "evaluation", "bins", "in_published_sample"),
                *("grid_score_60", "grid_score_90", "grid_score_60_mean", "grid_score_90_min_max"),
                *("ring_60_inner", "ring_60_outer", "ring_90_inner", "ring_90_outer", "guarded_lags"),
                *("period_m", "period_spread_m", "period_bins"),
                *(f"orientation_{neighbour}_rad" for neighbour in range(6)),
                *("autocorrelogram_half_width_m", "stripe_score", "border_score"),
                *("mean_rate", "peak_rate", "silent"),
                *("system.kind", "target.kind", "network.kind", "network.activation", "network.units"),
                *("target.field_width_m", "target.surround_ratio", "seed"),
            ),
        ),
        Table(
            "history",
            row_is="one logged moment of one run's training",
            key=("run_id", "update"),
            columns=(
                *("run_id", "update", "loss", "penalty", "position_error_cm", "updates_per_s"),
                *("reconstruction_error", "energy", "largest_overlap"),
                *("pattern_period_neurons", "pattern_speed_neurons_per_s"),
                *_TERMS,
            ),
        ),
        Table(
            "rate_maps",
            row_is="one unit's rate map",
            key=("run_id", "evaluation", "bins", "unit"),
            columns=("run_id", "evaluation", "bins", "unit", "map"),
        ),
        Table(
            "weights",
            row_is="one array of a trained network",
            key=("run_id", "name"),
            columns=("run_id", "name", "shape", "values"),
        ),
    )
}


def is_config_column(name: str) -> bool:
    """Whether a column of ``runs`` is configuration rather than one of the fixed columns."""
    return "." in name


def schema(name: str, config: Mapping[str, pa.DataType] | None = None) -> pa.Schema:
    """Returns a table's schema as it is read: fixed columns, then configuration by name.

    Args:
        name: the table.
        config: type of each configuration column; only ``runs`` may have some.
    """
    table = TABLES[name]
    config = config or {}
    if config and not table.has_config:
        raise ValueError(f"{name}: has no configuration columns, found {', '.join(sorted(config))}")
    columns = [
        pa.field(
            column,
            field.type,
            nullable=field.nullable,
            metadata={"unit": field.unit, "meaning": field.meaning},
        )
        for column, field in table.fields().items()
    ]
    columns += [pa.field(column, config[column], nullable=True) for column in sorted(config)]
    return pa.schema(columns, metadata={VERSION_KEY: str(VERSION), TABLE_KEY: name})


def stored_schema(read_schema: pa.Schema) -> pa.Schema:
    """Returns the schema as files hold it: text stored plainly instead of as Arrow dictionaries.

    Parquet has dictionaries of its own, so this costs nothing on disk, and only plain text gets
    the statistics by which a reader skips the files of every other target kind.
    """
    columns = [
        pa.field(
            field.name,
            field.type.value_type if pa.types.is_dictionary(field.type) else field.type,
            nullable=field.nullable,
        )
        for field in read_schema
    ]
    return pa.schema(columns, metadata=read_schema.metadata)


def columns_in_words(name: str) -> dict[bytes, bytes]:
    """Returns the metadata in which a file explains its columns: unit and meaning of each, as JSON.

    It is metadata of the file and not of an Arrow schema, so that every Parquet reader finds it.
    """
    columns = {
        column: {"unit": field.unit, "meaning": field.meaning}
        for column, field in TABLES[name].fields().items()
    }
    return {COLUMNS_KEY: json.dumps(columns, separators=(",", ":")).encode()}
