"""The golden data: numbers of the published programs, in this folder or in one of the same make."""

import os
from pathlib import Path

import numpy as np
import pytest


def golden_path() -> Path:
    return Path(os.environ.get("GRIDSWEEP_GOLDEN") or Path(__file__).parent)


@pytest.fixture(scope="session")
def golden_folder() -> Path:
    return golden_path()


@pytest.fixture(scope="session")
def grid_scores(golden_folder) -> dict[str, np.ndarray]:
    with np.load(golden_folder / "grid_scores.npz", allow_pickle=False) as stored:
        return dict(stored)


@pytest.fixture(scope="session")
def published(golden_folder) -> dict[str, np.ndarray]:
    """What published targets and networks answered, by name."""
    with np.load(golden_folder / "targets_and_networks.npz", allow_pickle=False) as stored:
        return dict(stored)


def pytest_generate_tests(metafunc):
    if "bins" in metafunc.fixturenames:
        with np.load(golden_path() / "grid_scores.npz", allow_pickle=False) as stored:
            prefix = "rate_maps_"
            found = sorted(int(key.removeprefix(prefix)) for key in stored if key.startswith(prefix))
        metafunc.parametrize("bins", found)
