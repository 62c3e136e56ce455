import pyarrow as pa

from gridsweep.store.race import compare_scores
from gridsweep.store.rows import build_tables
from tests.store.synthetic import cohort_tables, hex_id

RUN_IDS = [hex_id(lane) for lane in range(2)]


def built(**changes):
    tables = cohort_tables(RUN_IDS)
    for column, values in changes.items():
        table = "units" if column in tables["units"] else "runs"
        tables[table][column] = values
    return build_tables("0" * 16, RUN_IDS, tables)


def test_equal_scores_do_not_differ_whatever_the_time_and_the_order_of_rows():
    again = built(train_s=[1.0, 2.0])
    again["units"] = again["units"].take(pa.array([7, 6, 5, 4, 3, 2, 1, 0]))
    assert compare_scores(built(), again) is None


def test_a_difference_is_counted_and_measured_and_says_whether_the_conditions_were_the_same():
    scores = cohort_tables(RUN_IDS)["units"]["grid_score_60"]
    scores[3] += 0.25
    found = compare_scores(built(), built(grid_score_60=scores))
    assert found.rows == {"units.grid_score_60": 1}
    assert abs(found.largest - 0.25) < 1e-12
    assert str(found) == (
        "computed twice under the same conditions, differs by up to 0.25: units.grid_score_60 in 1 rows"
    )
    other = compare_scores(built(), built(grid_score_60=scores, micro_batch=[2, 2]))
    assert not other.same_conditions


def test_a_score_that_one_of_them_lacks_is_a_difference():
    scores = list(cohort_tables(RUN_IDS)["units"]["grid_score_60"])
    found = compare_scores(built(), built(grid_score_60=[None, *scores[1:]]))
    assert found.rows == {"units.grid_score_60": 1}


def test_other_rows_are_a_difference():
    again = built()
    again["units"] = again["units"].slice(1)
    assert compare_scores(built(), again).rows == {"units": 1}


def test_a_run_that_failed_in_one_of_them_is_left_out():
    runs = cohort_tables(RUN_IDS)["runs"]
    failed = {"status": ["failed"] * 2, "reason": ["killed_worker"] * 2}
    failed |= {name: [None] * 2 for name in ("position_error_cm", "loss", "penalty")}
    late = build_tables("0" * 16, RUN_IDS, {"runs": runs | failed})
    assert compare_scores(late, built()) is None
