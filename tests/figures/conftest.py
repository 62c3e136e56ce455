"""What several files of these tests look at, made once a process."""

import pytest

from gridsweep.figures.report import MapsWanted, payload
from tests.figures.reported import write


@pytest.fixture(scope="session")
def reported(tmp_path_factory):
    """A store to report on."""
    return write(tmp_path_factory.mktemp("report") / "store")


@pytest.fixture(scope="session")
def told(reported):
    """What its page is told; not to be changed."""
    return payload(reported, maps=MapsWanted(6, 4), command="gridsweep report")
