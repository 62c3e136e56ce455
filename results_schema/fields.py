"""Every fixed column of the stored tables, defined once: its Arrow type, its unit, what it means.

A column that appears in several tables is one entry here, so it has one type and one meaning
wherever a reader meets it. The unit and the meaning travel in the metadata of each Parquet file
and into the generated data dictionary. The bounds are physical: a value outside them is not a
surprising result but a broken one, and the store refuses it.
"""

from dataclasses import dataclass

import pyarrow as pa

# Text that repeats down a column, read into memory as codes and a short list of words.
WORD = pa.dictionary(pa.int32(), pa.string())
INSTANT = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Field:
    """One column.

    Args:
        type: Arrow type in memory. Files hold text plainly, see ``tables.stored_schema``.
        unit: empty for counts, names and ratios.
        meaning: one sentence for a reader who has only the file.
        nullable: whether NULL is a value; a column left out of a commit becomes NULL.
        repeats: few distinct values in a file, so a Parquet dictionary stores it best.
        lowest: smallest value that can be true.
        highest: largest value that can be true.
        nan_means: what NaN stands for; empty where NaN is refused, which is everywhere but in
            rate maps. A score that does not exist is NULL.
    """

    type: pa.DataType
    unit: str = ""
    meaning: str = ""
    nullable: bool = False
    repeats: bool = False
    lowest: float | None = None
    highest: float | None = None
    nan_means: str = ""


# A score beyond this is a broken computation: a noiseless lattice reaches 1.6.
_GRID_SCORE = {"lowest": -10.0, "highest": 10.0, "nullable": True}
# Twice the diagonal of the largest box anyone trains in, rounded up.
_POSITION_ERROR = {"lowest": 0.0, "highest": 400.0, "nullable": True}
# No box has a longer diagonal.
_DISTANCE = {"lowest": 0.0, "highest": 1000.0, "nullable": True}
_RING = {"unit": "map widths", "nullable": True, "repeats": True}

IDENTITY = {
    "run_id": Field(
        WORD,
        meaning="One configuration with one seed: 16 hex digits over everything that trains.",
        repeats=True,
    ),
    "cohort_id": Field(
        pa.string(), meaning="The runs that were trained and committed together.", repeats=True
    ),
    "lane": Field(pa.int16(), meaning="The run's place in its cohort.", lowest=0),
    "micro_batch": Field(
        pa.int16(),
        meaning="Lanes that were computed together (m). Bits are promised equal only for equal m.",
        nullable=True,
        lowest=1,
    ),
    "seed": Field(
        pa.int64(),
        meaning="The run's seed, in the range of uint32.",
        repeats=True,
        lowest=0,
        highest=2**32 - 1,
    ),
}

OUTCOME = {
    "status": Field(
        WORD,
        meaning="completed, diverged (went non-finite: a result) or failed (an exception, or lost workers).",
        repeats=True,
    ),
    "reason": Field(
        pa.string(),
        meaning="Why a run diverged or failed, in one word such as nan_loss or oom.",
        nullable=True,
        repeats=True,
    ),
    "message": Field(
        pa.string(),
        meaning="The first 500 characters of the error, without control characters.",
        nullable=True,
    ),
    "diverged_update": Field(
        pa.int64(),
        unit="updates",
        meaning="The optimizer update at which the run went non-finite.",
        nullable=True,
        lowest=0,
    ),
    "attempts": Field(
        pa.int16(), meaning="How often the run was started before this row was written.", lowest=0
    ),
    "memory_halvings": Field(
        pa.int16(),
        meaning="How often memory ran out and the run was started again with half as many lanes computed "
        "together, before this row was written.",
        nullable=True,
        repeats=True,
        lowest=0,
    ),
}

METRICS = {
    "position_error_cm": Field(
        pa.float32(),
        unit="cm",
        meaning="Mean distance between decoded and true position over held-out trajectories.",
        **_POSITION_ERROR,
    ),
    "position_error_floor_cm": Field(
        pa.float32(),
        unit="cm",
        meaning="The same error when the target itself is decoded: what a perfect network would reach.",
        **_POSITION_ERROR,
    ),
    "position_error_at_training_steps_cm": Field(
        pa.float32(),
        unit="cm",
        meaning="Position error over walks as long as those of training.",
        **_POSITION_ERROR,
    ),
    "position_error_at_50_steps_cm": Field(
        pa.float32(),
        unit="cm",
        meaning="Position error over walks of 50 steps, the published length.",
        **_POSITION_ERROR,
    ),
    "position_error_in_training_cm": Field(
        pa.float32(),
        unit="cm",
        meaning="Position error of one batch with dropout and noise as in training; where there is neither, "
        "that of the batch.",
        **_POSITION_ERROR,
    ),
    "lookup_error_cm": Field(
        pa.float32(),
        unit="cm",
        meaning="Mean distance to the place whose target the report fits best, on a grid of 110 x 110: a "
        "decoder that suits every target.",
        **_POSITION_ERROR,
    ),
    "lookup_error_floor_cm": Field(
        pa.float32(),
        unit="cm",
        meaning="The same error when the report is the target itself.",
        **_POSITION_ERROR,
    ),
    "loss": Field(pa.float32(), meaning="Training objective without the weight penalty.", nullable=True),
    "loss_floor": Field(
        pa.float32(),
        meaning="Smallest loss that any output could reach on the same walks; for a cross-entropy the "
        "entropy of the target.",
        nullable=True,
    ),
    "penalty": Field(pa.float32(), meaning="Weight penalty that was added to the objective.", nullable=True),
    "reconstruction_error": Field(
        pa.float32(),
        meaning="Share of the target's summed squares, over places, that no linear readout of all maps "
        "reproduces.",
        nullable=True,
        lowest=0.0,
        highest=1.001,
    ),
    "energy": Field(
        pa.float32(),
        meaning="Mean over units of what the target's kernel makes of a map of unit norm, over the most that "
        "it makes of any (negative values allowed).",
        nullable=True,
        lowest=0.0,
        highest=1.001,
    ),
    "largest_overlap": Field(
        pa.float32(),
        meaning="Largest absolute cosine between the maps of two units.",
        nullable=True,
        lowest=0.0,
        highest=1.001,
    ),
    "predicted_period_m": Field(
        pa.float32(),
        unit="m",
        meaning="Spacing of the hexagonal lattice whose waves have the kernel's strongest period.",
        nullable=True,
        lowest=0.0,
    ),
    "kernel_loss": Field(
        pa.float32(),
        meaning="Mean square error of the decoded kernel of distance, before its weight.",
        nullable=True,
        lowest=0.0,
    ),
    "transition_loss": Field(
        pa.float32(),
        meaning="Error of a code that is carried along by moves, before its weight.",
        nullable=True,
        lowest=0.0,
    ),
    "isometry_loss": Field(
        pa.float32(),
        meaning="Deviation of distances in the code from distances in space, before its weight.",
        nullable=True,
        lowest=0.0,
    ),
    "separation_loss": Field(
        pa.float32(),
        meaning="How close the states of distant places are, before its weight.",
        nullable=True,
        lowest=0.0,
    ),
    "invariance_loss": Field(
        pa.float32(),
        meaning="How far apart the states of one place reached on different ways are, before its weight.",
        nullable=True,
        lowest=0.0,
    ),
    "capacity_loss": Field(
        pa.float32(),
        meaning="Minus the square norm of the mean state, before its weight: -1 when all states are one.",
        nullable=True,
        lowest=-1.001,
        highest=0.0,
    ),
    "zero_state_fraction": Field(
        pa.float32(),
        meaning="Share of states in which no unit is active.",
        nullable=True,
        lowest=0.0,
        highest=1.0,
    ),
    "activity_participation_ratio": Field(
        pa.float32(),
        meaning="(sum of l)^2 / (sum of l^2) over the eigenvalues l of the covariance of the units' "
        "activity, samples being the moments of one evaluation batch.",
        nullable=True,
        lowest=0.0,
    ),
    "activity_participation_ratio_floor": Field(
        pa.float32(),
        meaning="The same, truncated to a whole number as the published programs did.",
        nullable=True,
        lowest=0.0,
    ),
    "activity_two_nn": Field(
        pa.float32(),
        meaning="Intrinsic dimension of the activity by the ratio of the two nearest neighbours' distances, "
        "among at most 2,000 moments.",
        nullable=True,
        lowest=0.0,
    ),
    "activity_method_of_moments": Field(
        pa.float32(),
        meaning="Intrinsic dimension of the activity by the mean distance of its nearest neighbours, among "
        "at most 2,000 moments.",
        nullable=True,
        lowest=0.0,
    ),
    "input_square_norm": Field(
        pa.float32(),
        meaning="Sum of squares of the recurrent layer's input kernel.",
        nullable=True,
        lowest=0.0,
    ),
    "recurrent_square_norm": Field(
        pa.float32(), meaning="Sum of squares of its recurrent kernel.", nullable=True, lowest=0.0
    ),
    "bias_square_norm": Field(
        pa.float32(),
        meaning="Sum of squares of its biases; NULL where it has none.",
        nullable=True,
        lowest=0.0,
    ),
    "pattern_period_neurons": Field(
        pa.float32(),
        unit="neurons",
        meaning="Spacing of the hexagonal lattice of activity on a sheet of neurons.",
        nullable=True,
        lowest=0.0,
    ),
    "predicted_period_neurons": Field(
        pa.float32(),
        unit="neurons",
        meaning="The spacing that the sheet's kernel predicts: of the waves that grow fastest.",
        nullable=True,
        lowest=0.0,
    ),
    "pattern_speed_neurons_per_s": Field(
        pa.float32(),
        unit="neurons/s",
        meaning="Speed of that lattice since settling ended, as the crow flies.",
        nullable=True,
        lowest=0.0,
    ),
    "positions": Field(
        pa.int64(),
        unit="positions",
        meaning="Held-out positions that the evaluation averaged over.",
        nullable=True,
        lowest=0,
    ),
    "occupied_fraction": Field(
        pa.float32(),
        meaning="Share of the rate map's bins that the evaluation visited.",
        nullable=True,
        lowest=0.0,
        highest=1.0,
    ),
    "units_scored": Field(
        pa.int32(), unit="units", meaning="Units that have a row in the units table.", nullable=True, lowest=0
    ),
    "silent_units": Field(
        pa.int32(),
        unit="units",
        meaning="Units without any activity; they score 0, as published, and count as units.",
        nullable=True,
        lowest=0,
    ),
}

# What is said of all units of a network together; of the maps on an evaluation's first number of bins.
_QUANTILES = {60: (50, 90, 95, 99), 90: (50, 75, 90, 95, 99)}
_THRESHOLDS = {60: (0.3, 0.75, 0.8, 0.85, 1.0, 1.15, 1.2), 90: (1.0, 1.4, 1.5)}


def _of_network(angle: int) -> dict[str, Field]:
    score = f"grid_score_{angle}"
    quantiles = {
        f"{score}_q{percent}": Field(
            pa.float64(), meaning=f"{score} that {percent} % of all units do not exceed.", **_GRID_SCORE
        )
        for percent in _QUANTILES[angle]
    }
    fractions = {
        f"fraction_{score}_above_{threshold}".replace(".", "_"): Field(
            pa.float32(),
            meaning=f"Share of all units, silent ones included, whose {score} exceeds {threshold}.",
            nullable=True,
            lowest=0.0,
            highest=1.0,
        )
        for threshold in _THRESHOLDS[angle]
    }
    largest = Field(pa.float64(), meaning=f"Largest {score} of all units.", **_GRID_SCORE)
    return {f"{score}_max": largest} | quantiles | fractions


def _participation_ratio(form: str, meaning: str) -> dict[str, Field]:
    name = f"rate_map_participation_ratio_{form}"
    return {
        name: Field(pa.float64(), meaning=meaning, nullable=True, lowest=0.0),
        f"{name}_floor": Field(
            pa.int32(),
            meaning="The same rounded down, as the published programs recorded it.",
            nullable=True,
            lowest=0,
        ),
    }


NETWORK = {
    **_of_network(60),
    **_of_network(90),
    **_participation_ratio(
        "units_as_samples",
        "Participation ratio of the rate maps as published: smoothed by 2 bins, units as samples, so that "
        "the mean map is removed.",
    ),
    **_participation_ratio(
        "bins_as_samples",
        "Participation ratio of the population over space: visited bins as samples, units as features, "
        "nothing smoothed.",
    ),
    "rate_map_rank": Field(
        pa.int32(),
        meaning="Numerical rank of the smoothed rate maps, at the precision of float32.",
        nullable=True,
        lowest=0,
    ),
}

PROVENANCE = {
    "science_version": Field(
        pa.int32(), meaning="Raised whenever the same configuration would give other numbers.", repeats=True
    ),
    "gridsweep_version": Field(pa.string(), meaning="The release that trained the run.", repeats=True),
    "env_id": Field(
        pa.string(),
        meaning="Fingerprint of the libraries and settings that decide the bits.",
        nullable=True,
        repeats=True,
    ),
    "device_kind": Field(
        pa.string(),
        meaning="The device that trained the run, as JAX names it.",
        nullable=True,
        repeats=True,
    ),
    "started_at": Field(INSTANT, meaning="When training began.", nullable=True),
    "ended_at": Field(INSTANT, meaning="When the last score was known.", nullable=True),
    "train_s": Field(
        pa.float64(),
        unit="s",
        meaning="Time spent training, of the whole cohort.",
        nullable=True,
        lowest=0.0,
    ),
    "updates_per_s": Field(
        pa.float32(),
        unit="1/s",
        meaning="Optimizer updates per second, of the whole cohort.",
        nullable=True,
        lowest=0.0,
    ),
}

SCORES = {
    "evaluation": Field(
        WORD,
        meaning="The way of evaluating that the numbers come from; one training can have several.",
        repeats=True,
    ),
    "bins": Field(
        pa.int16(), unit="bins", meaning="Bins along one side of the rate map.", repeats=True, lowest=1
    ),
    "unit": Field(pa.int32(), meaning="Index of the hidden unit in its network.", lowest=0),
    "in_published_sample": Field(
        pa.bool_(), meaning="Whether the unit is in the seeded draw of 1,024 that the published figures use."
    ),
    "grid_score_60": Field(
        pa.float64(),
        meaning="Hexagonal grid score: how much better a map matches itself turned by 60 than by 30 degrees.",
        **_GRID_SCORE,
    ),
    "grid_score_90": Field(
        pa.float64(),
        meaning="Square grid score: how much better a map matches itself turned by 90 than by 45 degrees.",
        **_GRID_SCORE,
    ),
    "grid_score_60_mean": Field(
        pa.float64(),
        meaning="Hexagonal grid score in the difference-of-means form, at its own best ring; never smaller "
        "than grid_score_60, so thresholds do not carry across.",
        **_GRID_SCORE,
    ),
    "grid_score_90_min_max": Field(
        pa.float64(),
        meaning="Square grid score less the larger of 45 and 135 degrees, at its own best ring.",
        **_GRID_SCORE,
    ),
    "ring_60_inner": Field(
        pa.float32(), meaning="Inner radius of the ring that gave grid_score_60.", **_RING
    ),
    "ring_60_outer": Field(
        pa.float32(), meaning="Outer radius of the ring that gave grid_score_60.", **_RING
    ),
    "ring_90_inner": Field(
        pa.float32(), meaning="Inner radius of the ring that gave grid_score_90.", **_RING
    ),
    "ring_90_outer": Field(
        pa.float32(), meaning="Outer radius of the ring that gave grid_score_90.", **_RING
    ),
    "guarded_lags": Field(
        pa.int32(),
        unit="lags",
        meaning="Lags of the autocorrelogram set to 0 because a window had no variance beyond rounding.",
        nullable=True,
        repeats=True,
        lowest=0,
    ),
    "period_m": Field(
        pa.float32(),
        unit="m",
        meaning="Mean distance of the six peaks around the centre of the raw autocorrelation, the published "
        "estimate of a lattice's period; NULL unless grid_score_60 exceeds 0.3.",
        **_DISTANCE,
    ),
    "period_spread_m": Field(
        pa.float32(),
        unit="m",
        meaning="Standard deviation of those distances, of the population.",
        **_DISTANCE,
    ),
    "period_bins": Field(
        pa.float32(),
        unit="bins",
        meaning="The period in bins of the map, which published figures call centimetres.",
        nullable=True,
        lowest=0.0,
    ),
    **{
        f"orientation_{neighbour}_rad": Field(
            pa.float32(),
            unit="rad",
            meaning=f"Direction from the x axis of the {ordinal} of those peaks, in opposite pairs.",
            nullable=True,
            lowest=-3.1416,
            highest=3.1416,
        )
        for neighbour, ordinal in enumerate(("nearest", "second", "third", "fourth", "fifth", "sixth"))
    },
    "autocorrelogram_half_width_m": Field(
        pa.float32(),
        unit="m",
        meaning="Radius at which the radially averaged autocorrelogram first falls to 0.5; the null is "
        "matched by it.",
        **_DISTANCE,
    ),
    "stripe_score": Field(
        pa.float64(),
        meaning="Share of the map's variance that the best single plane wave explains: 1 for a stripe, 1/2 "
        "for a square and 1/3 for a hexagonal lattice of pure waves.",
        nullable=True,
        lowest=0.0,
        highest=1.000001,
    ),
    "border_score": Field(
        pa.float64(),
        meaning="Largest share of a wall that one firing field covers, c, against the fields' mean distance "
        "from the walls, d: (c - d) / (c + d); NULL for a unit without a field.",
        nullable=True,
        lowest=-1.000001,
        highest=1.000001,
    ),
    "mean_rate": Field(pa.float32(), meaning="Mean of the rate map over visited bins.", nullable=True),
    "peak_rate": Field(pa.float32(), meaning="Largest value of the rate map.", nullable=True),
    "silent": Field(pa.bool_(), meaning="Whether the unit had no activity at all."),
}

# Configuration repeated beside each unit: what figures filter by, so that a figure reads one table.
FILTERS = {
    "system.kind": Field(WORD, meaning="What was simulated or trained.", nullable=True, repeats=True),
    "target.kind": Field(
        WORD, meaning="What the network was trained to report.", nullable=True, repeats=True
    ),
    "network.kind": Field(WORD, meaning="The network's architecture.", nullable=True, repeats=True),
    "network.activation": Field(WORD, meaning="The network's nonlinearity.", nullable=True, repeats=True),
    "network.units": Field(
        pa.int32(),
        unit="units",
        meaning="Hidden units of the network.",
        nullable=True,
        repeats=True,
        lowest=1,
    ),
    "target.field_width_m": Field(
        pa.float64(),
        unit="m",
        meaning="Standard deviation of a place field.",
        nullable=True,
        repeats=True,
    ),
    "target.surround_ratio": Field(
        pa.float64(),
        meaning="Width of the inhibitory surround over the width of the centre.",
        nullable=True,
        repeats=True,
    ),
}

LISTS = {
    "update": Field(
        pa.int64(), unit="updates", meaning="Optimizer updates done when this was logged.", lowest=0
    ),
    "map": Field(
        pa.list_(pa.float32()),
        meaning="The rate map, bins x bins values; a row is one x, a column one y.",
        nan_means="a bin that was never visited",
    ),
    "name": Field(pa.string(), meaning="The weight's path in the network.", repeats=True),
    "shape": Field(pa.list_(pa.int32()), meaning="The weight's shape."),
    "values": Field(pa.list_(pa.float32()), meaning="The weight's values in C order."),
}

FIELDS: dict[str, Field] = IDENTITY | OUTCOME | METRICS | NETWORK | PROVENANCE | SCORES | FILTERS | LISTS
