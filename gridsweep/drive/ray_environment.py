"""Everything Ray reads from the environment, set in one place, before Ray is imported.

Ray looks at some of it when it is imported and never again, so :func:`prepared` comes first and
``gridsweep.drive.ray_tune``, which imports Ray, after it.
"""

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "300",
}
PREFIX = "gridsweep-"
# Without this, every port of a local Ray listens on all interfaces, loopback asked for or not.
LOOPBACK_ONLY = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


@contextlib.contextmanager
def prepared(*, local: bool) -> Iterator[Path]:
    """Sets the environment, and gives a scratch folder that is swept away at the end.

    Args:
        local: for a Ray of this process alone, which listens on loopback only and wants a secret that
            this user alone can read (Ray's own would be readable by all).
    """
    _sweep_away_the_dead()
    scratch = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    for name, value in (ENVIRONMENT | (LOOPBACK_ONLY if local else {})).items():
        os.environ.setdefault(name, value)
    if local:
        token = scratch / "token"
        with os.fdopen(os.open(token, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(token)
        os.environ.pop("RAY_AUTH_TOKEN", None)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _sweep_away_the_dead() -> None:
    """Removes the scratch folders of this user's commands that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}[0-9]*-*"):
        owner = folder.name.removeprefix(PREFIX).split("-")[0]
        alive = owner.isdigit() and Path(f"/proc/{owner}").exists()
        if not alive and not folder.is_symlink() and folder.stat().st_uid == os.getuid():
            shutil.rmtree(folder, ignore_errors=True)
