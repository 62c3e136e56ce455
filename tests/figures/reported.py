"""The store that the tests of the report look through."""

import numpy as np

from gridsweep.store import Store, create_store
from gridsweep.store.commit import commit
from tests.analysis import simulated

BINS, KEPT = 12, 8
HOSTILE = "</script><img src=x onerror=alert(1)><!--"


def write(path) -> Store:
    """Two sweeps with a network in common, of two targets and a hostile one; one run diverged, one failed."""
    runs = [
        simulated.network(target, seed, 40, _evaluations={"corrected": (BINS,)})
        for target in ("gaussian", "difference_of_softmaxes")
        for seed in range(4)
    ]
    runs.append(simulated.network(HOSTILE, 0, 30, _evaluations={"corrected": (BINS,)}))
    runs[0] = runs[0] | {"status": "diverged", "position_error_cm": None}
    runs += [simulated.null(seed, 100) | {"_evaluations": {"corrected": (BINS,)}} for seed in range(2)]
    made = create_store(path)
    cohorts = [{"cohort_id": simulated.make_id("c", run["run_id"]), "runs": [run["run_id"]]} for run in runs]
    plan = made.add_plan({"sweep": "all", "spec": {}, "cohorts": cohorts})
    made.add_plan({"sweep": "some", "spec": {}, "cohorts": cohorts[4:6]})
    rng = np.random.default_rng(3)
    for run, cohort in zip(runs, cohorts, strict=True):
        tables = simulated._tables(run, 0.1)
        if run["status"] == "completed" and run["system.kind"] == "path_integrator":
            maps = rng.random((KEPT, BINS * BINS)).astype(np.float32)
            maps[:, :3] = np.nan
            tables["rate_maps"] = {
                "run_id": [run["run_id"]] * KEPT,
                "evaluation": ["corrected"] * KEPT,
                "bins": [BINS] * KEPT,
                "unit": list(range(KEPT)),
                "map": maps,
            }
        commit(made, cohort_id=cohort["cohort_id"], sweep="all", plan=plan, tables=tables, provenance={})
    return made
