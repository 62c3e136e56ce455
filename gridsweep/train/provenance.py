"""Where numbers come from: versions, device and settings of the process that computed them.

None of it is part of a run's identity. ``env_id`` is the hash of the part that can change numbers.
"""

import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import jax

import gridsweep
from gridsweep.spec import SCIENCE_VERSION

PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "flax", "optax", "pyarrow", "ray")
NUMERIC_PACKAGES = ("jax", "jaxlib", "numpy", "flax", "optax")


@functools.cache
def provenance() -> dict[str, Any]:
    """Returns the provenance of this process, as it goes into a ledger entry."""
    device = jax.devices()[0]
    packages = {name: _version(name) for name in PACKAGES}
    numeric = {**libraries(), "device_kind": device.device_kind, "platform": device.platform}
    if device.platform != "cpu":  # of a GPU: the runtime, its compiler and libraries
        numeric["platform_version"] = str(device.client.platform_version)
    text = json.dumps(numeric, sort_keys=True)
    return {
        "science_version": SCIENCE_VERSION,
        "gridsweep_version": gridsweep.__version__,
        "git": _git_commit(),
        "python": platform.python_version(),
        "packages": packages,
        "env_id": hashlib.sha256(text.encode()).hexdigest()[:16],
        "host": hashlib.sha256(platform.node().encode()).hexdigest()[:12],
        **{key: value for key, value in numeric.items() if key != "packages"},
    }


def release() -> str:
    """Returns the release of gridsweep at work."""
    return gridsweep.__version__


def libraries() -> dict[str, Any]:
    """Returns what can change numbers without a device being looked at: a driver has none of the workers'."""
    return {
        "packages": {name: _version(name) for name in NUMERIC_PACKAGES},
        "machine": platform.machine(),
        "x64": bool(jax.config.values["jax_enable_x64"]),
        "prng": str(jax.config.values["jax_default_prng_impl"]),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _git_commit() -> str:
    """Returns the commit of the source, with a + when files differ from it; empty outside a checkout."""
    folder = Path(__file__).parent

    def ask(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return ask("rev-parse", "HEAD") + (
            "+" if ask("status", "--porcelain", "--untracked-files=no") else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
