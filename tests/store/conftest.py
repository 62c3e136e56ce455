import pytest

from gridsweep.store import Store
from tests.store.synthetic import plan_document


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return Store.create(tmp_path / "store")


@pytest.fixture
def planned(store):
    """A store with one plan of three cohorts with two runs each."""
    store.add_plan(plan_document())
    return store
