"""The persistent compilation cache: a program compiled once on a node is not compiled again there."""

import os
from pathlib import Path

import jax
import jax.monitoring

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


def on_even_core() -> bool:
    """Returns whether this worker is bound to a core of even number, as one of two mostly is."""
    return min(os.sched_getaffinity(0)) % 2 == 0 if hasattr(os, "sched_getaffinity") else True


def programs_made() -> int:
    """Returns how many programs this process has compiled or taken from the cache, of every kind."""
    return len(_made)


_made: list[float] = []  # seconds each


def _count(event: str, duration_secs: float, **_: object) -> None:
    if event == "/jax/core/compile/backend_compile_duration":
        _made.append(duration_secs)


jax.monitoring.register_event_duration_secs_listener(_count)
