"""Which units a figure is about: read from a store, named, and counted down from what was planned.

A survival curve is a statement about all networks of a stated space. So what leaves the space is counted and
said: networks that diverged, failed or are still missing, and those that a filter removed. The null comes
along with every selection, beside the networks and untouched by their filter.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gridsweep.analysis import _reading as reading
from gridsweep.analysis.frames import Column, Frame, pd
from gridsweep.analysis.groups import (
    NONE,
    add_null,
    count_networks,
    each_network,
    name_groups,
    name_null_groups,
    stack,
)
from gridsweep.analysis.null import KIND, deal_null, hand_size

if TYPE_CHECKING:
    from gridsweep.store import Store


@dataclass(frozen=True)
class Denominators:
    """Where the runs went, from the plan to the figure. Runs of the null are planned, too.

    Args:
        planned: completed + diverged + failed + missing.
        completed: trained to the end.
        diverged: went non-finite.
        failed: ended with an error.
        missing: not yet run.
        without_scores: networks that completed but have no scores of the kind asked for.
        removed: networks that were left out for their position error.
    """

    planned: int
    completed: int
    diverged: int
    failed: int
    missing: int
    without_scores: int
    removed: int

    def __str__(self) -> str:
        words = f"{self.planned:,} runs planned, {self.completed:,} completed"
        for count, what in (
            (self.diverged, "diverged (left out)"),
            (self.failed, "failed (left out)"),
            (self.missing, "missing"),
            (self.without_scores, "without such scores"),
        ):
            words += f", {count:,} {what}" if count else ""
        return words


@dataclass(frozen=True)
class Selection:
    """Units to rank, and what has to be said beside them.

    Args:
        table: a row a unit: run_id, unit, the score, silent, group, null (whether the row is the null's).
        groups: a row a group in drawing order, the null last: group, null, the columns of ``by`` as text
            (NULL where a network has no such setting), networks, units, position_error_cm (the networks'
            median).
        networks: a row a network, without the null: group, run_id, units, position_error_cm.
        score: the column that is to be ranked.
        by: the columns that make groups.
        filter: which units these are, in words.
        bins: of the rate maps that were scored.
        denominators: how many runs there were before.
        snapshot_id: what was committed when this was read.
        notes: what else a reader must know, a sentence each.
    """

    table: Frame
    groups: Frame
    networks: Frame
    score: str
    by: tuple[str, ...]
    filter: str
    bins: int
    denominators: Denominators
    snapshot_id: str
    notes: tuple[str, ...] = ()

    @functools.cached_property
    def hand(self) -> int:
        """How many maps of the null stand for one network."""
        units = np.bincount(self.table["run_id"].cat.codes[~self.table["null"]])
        return hand_size(units[units > 0])

    def regrouped(self, names: Mapping[str, str], column: str) -> "Selection":
        """Returns the selection with its groups joined under other names; groups without one are left out.

        Args:
            names: of each group that stays, the name of the new one; new groups stand in the order in which
                they are first named. The null keeps its groups.
            column: what the new groups are values of, as a column's name.
        """
        nulls = self.groups[self.groups["null"]]
        names = {**names, **{name: name for name in nulls["group"]}}
        order = list(dict.fromkeys(names.values()))
        new = self.table["group"].astype(object).map(names)
        kept = new.notna().to_numpy()
        table = self.table[kept].reset_index(drop=True)
        table["group"] = pd.Categorical(new[kept], order, ordered=True)
        networks = self.networks.assign(group=self.networks["group"].astype(object).map(names))
        networks = networks[networks["group"].notna()].reset_index(drop=True)
        present = [name for name in order if name in set(networks["group"])]
        groups = pd.DataFrame({"group": present, "null": False, column: present})
        groups = groups.join(count_networks(networks), on="group")
        return replace(
            self,
            table=table,
            groups=pd.concat([groups, nulls.reindex(columns=groups.columns)], ignore_index=True),
            networks=networks,
            by=(column,),
        )

    def beside_null(self) -> Frame:
        """Returns the table with the null dealt into hands as large as a network, see ``deal_null``."""
        null = self.table["null"].to_numpy(dtype=bool)
        if not null.any():
            return self.table
        first = int(null.argmax())
        if null[first:].all():  # as it comes; then what stands before the null is not copied
            parts = self.table.iloc[:first], self.table.iloc[first:]
        else:
            parts = self.table[~null], self.table[null]
        return stack([parts[0], deal_null(parts[1], self.hand)])


def select_units(
    store: "Store",
    score: str = "grid_score_60",
    by: str | Sequence[str] = "target.kind",
    *,
    where: str | Sequence[str] | None = None,
    evaluation: str | None = None,
    bins: int | None = None,
    max_position_error_cm: float | None = None,
    include_null: bool = True,
    null_where: str | None = None,
    sweep: str | Sequence[str] | None = None,
    partial: bool = False,
) -> Selection:
    """Reads the units of completed networks, and the null's beside them, in groups.

    Args:
        store: where from.
        score: column of ``units`` to rank.
        by: columns of ``runs`` (any setting) or of ``units`` that make groups.
        where: an SQL condition on networks, over columns of ``runs``; or one over columns of ``units``; or
            several, which must all hold.
        evaluation: by default each network's first, which its metrics in ``runs`` are of.
        bins: of the rate maps; by default 44 where there are any, else the most there are.
        max_position_error_cm: keep only networks below it.
        include_null: whether to read the null. It is subject neither to ``where`` nor to the position error.
        null_where: an SQL condition on runs of the null, such as ``"system.threshold" = 'rectified'``.
        sweep: only networks of this sweep, or of these; the null is theirs if there is one, else the store's.
        partial: go on although planned networks are missing.

    Raises:
        ValueError: nothing is left (the message says what the store has), a name is unknown, or networks are
            missing and ``partial`` is not given.
    """
    store = store.pinned()
    by = (by,) if isinstance(by, str) else tuple(by)
    of_runs, of_units = reading.split_columns(store, score, by)
    members = reading.members(store, None if sweep is None else names_of(sweep))
    planned = set(members["run_id"])
    every_run = reading.runs(store, of_runs)
    runs = every_run[every_run["run_id"].isin(planned)]
    _check_missing(members, runs, partial)

    completed = every_run[every_run["status"] == "completed"]
    networks = completed[completed["run_id"].isin(planned) & (completed["system.kind"] != KIND)]
    nulls = completed[completed["system.kind"] == KIND]
    notes = []
    if nulls["run_id"].isin(planned).any():
        nulls = nulls[nulls["run_id"].isin(planned)]
    elif include_null and len(nulls):
        notes.append(f"The null is not of the {sweep_words(sweep or '')}.")

    conditions = [where] if isinstance(where, str) else list(where or ())
    asked, unit_conditions = networks, []
    for condition in conditions:
        picked, unit_condition = reading.picked(store, condition)
        if unit_condition is not None:
            unit_conditions.append(f"({unit_condition}\n)")
        if picked is not None:
            asked = asked[asked["run_id"].isin(picked)]
    scored = reading.scored(store)
    bins = reading.usual_bins(asked, scored) if bins is None else bins
    found = reading.with_scores(asked, scored, bins, evaluation)
    found["position_error_cm"] = reading.position_errors(store, found)
    kept = found
    if max_position_error_cm is not None:
        kept = found[found["position_error_cm"] < max_position_error_cm]
    words = _words(sweep, conditions, bins, found, evaluation, max_position_error_cm, len(kept))
    unit_where = " AND ".join(unit_conditions) or None
    units = reading.units(store, kept, [score, *of_units], bins, unit_where)
    if units.empty:
        raise ValueError(_nothing_left(words, networks, scored, of_runs))

    units, groups = name_groups(units, kept, of_runs, by)
    if include_null:
        null_units = _null(store, nulls, scored, score, bins, evaluation, null_where)
        if null_units.empty:
            notes.append(f"No null: the store has no {KIND} run scored on {bins} bins.")
        units, groups = add_null(units, groups, null_units)
    count = runs["status"].value_counts()
    denominators = Denominators(
        planned=len(planned),
        completed=int(count.get("completed", 0)),
        diverged=int(count.get("diverged", 0)),
        failed=int(count.get("failed", 0)),
        missing=len(planned) - len(runs),
        without_scores=len(asked) - len(found),
        removed=len(found) - len(kept),
    )
    if denominators.missing:
        notes.append(f"Partial: {denominators.missing:,} of {len(planned):,} planned networks are missing.")
    used = every_run["run_id"].isin(units["run_id"].cat.categories)
    notes.extend(_environments(every_run.loc[used, "env_id"]))
    each = each_network(units, kept)
    return Selection(
        table=units[["run_id", "unit", score, "silent", "group", "null"]],
        groups=groups.join(count_networks(each), on="group"),
        networks=each[each["run_id"].isin(kept["run_id"])].reset_index(drop=True),
        score=score,
        by=by,
        filter=words,
        bins=bins,
        denominators=denominators,
        snapshot_id=store.snapshot_id(),
        notes=tuple(notes),
    )


def names_of(sweep: str | Sequence[str]) -> list[str]:
    """Returns the names of one sweep or of several."""
    return [sweep] if isinstance(sweep, str) else list(sweep)


def sweep_words(sweep: str | Sequence[str]) -> str:
    """Returns ``sweep dropout``, or ``sweeps dropout, optimizer``."""
    names = names_of(sweep)
    return f"sweep{'' if len(names) == 1 else 's'} {', '.join(names)}"


def _check_missing(members: Frame, runs: Frame, partial: bool) -> None:
    missing = members[~members["run_id"].isin(runs["run_id"])]
    if missing.empty or partial:
        return
    sweeps = sorted(missing["sweep"].unique())
    raise ValueError(
        f"{missing['run_id'].nunique():,} of {members['run_id'].nunique():,} planned networks are missing: "
        f"run `gridsweep run {' '.join(sweeps)}`, or pass --partial (partial=True)"
    )


def _environments(env_ids: Column) -> list[str]:
    """Returns a sentence on how many runs come from which environment, unless all come from one."""
    counts = env_ids.dropna().value_counts()
    if len(counts) < 2:
        return []
    each = [f"{runs:,} in {env_id}" for env_id, runs in counts.items()]
    more = f", {len(each) - 3} more" if len(each) > 3 else ""
    return [f"Runs come from {len(each)} environments: {', '.join(each[:3])}{more}."]


def _null(store, nulls, scored, score, bins, evaluation, null_where) -> Frame:
    """Returns the maps of the null, in its own groups."""
    if null_where is not None:
        nulls = nulls[nulls["run_id"].isin(reading.picked(store, null_where)[0] or ())]
    nulls = reading.with_scores(nulls, scored, bins, evaluation, insist=False)
    units = reading.units(store, nulls, [score], bins, None)
    return name_null_groups(units, nulls)


def _words(sweep, conditions, bins, found, evaluation, max_position_error_cm, kept: int) -> str:
    """Returns which units were asked for, as a reader of the figure has to know it."""
    used = [evaluation] if evaluation is not None else sorted(found["scores_of"].unique())
    words = [f"{bins} bins"] if sweep is None else [sweep_words(sweep), f"{bins} bins"]
    if used:
        words.append(f"evaluation {' or '.join(used)}" + (", each network's first" if len(used) > 1 else ""))
    if conditions:
        words.append(f"where {' and '.join(' '.join(condition.split()) for condition in conditions)}")
    if max_position_error_cm is not None:
        removed = f"removes {len(found) - kept:,} of {len(found):,} networks"
        words.append(f"position error below {max_position_error_cm:g} cm ({removed})")
    return ", ".join(words)


def _nothing_left(words: str, networks: Frame, scored: Frame, of_runs: list[str]) -> str:
    """Returns an error text that says what was asked and what there is."""
    if networks.empty:
        return f"select_units: there is no completed network ({words})"
    lines = [
        f"select_units: no units are left for: {words}",
        f"there are {len(networks):,} completed networks",
    ]
    for column in of_runs:
        count = networks[column].value_counts(dropna=False, sort=False)
        values = [f"{NONE if pd.isna(value) else value} ({n:,})" for value, n in count.items() if n]
        lines.append(f"{column}: {', '.join(values[:20])}{', …' if len(values) > 20 else ''}")
    here = scored[scored["run_id"].isin(networks["run_id"])]
    for evaluation, rows in here.groupby("scores_of", observed=True):
        bins = ", ".join(str(value) for value in sorted(rows["bins"].unique()))
        lines.append(f"evaluation {evaluation}: bins {bins}")
    errors = networks["position_error_cm"].dropna()
    if len(errors):
        lines.append(f"position error: {errors.min():.1f} to {errors.max():.1f} cm")
    return "\n  ".join(lines)
