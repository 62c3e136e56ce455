import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from gridsweep.figures import Ask
from gridsweep.figures._maps import as_square, read_maps, smooth
from gridsweep.store import create_store
from gridsweep.store.commit import commit
from tests.analysis import simulated


@pytest.mark.parametrize("bins", [12, 44])
def test_smoothing_for_the_eye_is_scipy_s(bins):
    square = np.random.default_rng(bins).random((bins, bins))
    np.testing.assert_allclose(smooth(square, 2.0), gaussian_filter(square, 2.0), atol=1e-12)


def test_a_stored_map_becomes_a_square_with_x_first():
    assert as_square(np.arange(9)).tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_maps_are_of_the_evaluation_that_the_scores_are_of(tmp_path):
    run = simulated.network("gaussian", 0, 4, _evaluations={"recurrent": (4,), "corrected": (4,)})
    tables = simulated._tables(run, 0.0)
    maps = np.repeat(np.array([3.0, 7.0], np.float32), 16).reshape(2, 16)
    of_unit = {"run_id": [run["run_id"]] * 2, "bins": [4] * 2, "unit": [1, 1], "map": maps}
    tables["rate_maps"] = of_unit | {"evaluation": ["recurrent", "corrected"]}
    store = create_store(tmp_path / "store")
    cohorts = [{"cohort_id": simulated.make_id("c"), "runs": [run["run_id"]]}]
    plan = store.add_plan({"sweep": "some", "spec": {}, "cohorts": cohorts})
    commit(store, cohort_id=cohorts[0]["cohort_id"], sweep="some", plan=plan, tables=tables, provenance={})
    for evaluation, value in ((None, 3.0), ("recurrent", 3.0), ("corrected", 7.0)):
        (found,) = read_maps(store, [run["run_id"]], Ask(evaluation=evaluation))["map"]
        assert set(found) == {value}
