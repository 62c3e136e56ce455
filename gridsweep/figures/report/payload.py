"""What the page is told: settings, tallies and maps of a store, as JSON with its arrays in base64."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gridsweep.analysis import _reading as reading
from gridsweep.analysis.frames import Frame, pd
from gridsweep.analysis.null import KIND, deal_null, whole_hands
from gridsweep.analysis.selection import Selection, select_units
from gridsweep.analysis.survival import ranked_scores, tail_probability
from gridsweep.analysis.tallies import Tallies, smallest_counts, tally, thresholds_for
from gridsweep.figures._survival_numbers import CRITERIA
from gridsweep.figures.report.kept_maps import SCORES, MapsWanted, choose_networks, read_kept
from gridsweep.figures.report.settings import encoded, varied_settings
from gridsweep.figures.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION
from gridsweep.figures.words import score_words

if TYPE_CHECKING:
    from gridsweep.store import Store

LEVEL = 0.95
MOST_NULLS = 6  # as many greys and dashes as can be told apart, in every figure
WITHOUT_SCORES = "without scores"
_STATUSES = ("completed", WITHOUT_SCORES, "diverged", "failed")
_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
_STOPS = 33  # of a colour map; the page interpolates


@dataclass(frozen=True)
class _Score:
    """One score of the page, and the selection it came from without its units."""

    told: dict[str, Any]
    best: np.ndarray
    silent: np.ndarray
    units: np.ndarray
    hand: int
    selection: Selection


def payload(
    store: "Store",
    *,
    where: str | None = None,
    sweep: str | None = None,
    evaluation: str | None = None,
    bins: int | None = None,
    null_where: str | None = None,
    partial: bool = False,
    maps: MapsWanted | None = None,
    title: str = "",
    command: str = "",
) -> dict[str, Any]:
    """Returns everything that the page shows.

    Args:
        store: where from, as it is now.
        where: see ``select_units``, like the following up to ``partial``.
        sweep: only its networks.
        evaluation: of which the scores are.
        bins: of the rate maps.
        null_where: a condition on runs of the null.
        partial: go on although planned networks are missing.
        maps: how many rate maps come along.
        title: of the page; by default the name of the store's folder.
        command: that makes the page, for its reader.

    Raises:
        ValueError: there are no such networks, or more kinds of null than can be told apart.
    """
    store, maps = store.pinned(), maps or MapsWanted()
    runs = _runs(store, where, sweep, evaluation)
    row_of = pd.Index(runs["run_id"])
    asked = {"where": where, "evaluation": evaluation, "bins": bins, "null_where": null_where}
    scores = {
        score: _score(
            select_units(store, score, "system.kind", sweep=sweep, partial=partial, **asked),
            row_of,
            len(runs),
        )
        for score in SCORES
    }
    first = scores[SCORES[0]]
    selection = first.selection
    error_of = selection.networks.set_index("run_id")["position_error_cm"]
    errors = runs["run_id"].map(error_of).to_numpy("float32", na_value=np.nan)
    status = np.array([_STATUSES.index(word) for word in runs["status"]], np.uint8)
    status[(status == 0) & (first.units == 0)] = _STATUSES.index(WITHOUT_SCORES)
    reasons = ["", *sorted(set(runs["reason"].dropna().astype(str)))]
    settings, left_out = varied_settings(runs, runs["sweeps"])
    kinds = [runs[name] for name in ("target.kind", "system.kind") if name in runs]
    groups = next((kind for kind in kinds if kind.nunique() > 1), pd.Series("", index=runs.index))
    chosen = choose_networks(groups, _has_maps(store, runs, first.best), maps.networks)
    kept = dict(read_kept(store, runs, chosen, bins=selection.bins, wanted=maps))
    return {
        "about": {
            "title": title or store.path.name,
            "command": command,
            "filter": selection.filter,
            "snapshot": selection.snapshot_id,
            "notes": list(selection.notes),
            "denominators": str(selection.denominators),
            "missing": selection.denominators.missing,
            "sweeps": [{"sweep": name, **counts} for name, counts in _sweeps(store, sweep).items()],
            "left_out": left_out,
            "hand": first.hand,
            "level": LEVEL,
        },
        "colours": {
            "groups": list(_COLOURS),
            "map": _colour_map("viridis"),
            "correlation": _colour_map("RdBu_r"),
        },
        # How much of the draws to leave out at each end, from two networks on; the last one holds beyond.
        "tails": [tail_probability(networks, LEVEL) for networks in range(2, 201)],
        "networks": {
            "run_id": list(runs["run_id"]),
            "statuses": _STATUSES,
            "status": encoded(status),
            "reasons": reasons,
            "reason": encoded(
                np.array([reasons.index("" if pd.isna(r) else str(r)) for r in runs["reason"]], np.uint8)
            ),
            "error_cm": encoded(errors),
            "units": encoded(first.units.astype("<u4")),
            "silent": encoded(first.silent.astype("<u4")),
        },
        "settings": settings,
        "scores": [scores[score].told for score in SCORES],
        "maps": {
            "networks": {str(row): found for row, found in kept.items()},
            "most_networks": maps.networks,
            "most_units": maps.units,
        },
    }


def _runs(store: "Store", where: str | None, sweep: str | None, evaluation: str | None) -> Frame:
    """Returns every planned run that ended and is no null, with its settings and its sweeps."""
    members = reading.members(store, None if sweep is None else [sweep])
    sweeps_of = (
        reading.members(store, None).groupby("run_id")["sweep"].agg(lambda names: " + ".join(sorted(names)))
    )
    known = store.columns("runs")
    fixed = ["run_id", "cohort_id", "seed", "status", "reason", "evaluation"]
    found: Frame = store.runs(columns=[*fixed, *(name for name in known if "." in name)])
    texts = ("run_id", "cohort_id", "status", "reason", "evaluation")
    found = found.astype(dict.fromkeys(texts, object))
    wanted = found["run_id"].isin(set(members["run_id"])) & (found["system.kind"].astype(object) != KIND)
    picked, _ = reading.picked(store, where)
    if picked is not None:
        wanted &= found["run_id"].isin(picked)
    found = found[wanted].reset_index(drop=True)
    scores_of = found["evaluation"] if evaluation is None else evaluation
    return found.assign(sweeps=found["run_id"].map(sweeps_of), scores_of=scores_of)


def _score(selection: Selection, row_of: Any, rows: int) -> _Score:
    table, score = selection.table, selection.score
    is_null = table["null"].to_numpy(bool)
    thresholds = thresholds_for([ranked_scores(table, score)])
    ids = table["run_id"].cat
    # Runs of the null are no rows of the page, so theirs is -1.
    rows_of_units = row_of.get_indexer(ids.categories).astype(np.int32)[ids.codes.to_numpy()]
    counted = tally(table, score, rows_of_units, rows, thresholds)
    nulls = [
        _null(name, hands, score, thresholds, selection.hand)
        for name, hands in _hands(table[is_null], selection.hand)
    ]
    if len(nulls) > MOST_NULLS:
        raise ValueError(
            f"found {len(nulls)} kinds of null, expected at most {MOST_NULLS}: choose with null_where"
        )
    told = {
        "name": score,
        "label": score_words(score),
        "criteria": CRITERIA[score],
        "thresholds": thresholds.tolist(),
        "bits": smallest_counts(counted.cells).dtype.itemsize * 8,
        "cells": encoded(smallest_counts(counted.cells)),
        "best": encoded(counted.best.astype("float32")),
        "median": encoded(counted.median.astype("float32")),
        "unscored": encoded(counted.unscored.astype("<u4")),
        "nulls": nulls,
    }
    return _Score(
        told,
        counted.best,
        counted.silent,
        counted.cells.sum(axis=1),
        selection.hand,
        # The units are counted: from here on the selection's words are needed, not its millions of rows.
        replace(selection, table=table.iloc[:0].copy()),
    )


def _hands(null: Frame, hand: int) -> list[tuple[str, Frame]]:
    return [
        (str(name), deal_null(mine, hand)) for name, mine in null.groupby("group", observed=True, sort=True)
    ]


def _null(name: str, hands: Frame, score: str, thresholds: np.ndarray, hand: int) -> dict[str, Any]:
    number = len(hands["run_id"].cat.categories)
    counted: Tallies = tally(hands, score, hands["run_id"].cat.codes.to_numpy(np.int64), number, thresholds)
    sizes = pd.DataFrame({"units": counted.cells.sum(axis=1), "best": counted.best})
    return {
        "label": name,
        "hands": number,
        "bits": smallest_counts(counted.cells).dtype.itemsize * 8,
        "cells": encoded(smallest_counts(counted.cells)),
        "best": encoded(whole_hands(sizes, hand)["best"].to_numpy("float32")),
        "largest": None if np.isnan(counted.best).all() else float(np.nanmax(counted.best)),
    }


def _has_maps(store: "Store", runs: Frame, best: np.ndarray) -> np.ndarray:
    """Returns the best of each network that keeps maps, NaN for the others."""
    kept = set(store.table("rate_maps", ["run_id"])["run_id"].unique().to_pylist())
    return np.where(runs["run_id"].isin(kept), best, np.nan)


def _sweeps(store: "Store", sweep: str | None) -> dict[str, dict[str, int]]:
    return {name: counts for name, counts in store.status_counts().items() if sweep in (None, name)}


def _colour_map(name: str) -> list[str]:
    import matplotlib
    from matplotlib.colors import to_hex

    return [to_hex(matplotlib.colormaps[name](place / (_STOPS - 1))) for place in range(_STOPS)]
