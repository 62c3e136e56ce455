"""The numbers of a survival figure, complete before anything is drawn: what is drawn is what is written."""

from collections.abc import Iterator
from dataclasses import dataclass

from gridsweep.analysis.frames import Frame, pd
from gridsweep.analysis.null import whole_hands
from gridsweep.analysis.selection import Selection
from gridsweep.analysis.smoothing import smoothed_survival
from gridsweep.analysis.survival import SurvivalTable, shares_at, survival
from gridsweep.figures.words import group_words

# What a unit has to exceed to be called grid-like: the usual criterion first, which is drawn as a line, then
# one that noise hardly reaches (spec d.5, e.10). For squares, a noiseless lattice of 0.5 m reaches 1.1 only.
CRITERIA = {"grid_score_60": (0.8, 1.15), "grid_score_90": (1.0, 1.5)}

MOST_ALONE = 500  # thin curves


@dataclass(frozen=True)
class Group:
    """One curve and what is said beside it. Without networks, the median position error is NaN."""

    name: str
    label: str
    null: bool
    networks: int
    units: int
    silent: int
    unscored: int
    largest: float
    position_error_cm: float


@dataclass(frozen=True)
class Numbers:
    """Everything that is drawn."""

    selection: Selection
    ranked: SurvivalTable
    alone: SurvivalTable | None  # each network by itself
    groups: tuple[Group, ...]
    smoothed: Frame | None = None  # the curves as the original drew them, in place of the others

    @property
    def criteria(self) -> tuple[float, float]:
        return CRITERIA[self.selection.score]

    @property
    def shares(self) -> Frame:
        """Shares of units above the criteria, by group and threshold."""
        return shares_at(self.ranked, self.criteria).set_index(["group", "threshold"])

    @property
    def numeric(self) -> bool:
        """Whether the groups are values of one number."""
        groups = self.selection.groups
        values = groups.loc[~groups["null"], list(self.selection.by)]
        return values.shape[1] == 1 and bool(pd.to_numeric(values.iloc[:, 0], errors="coerce").notna().all())

    def curve(self, group: Group) -> Frame:
        """Returns a group's curve up to its largest score, where it ends; a smoothed one goes on."""
        if self.smoothed is not None:
            return self.smoothed[self.smoothed["group"] == group.name]
        curve = self.ranked.curves[self.ranked.curves["group"] == group.name]
        return curve[curve["threshold"] <= group.largest]

    def curves_alone(self, group: Group) -> Iterator[Frame]:
        """Yields the curve of each of a group's networks, if they are drawn."""
        if self.alone is None or group.null:
            return
        curves = self.alone.curves[self.alone.curves["group"] == group.name]
        networks = self.alone.groups[self.alone.groups["group"] == group.name]
        for run_id, largest in zip(networks["run_id"], networks["largest"], strict=True):
            yield curves[(curves["run_id"] == run_id) & (curves["threshold"] <= largest)]

    def best(self, group: Group) -> Frame:
        """Returns the best unit of each network; of the null, of each whole hand."""
        networks = self.ranked.networks[self.ranked.networks["group"] == group.name]
        return whole_hands(networks, self.selection.hand) if group.null else networks

    def data(self) -> Frame:
        """Returns the drawn numbers in one table, with what has to be known of each beside it."""
        what = "units above" if self.smoothed is None else "units above, smoothed"
        parts = [self.curve(group).assign(what=what) for group in self.groups]
        for group in self.groups:
            parts += [curve.assign(what="units above, one network") for curve in self.curves_alone(group)]
        for group in self.groups:
            best = self.best(group)[["group", "run_id", "best"]].rename(columns={"best": "threshold"})
            parts.append(best.assign(what="best unit"))
        parts.append(self.shares.reset_index().assign(what="units above criterion"))
        columns = ["what", "group", "run_id", "threshold", "fraction", "low", "high"]
        drawn = pd.concat([part.astype({"group": object}).reindex(columns=columns) for part in parts])
        beside = {
            group.name: {
                "label": group.label,
                "networks": group.networks,
                "units": group.units,
                "silent": group.silent,
                "unscored": group.unscored,
                "median_position_error_cm": group.position_error_cm,
            }
            for group in self.groups
        }
        drawn = drawn.merge(pd.DataFrame.from_dict(beside, orient="index"), left_on="group", right_index=True)
        drawn.insert(3, "score", self.selection.score)
        return drawn.assign(
            level=self.ranked.level,
            filter=self.selection.filter,
            runs=str(self.selection.denominators),
            snapshot_id=self.selection.snapshot_id,
        ).reset_index(drop=True)


def rank_for_drawing(
    selection: Selection,
    *,
    each_network: bool = False,
    smoothed: bool = False,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Numbers:
    """Ranks the units of a selection beside the null, each network by itself and smoothed if wanted."""
    table = selection.beside_null()
    ranked = survival(table, selection.score, "group", draws=draws, seed=seed, level=level)
    alone = None
    if each_network:
        networks = selection.table[~selection.table["null"]]
        if (count := networks["run_id"].nunique()) > MOST_ALONE:
            raise ValueError(f"survival: each_network of {count:,} networks, expected at most {MOST_ALONE}")
        alone = survival(networks, selection.score, ["group", "run_id"], level=level)
    curves = _smooth(selection) if smoothed else None
    return Numbers(selection, ranked, alone, tuple(_groups(selection, ranked)), curves)


def _smooth(selection: Selection) -> Frame:
    curves = []
    for group, rows in selection.table.groupby("group", observed=True):
        thresholds, fraction = smoothed_survival(rows[selection.score].to_numpy(dtype="float64"))
        curves.append(pd.DataFrame({"group": group, "threshold": thresholds, "fraction": fraction}))
    return pd.concat(curves, ignore_index=True).assign(low=float("nan"), high=float("nan"))


def _groups(selection: Selection, ranked: SurvivalTable) -> Iterator[Group]:
    found = ranked.groups.set_index(ranked.groups["group"].astype(object))
    by = list(selection.by)
    for row in selection.groups.to_dict("records"):
        ranked_group, name, is_null = found.loc[row["group"]], row["group"], bool(row["null"])
        yield Group(
            name=name,
            label=name if is_null else group_words(by, [row[column] for column in by]),
            null=is_null,
            # The selection's, since hands of the null are no networks.
            networks=int(row["networks"]),
            units=int(ranked_group["units"]),
            silent=int(ranked_group["silent"]),
            unscored=int(ranked_group["unscored"]),
            largest=float(ranked_group["largest"]),
            position_error_cm=float(row["position_error_cm"]),
        )
