"""Units in groups: the settings that make them give a group its name; the null's groups stand behind them."""

import numpy as np
from jaxtyping import Int

from gridsweep.analysis import _reading as reading
from gridsweep.analysis.frames import Frame, pd
from gridsweep.analysis.null import name_null

NONE = "none"  # the group of networks that do not have the setting at all


def number_groups(table: Frame, by: list[str]) -> tuple[Frame, Int[np.ndarray, " units"]]:
    """Returns the groups' names in order, and for each unit the number of its group."""
    if len(by) == 1 and isinstance(table[by[0]].dtype, pd.CategoricalDtype):
        codes = table[by[0]].cat.codes.to_numpy()
        if len(codes) and codes.min() >= 0:
            present = np.bincount(codes) > 0
            keys = pd.Categorical.from_codes(np.flatnonzero(present), dtype=table[by[0]].dtype)
            return pd.DataFrame({by[0]: keys}), (np.cumsum(present) - 1)[codes]
    group_of = table.groupby(by, dropna=False, observed=True, sort=True).ngroup().to_numpy()
    _, first_row = np.unique(group_of, return_index=True)
    return table[by].iloc[first_row].reset_index(drop=True), group_of


def name_groups(
    units: Frame, networks: Frame, of_runs: list[str], by: tuple[str, ...]
) -> tuple[Frame, Frame]:
    """Returns the units with their group's name, and the groups."""
    row_of_run = pd.Index(networks["run_id"]).get_indexer(units["run_id"].cat.categories)
    network_of = row_of_run[units["run_id"].cat.codes.to_numpy()]
    if all(column in of_runs for column in by):
        # A network has one group, so networks are grouped and not their units.
        present = np.flatnonzero(np.bincount(network_of, minlength=len(networks)))
        keys, group_of_network = number_groups(networks.iloc[present], list(by))
        group_of = np.zeros(len(networks), np.int64)
        group_of[present] = group_of_network
        group_of = group_of[network_of]
    else:
        for column in by:
            if column in of_runs:
                units[column] = networks[column].array.take(network_of)
            else:
                units[column] = reading.as_text(units[column])
        keys, group_of = number_groups(units, list(by))
    keys = keys.astype(object)
    names = [", ".join(NONE if pd.isna(value) else value for value in row) for row in keys.to_numpy()]
    groups = pd.concat([pd.DataFrame({"group": names, "null": False}), keys], axis=1)
    units["group"] = pd.Categorical.from_codes(group_of, names, ordered=True)
    units["null"] = False
    return units.drop(columns=[column for column in by if column != "group"], errors="ignore"), groups


def name_null_groups(units: Frame, nulls: Frame) -> Frame:
    """Returns the maps of the null with the name of their group, which says what noise they are."""
    names = nulls.apply(name_null, axis=1) if len(nulls) else pd.Series(dtype=object)
    name_of = dict(zip(nulls["run_id"], names, strict=True))
    # By number and not by text: 10 bins come after 2.
    settings = nulls[list(reading.NULL_SETTINGS)].assign(name=names)
    ordered = settings.sort_values(list(reading.NULL_SETTINGS))["name"].drop_duplicates()
    units["group"] = pd.Categorical(units["run_id"].map(name_of), list(ordered), ordered=True)
    units["null"] = True
    return units


def add_null(units: Frame, groups: Frame, null: Frame) -> tuple[Frame, Frame]:
    """Returns the units with the null's maps below them, and the groups with the null's behind them."""
    if null.empty:
        return units, groups
    names = pd.DataFrame({"group": list(null["group"].cat.categories), "null": True})
    return stack([units, null]), pd.concat([groups, names], ignore_index=True)


def stack(tables: list[Frame]) -> Frame:
    """Returns the tables one below the other; plain concatenation would spell out each run id."""
    run_ids = pd.api.types.union_categoricals([table["run_id"] for table in tables], sort_categories=True)
    names = [name for table in tables for name in table["group"].cat.categories]
    names = list(dict.fromkeys(names))
    rest = [table.drop(columns=["run_id", "group"]) for table in tables]
    group_of = [table["group"].cat.set_categories(names, ordered=True).cat.codes for table in tables]
    stacked = pd.concat(rest, ignore_index=True)
    stacked.insert(0, "run_id", run_ids)
    stacked["group"] = pd.Categorical.from_codes(pd.concat(group_of).to_numpy(), names, ordered=True)
    return stacked


def each_network(units: Frame, networks: Frame) -> Frame:
    """Returns group, run_id, units (how many), position_error_cm: a row a network in each of its groups."""
    groups, runs = units["group"].cat, units["run_id"].cat
    pairs = np.bincount(groups.codes.astype(np.int64) * len(runs.categories) + runs.codes)
    places = np.flatnonzero(pairs)
    group_of, run_of = np.divmod(places, len(runs.categories))
    each = pd.DataFrame(
        {
            "group": pd.Categorical.from_codes(group_of, dtype=units["group"].dtype),
            "run_id": runs.categories[run_of],
            "units": pairs[places],
        }
    )
    error_of = networks.set_index("run_id")["position_error_cm"]
    each["run_id"] = each["run_id"].astype(object)
    each["position_error_cm"] = each["run_id"].map(error_of).astype("float64")
    return each


def count_networks(each: Frame) -> Frame:
    """Returns by group how many networks and units it has, and the networks' median position error."""
    return each.groupby("group", observed=True).agg(
        networks=("run_id", "size"), units=("units", "sum"), position_error_cm=("position_error_cm", "median")
    )
