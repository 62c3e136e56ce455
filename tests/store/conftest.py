import shutil
import tempfile
from pathlib import Path

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


@pytest.fixture
def memory_path(tmp_path):
    """A folder in memory where the system has one: hundreds of commits wait for no disk there."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        yield tmp_path
        return
    path = Path(tempfile.mkdtemp(prefix="gridsweep-test-", dir=memory))
    yield path
    shutil.rmtree(path)
