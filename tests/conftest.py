import os
import shutil
import tempfile
from pathlib import Path

import hypothesis
import jax
import pytest

# Shapes that do not match are an error, not an invitation to broadcast.
jax.config.update("jax_numpy_rank_promotion", "raise")

# Most of the suite's time is compilation, much of it of the same programs in other processes.
programs = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gridsweep" / "test-programs"
programs.mkdir(mode=0o700, parents=True, exist_ok=True)
jax.config.update("jax_compilation_cache_dir", str(programs))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
jax.config.update("jax_compilation_cache_max_size", 2**30)

hypothesis.settings.register_profile(
    "gridsweep",
    deadline=None,
    max_examples=30,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("gridsweep")


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
