"""The sweeps of each scale, planned as their files say and filled with invented scores, draw the whole paper."""

from pathlib import Path

import pytest

from gridsweep.cli.paper import SCALES, SYSTEMS
from gridsweep.figures import FIGURES, Ask
from gridsweep.figures._entry import AGREES, DISAGREES
from gridsweep.figures.fig10 import RATIO
from gridsweep.spec import flatten, load_sweep
from gridsweep.store import create_store
from gridsweep.store.commit import commit
from tests.analysis import simulated

SWEEPS = Path(__file__).parents[2] / "sweeps"
SEEDS = 2


def as_stored(run) -> dict:
    """A run's row, with what ``simulated`` makes scores from."""
    settings = flatten(run.system)
    kind, target = settings["system.kind"], settings.get("target.kind")
    said = {
        "run_id": run.run_id,
        "seed": settings["system.seed"],
        "status": "completed",
        "_units": 12,
        "_scores": "noise" if kind == "filtered_noise" else target,
        "_evaluations": {one.kind_name(): tuple(one.bins) for one in run.system.evaluation},
    }
    if said["_scores"] not in simulated.QUANTILES:
        said["_scores"] = "gaussian"
    if kind == "path_integrator":
        said |= {"position_error_cm": 7.0, RATIO: 2.0 + len(settings["network.kind"])}
    return settings | said


def stored(path, scale):
    """A store of both folders, of each row the first seeds."""
    store, seen = create_store(path), set()
    for folder in (scale, SYSTEMS):
        for file in sorted((SWEEPS / folder).glob("*.yaml")):
            sweep = load_sweep(file)
            if not sweep.document.get("figures"):
                continue
            rows = {run.run_id: run for run in sweep if run.system.seed < SEEDS}
            cohorts = {run_id: simulated.make_id("cohort", run_id) for run_id in rows}
            plan = store.add_plan(
                {
                    "sweep": sweep.name,
                    "spec": {"figures": sweep.document["figures"]},
                    "cohorts": [{"cohort_id": cohort, "runs": [run]} for run, cohort in cohorts.items()],
                }
            )
            for run_id in sorted(rows.keys() - seen):
                tables = simulated._tables(as_stored(rows[run_id]), 0.02)
                commit(
                    store,
                    cohort_id=cohorts[run_id],
                    sweep=sweep.name,
                    plan=plan,
                    tables=tables,
                    provenance={},
                )
            seen |= rows.keys()
    return store


@pytest.mark.slow
@pytest.mark.parametrize("scale", SCALES)
def test_every_figure_of_the_paper_is_drawn_beside_its_null_and_judged(scale, tmp_path):
    store = stored(tmp_path / "store", scale)
    for name, figure in FIGURES.items():
        if not figure.claim:
            continue
        found = figure(store, Ask(draws=20))
        agreement, said = figure.judge(found.data)
        assert agreement in (AGREES, DISAGREES), (name, said)
        if name in ("fig2", "fig10", "fig14"):  # periods, dimensions, theory: noise has none
            continue
        groups = found.data["group"].dropna().astype(str)
        assert groups.str.startswith("null").any(), name
        words = " ".join(text.get_text() for text in found.figure.texts)
        assert "No null" not in words, name
