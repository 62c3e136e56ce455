"""The persistent compilation cache: a program compiled once on a node is not compiled again there."""

import os
from pathlib import Path

import jax

LARGEST_BYTES = 4 * 2**30
SHORTEST_COMPILATION_S = 0.3


def use_compile_cache() -> Path:
    """Turns the cache on, in a private folder of this user, and returns the folder.

    ``JAX_COMPILATION_CACHE_DIR`` chooses another folder. The least recently used programs go when it has
    grown to 4 GiB.
    """
    chosen = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(chosen) if chosen else root / "gridsweep" / "programs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", SHORTEST_COMPILATION_S)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    jax.config.update("jax_compilation_cache_max_size", LARGEST_BYTES)
    return folder
