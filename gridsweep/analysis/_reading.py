"""What a selection reads from a store: few columns, and rows already picked where SQL can pick them."""

import difflib
import functools
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from gridsweep.analysis.frames import Column, Frame, pd
from gridsweep.store import QueryError
from results_schema import TABLES

if TYPE_CHECKING:
    from gridsweep.store import Store

USUAL_BINS = 44  # 5 cm in a box of 2.2 m, as published
NULL_SETTINGS = ("system.pass", "system.smoothing_bins", "system.band_frequency_per_m", "system.threshold")

_MOST_VALUES = 30  # of a setting, in a condition by which row groups are skipped
_NAMED_RUNS = 500  # up to so many runs are named in the query; more are picked from its answer


def split_columns(store: "Store", score: str, by: Sequence[str]) -> tuple[list[str], list[str]]:
    """Returns which columns of ``by`` are settings of runs and which belong to single units."""
    of_runs, of_units = _run_columns(store), list(TABLES["units"].columns)
    for column, known in ((score, of_units), *((column, [*of_runs, *of_units]) for column in by)):
        if column not in known:
            near = difflib.get_close_matches(column, known, n=1)
            hint = (
                f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(dict.fromkeys(known))}"
            )
            raise ValueError(f"select_units: found the column {column!r}{hint}")
    if not by:
        raise ValueError("select_units: found no column to group by, expected one at least")
    return [column for column in by if column in of_runs], [column for column in by if column not in of_runs]


def members(store: "Store", asked: Sequence[str] | None) -> Frame:
    """Returns run_id and sweep of every planned run, of some sweeps or of all."""
    found = store.sql(
        "SELECT DISTINCT run_id, sweep FROM members", row_limit=None, timeout_s=None
    ).to_pandas()
    if asked is None:
        return found
    sweeps = sorted(found["sweep"].unique())
    if unknown := [name for name in asked if name not in sweeps]:
        raise ValueError(
            f"select_units: found the sweep {unknown[0]!r}, the store has {', '.join(sweeps) or 'none'}"
        )
    return found[found["sweep"].isin(asked)]


def runs(store: "Store", by: Sequence[str]) -> Frame:
    """Returns every run with how it ended, the settings of ``by`` as text, and those of the null."""
    known = _run_columns(store)
    spread = [f"{column}{end}" for column in by for end in ("_low", "_high") if f"{column}{end}" in known]
    wanted = ["run_id", "status", "evaluation", "position_error_cm", "env_id", "system.kind", *NULL_SETTINGS]
    read = [column for column in dict.fromkeys([*wanted, *by, *spread]) if column in known]
    found = store.runs(columns=read)
    for column in wanted:
        if column not in found:
            found[column] = None
    for column in ("run_id", "status", "evaluation", "env_id", "system.kind"):
        found[column] = found[column].astype(object)
    texts = {
        column: as_text(found[column], found.get(f"{column}_low"), found.get(f"{column}_high"))
        for column in by
    }
    return found.drop(columns=spread).assign(**texts)


def picked(store: "Store", where: str | None) -> tuple[set[str] | None, str | None]:
    """Returns the runs that a condition picks (None: any) and, if it is one on units, the condition."""
    if where is None:
        return None, None
    try:
        return set(store.runs(columns=["run_id"], where=where)["run_id"]), None
    except QueryError as about_runs:
        try:
            store.units(columns=["run_id"], where=f"({where}\n) AND false")
        except QueryError:
            raise about_runs from None
        return None, where


def scored(store: "Store") -> Frame:
    """Returns run_id, scores_of (the evaluation), bins: which scores there are of which run."""
    found: dict[tuple[str, str, int], None] = {}
    for batch in store.scan("units", ["run_id", "evaluation", "bins"]):
        runs, evaluations, bins = (_codes_and_words(column) for column in batch.columns)
        changes = np.ones(batch.num_rows, bool)
        changes[1:] = functools.reduce(
            operator.or_, (codes[1:] != codes[:-1] for codes, _ in (runs, evaluations, bins))
        )
        # Rows of one run stand together, so few of them are the first of their kind.
        for place in np.flatnonzero(changes):
            found[runs[1][runs[0][place]], evaluations[1][evaluations[0][place]], int(bins[0][place])] = None
    return pd.DataFrame(list(found), columns=["run_id", "scores_of", "bins"]).astype(
        {"run_id": object, "scores_of": object, "bins": "int64"}
    )


def usual_bins(networks: Frame, scored: Frame) -> int:
    """Returns 44 where any of the networks is scored on 44 bins, else the most bins there are."""
    bins = set(scored.loc[scored["run_id"].isin(networks["run_id"]), "bins"])
    return USUAL_BINS if USUAL_BINS in bins or not bins else int(max(bins))


def with_scores(
    networks: Frame, scored: Frame, bins: int, evaluation: str | None, *, insist: bool = True
) -> Frame:
    """Returns the networks that have the scores asked for, and in ``scores_of`` which evaluation's they are.

    Args:
        networks: with run_id and evaluation, a network's first.
        scored: see above.
        bins: of the rate maps.
        evaluation: None for each network's first.
        insist: whether only that evaluation will do. The null is noise in all of them.
    """
    found = networks.merge(scored[scored["bins"] == bins].drop(columns="bins"), on="run_id")
    wanted = found["scores_of"] == (found["evaluation"] if evaluation is None else evaluation)
    if insist:
        return found[wanted].reset_index(drop=True)
    return (
        found.assign(other=~wanted)
        .sort_values(["run_id", "other", "scores_of"])
        .drop_duplicates("run_id")
        .drop(columns="other")
        .reset_index(drop=True)
    )


def position_errors(store: "Store", networks: Frame) -> Column:
    """Returns each network's position error in the evaluation whose scores are used."""
    errors = networks["position_error_cm"].astype("float64")
    other = networks["scores_of"] != networks["evaluation"]
    if other.any():
        read = store.evaluations(columns=["run_id", "evaluation", "position_error_cm"])
        error_of = read.astype({"run_id": object, "evaluation": object}).set_index(["run_id", "evaluation"])
        keys = pd.MultiIndex.from_frame(networks.loc[other, ["run_id", "scores_of"]])
        errors[other] = error_of["position_error_cm"].reindex(keys).to_numpy(dtype="float64")
    return errors


def units(store: "Store", networks: Frame, columns: Sequence[str], bins: int, where: str | None) -> Frame:
    """Returns a row for each unit of the networks: run_id, unit, silent and the columns asked for."""
    if where is None:
        return _scanned(store, networks, columns, bins)
    evaluations = sorted(networks["scores_of"].unique())
    conditions = [f"bins = {bins:d}", f"evaluation IN ({_listed(evaluations)})"]
    if len(networks) <= _NAMED_RUNS:
        conditions.append(f"run_id IN ({_listed(networks['run_id'])})")
    conditions.append(f"(\n{where}\n)")
    read = list(dict.fromkeys(["run_id", "unit", "evaluation", "silent", *columns]))
    condition = " AND ".join(conditions) if len(networks) else "false"
    found: Frame = store.units(columns=read, where=condition)
    used = dict(zip(networks["run_id"], networks["scores_of"], strict=True))
    wanted = found["run_id"].map(used).astype(object)
    found = found[wanted.notna() & (wanted == found["evaluation"].astype(object))]
    if "evaluation" not in columns:
        found = found.drop(columns="evaluation")
    found["run_id"] = found["run_id"].astype("category").cat.remove_unused_categories()
    return found.reset_index(drop=True)


def _scanned(store: "Store", networks: Frame, columns: Sequence[str], bins: int) -> Frame:
    """Returns what ``units`` does, read piece by piece: of other runs' rows no copy is made."""
    run_ids = sorted(networks["run_id"])
    row_of = {run_id: row for row, run_id in enumerate(run_ids)}
    used = networks.set_index("run_id")["scores_of"].reindex(run_ids).to_numpy(object)
    evaluations = sorted(set(used))
    near = {"bins": [bins], "evaluation": evaluations, **_settings_of(store, networks)}
    read = list(dict.fromkeys(["run_id", "unit", "silent", *columns]))
    everything = list(dict.fromkeys([*read, "bins", "evaluation"]))
    # Numbers of evaluations: of the one that a network's scores are of, and of those in a piece.
    number_of = {evaluation: number for number, evaluation in enumerate(evaluations)}
    wanted_of = np.array([number_of[evaluation] for evaluation in used])
    pieces, codes = [], []
    for batch in store.scan("units", everything, near) if run_ids else ():
        of_batch, ids = _codes_and_words(batch["run_id"])
        row = np.array([row_of.get(run_id, -1) for run_id in ids], np.int32)[of_batch]
        told, words = _codes_and_words(batch["evaluation"])
        evaluation = np.array([number_of.get(word, -1) for word in words])[told]
        wanted = (row >= 0) & (_codes_and_words(batch["bins"])[0] == bins) & (evaluation == wanted_of[row])
        kept = batch.select([name for name in read if name != "run_id"])
        pieces.append(kept if wanted.all() else kept.filter(pa.array(wanted)))
        codes.append(row if wanted.all() else row[wanted])
    if not pieces:
        return _none_of(store, read)
    # Column by column, each given back to Arrow as soon as pandas has it.
    found: Frame = pa.Table.from_batches(pieces).to_pandas(split_blocks=True, self_destruct=True)
    del pieces
    of_runs = np.concatenate(codes)
    present = np.bincount(of_runs, minlength=len(run_ids)) > 0
    if not present.all():
        of_runs = (np.cumsum(present, dtype=np.int32) - 1)[of_runs]
    found.insert(0, "run_id", pd.Categorical.from_codes(of_runs, np.array(run_ids, object)[present]))
    return found


def _settings_of(store: "Store", networks: Frame) -> dict[str, list]:
    """Returns which settings the networks have, of those that units repeat: other row groups are skipped."""
    shared = [name for name in TABLES["units"].columns if "." in name and name in _run_columns(store)]
    every: Frame = store.runs(columns=["run_id", "status", *shared])
    every = every[every["status"] == "completed"]
    mine = every[every["run_id"].isin(set(networks["run_id"]))]
    found = {}
    for name in shared:
        values = mine[name].astype(object).unique()
        if 0 < len(values) <= _MOST_VALUES and len(values) < every[name].nunique(dropna=False):
            # NULL as well: a store from before the column was added has it nowhere.
            found[name] = [*(value for value in values if not pd.isna(value)), None]
    return found


def _codes_and_words(column: "pa.Array") -> tuple[np.ndarray, list]:
    """Returns a column of words as numbers of words, and the words; a column of numbers as it is."""
    if pa.types.is_dictionary(column.type):
        return column.indices.to_numpy(zero_copy_only=False), column.dictionary.to_pylist()
    return column.to_numpy(zero_copy_only=False), []


def _none_of(store: "Store", columns: Sequence[str]) -> Frame:
    none: Frame = store.units(columns=list(columns), where="false")
    none["run_id"] = none["run_id"].astype("category")
    return none


def as_text(values: Column, low: Column | None = None, high: Column | None = None) -> Column:
    """Returns settings as text in the order of their values, numbers before words; NULL stays NULL.

    A setting that is drawn for each cell has no value but two ends, and becomes ``0.1 to 0.3``.
    """
    words = values.astype(object).map(_text, na_action="ignore")
    ranked = pd.Series(dict(zip(words, values.astype(object), strict=True)), dtype=object)
    order = sorted(ranked.index.dropna(), key=lambda word: _rank(ranked[word]))
    if low is not None and high is not None and (spread := values.isna() & low.notna()).any():
        ends = low[spread].map(_text) + " to " + high[spread].map(_text)
        order += sorted(ends.unique())
        words = words.where(~spread, ends)
    return pd.Categorical(words, order, ordered=True)


def _run_columns(store: "Store") -> list[str]:
    return store.columns("runs")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _rank(value: object) -> tuple[int, float, str]:
    return (0, float(value), "") if isinstance(value, int | float) else (1, 0.0, str(value))


def _listed(values: Sequence[str]) -> str:
    return ", ".join("'" + str(value).replace("'", "''") + "'" for value in values)
