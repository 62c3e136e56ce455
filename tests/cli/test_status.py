"""``gridsweep status`` says what a store holds, and when its numbers come from more than one environment."""

import json

import pytest

from gridsweep.store import Store
from tests.commands import gridsweep
from tests.store.synthetic import commit_cohort, plan_document


def status(store, *words):
    result = gridsweep("status", "--store", store.path, *words)
    assert result.exit_code == 0
    return result.stdout


@pytest.fixture
def store(tmp_path):
    """A store in which one cohort of three, of two runs each, is committed."""
    store = Store.create(tmp_path / "store")
    store.add_plan(plan_document())
    commit_cohort(store, 0, provenance={"env_id": "a" * 16})
    return store


def test_runs_of_two_environments_are_counted_by_environment(store):
    assert json.loads(status(store, "--format", "json"))["environments"] == {"a" * 16: 2}
    assert "made in" not in status(store)
    run_ids = list(store.plan(1).cohorts.values())
    commit_cohort(store, 1, provenance={"env_id": "b" * 16}, diverged=run_ids[1][:1])
    commit_cohort(store, 2, provenance={"env_id": "b" * 16})
    assert store.environments() == {"b" * 16: 4, "a" * 16: 2}
    assert f"made in 2 environments, equal to rounding only ({'b' * 16}: 4 runs, {'a' * 16}: 2 runs)" in (
        status(store)
    )
