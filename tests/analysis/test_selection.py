import numpy as np
import pytest

from gridsweep.analysis import select_units
from gridsweep.store import QueryError
from tests.analysis.simulated import network, null, quickstart_runs, write

NULL = "null: low-pass noise, 2 bins, rectified"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write(tmp_path_factory.mktemp("selection") / "store", quickstart_runs())


@pytest.fixture(scope="module")
def varied(tmp_path_factory):
    """Two sweeps, several evaluations and bins, a diverged network, and settings some networks lack."""
    path = tmp_path_factory.mktemp("varied") / "store"
    both = {"corrected": (20, 44), "published": (44,)}
    write(
        path,
        [
            *(network("gaussian", seed, 32, _evaluations=both) for seed in range(3)),
            network("difference_of_softmaxes", 0, 32, _evaluations=both),
            network("difference_of_softmaxes", 1, 32, status="diverged", position_error_cm=None),
        ],
        sweep="first",
    )
    uniform = {
        "target.field_width_m": None,
        "target.field_width_m_low": 0.1,
        "target.field_width_m_high": 0.3,
    }
    return write(
        path,
        [
            network("gaussian", 7, 32, **uniform),
            network("gaussian", 8, 32, **{"target.field_width_m": 0.08, "network.activation": "tanh"}),
            *(null(seed, 64, width) for seed in range(2) for width in (10.0, 2.0)),
        ],
        sweep="second",
    )


def test_a_selection_has_a_row_for_each_unit_and_the_null_beside(store):
    selection = select_units(store)
    assert list(selection.table) == ["run_id", "unit", "grid_score_60", "silent", "group", "null"]
    assert list(selection.groups["group"]) == ["difference_of_softmaxes", "gaussian", NULL]
    assert selection.groups["null"].tolist() == [False, False, True]
    assert selection.groups["networks"].tolist() == [3, 3, 3]
    assert selection.groups["units"].tolist() == [768, 768, 3072]
    assert selection.groups["position_error_cm"].tolist()[:2] == pytest.approx([7.5, 6.9], abs=1e-6)
    assert not selection.table.duplicated(["run_id", "unit"]).any()
    assert selection.filter == "44 bins, evaluation corrected"
    assert selection.snapshot_id == store.snapshot_id()
    assert str(selection.denominators) == "9 runs planned, 9 completed"
    assert selection.notes == ()


def test_runs_of_more_than_one_environment_are_counted_in_a_note(tmp_path):
    envs = ["a" * 16, "a" * 16, "b" * 16]
    runs = [network("gaussian", seed, 16, env_id=env_id) for seed, env_id in enumerate(envs)]
    store = write(tmp_path / "store", [*runs, {**null(0, 16), "env_id": "a" * 16}])
    said = f"Runs come from 2 environments: 3 in {'a' * 16}, 1 in {'b' * 16}."
    assert select_units(store).notes == (said,), "the null counts as well"
    assert select_units(store, where="seed < 2").notes == (), "of what is drawn"


def test_scores_are_those_of_the_store(store):
    selection = select_units(store, "grid_score_90", include_null=False)
    stored = store.units(columns=["grid_score_90"], where="\"system.kind\" = 'path_integrator'")
    assert sorted(selection.table["grid_score_90"]) == sorted(stored["grid_score_90"])


def test_the_null_is_dealt_into_hands_of_a_networks_size(store):
    selection = select_units(store)
    table = selection.beside_null()
    hands = table[table["null"]].groupby("run_id", observed=True).size()
    assert selection.hand == 256
    assert hands.tolist() == [256] * 12
    assert len(table) == len(selection.table)


def test_the_null_is_beside_every_filter(store):
    where = "\"target.kind\" = 'gaussian' AND seed = 1"
    selection = select_units(store, where=where, max_position_error_cm=7)
    assert selection.groups["units"].tolist() == [256, 3072]
    assert where in selection.filter


def test_the_filter_says_how_many_networks_it_removed(store):
    selection = select_units(store, max_position_error_cm=7.45)
    assert "position error below 7.45 cm (removes 2 of 6 networks)" in selection.filter
    assert selection.denominators.removed == 2
    assert selection.groups["networks"].tolist() == [1, 3, 3]


def test_a_condition_may_be_on_units(store):
    assert select_units(store, where="unit < 10").groups["units"].tolist() == [30, 30, 3072]


def test_a_condition_on_neither_table_is_refused(store):
    with pytest.raises(QueryError, match="no_such_column"):
        select_units(store, where="no_such_column = 1")


def test_an_empty_selection_says_what_the_store_has(store):
    with pytest.raises(ValueError, match="no units are left") as error:
        select_units(store, max_position_error_cm=1)
    text = str(error.value)
    assert "position error below 1 cm (removes 6 of 6 networks)" in text
    assert "there are 6 completed networks" in text
    assert "target.kind: difference_of_softmaxes (3), gaussian (3)" in text
    assert "evaluation corrected: bins 44" in text
    assert "position error: 6.8 to 7.6 cm" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bins": 20}, "no units are left for: 20 bins"),
        ({"evaluation": "published"}, "evaluation corrected: bins 44"),
        ({"by": "target.field_widht_m"}, "did you mean 'target.field_width_m'"),
        ({"score": "grid_score_6"}, "did you mean 'grid_score_60'"),
        ({"sweep": "slowstart"}, "found the sweep 'slowstart', the store has quickstart"),
        ({"by": ()}, "no column to group by"),
    ],
)
def test_what_the_store_does_not_have_is_named(store, arguments, message):
    with pytest.raises(ValueError, match=message):
        select_units(store, **arguments)


def test_missing_networks_stop_a_selection_unless_it_is_called_partial(tmp_path):
    store = write(tmp_path / "store", quickstart_runs(), missing=3)
    said = "3 of 12 planned networks are missing: run `gridsweep run quickstart`, or pass --partial"
    with pytest.raises(ValueError, match=said):
        select_units(store)
    selection = select_units(store, partial=True)
    assert selection.denominators.missing == 3
    assert selection.notes == ("Partial: 3 of 12 planned networks are missing.",)


def test_a_store_without_a_null_is_drawn_and_says_so(tmp_path):
    selection = select_units(write(tmp_path / "store", [network("gaussian", 0, 16)]))
    assert selection.notes == ("No null: the store has no filtered_noise run scored on 44 bins.",)
    assert not selection.groups["null"].any()
    assert selection.beside_null() is selection.table


def test_a_store_without_results_says_so(tmp_path):
    store = write(tmp_path / "store", [null(0, 16)])
    with pytest.raises(ValueError, match="there is no completed network"):
        select_units(store)


def test_the_first_evaluation_and_the_usual_bins_are_the_default(varied):
    selection = select_units(varied, sweep="first")
    assert selection.filter == "sweep first, 44 bins, evaluation corrected"
    assert selection.groups["units"].tolist()[:2] == [32, 96]
    assert not selection.table.duplicated(["run_id", "unit"]).any()


def test_without_the_usual_bins_the_most_are_taken(tmp_path):
    runs = [network("gaussian", 0, 16, _evaluations={"published": (20, 32)})]
    assert select_units(write(tmp_path / "store", runs)).filter == "32 bins, evaluation published"


def test_networks_without_the_scores_asked_for_are_counted(varied):
    selection = select_units(varied, bins=20, include_null=False)
    assert selection.denominators.without_scores == 2
    assert "2 without such scores" in str(selection.denominators)


def test_position_errors_are_those_of_the_evaluation_that_is_used(varied):
    first = select_units(varied, sweep="first").groups["position_error_cm"]
    other = select_units(varied, sweep="first", evaluation="published").groups["position_error_cm"]
    np.testing.assert_allclose(other[:2], first[:2] + 1, rtol=1e-6)


def test_a_diverged_network_is_left_out_and_counted(varied):
    denominators = select_units(varied, sweep="first").denominators
    assert (denominators.planned, denominators.completed, denominators.diverged) == (5, 4, 1)
    assert "1 diverged (left out)" in str(denominators)


def test_a_sweep_without_a_null_borrows_the_stores_and_says_so(varied):
    selection = select_units(varied, sweep="first")
    assert selection.groups["null"].sum() == 2
    assert selection.notes == ("The null is not of the sweep first.",)
    assert select_units(varied, sweep="second").notes == ()


def test_nulls_stand_in_the_order_of_their_numbers_and_can_be_chosen(varied):
    names = select_units(varied).groups["group"].tolist()
    assert names[-2:] == [NULL, "null: low-pass noise, 10 bins, rectified"]
    chosen = select_units(varied, null_where='"system.smoothing_bins" = 2').groups["group"].tolist()
    assert chosen[-1:] == [NULL]


def test_groups_of_a_setting_have_its_order_its_ranges_and_its_absence(varied):
    groups = select_units(varied, by="target.field_width_m", include_null=False).groups
    assert groups["group"].tolist() == ["0.08", "0.12", "0.1 to 0.3"]
    groups = select_units(varied, by="target.surround_ratio", include_null=False).groups
    assert groups["group"].tolist() == ["2", "none"]
    assert groups["networks"].tolist() == [1, 5]


def test_groups_may_be_columns_of_units_and_of_runs_together(varied):
    by = ["in_published_sample", "network.activation"]
    groups = select_units(varied, by=by, include_null=False).groups
    assert groups["group"].tolist() == ["yes, relu", "yes, tanh"]
    assert groups["units"].tolist() == [160, 32]


def test_many_networks_are_picked_without_naming_each(varied, monkeypatch):
    few = select_units(varied)
    monkeypatch.setattr("gridsweep.analysis._reading._NAMED_RUNS", 0)
    many = select_units(varied)
    assert many.groups.equals(few.groups)
    assert many.table["grid_score_60"].sum() == pytest.approx(few.table["grid_score_60"].sum())
