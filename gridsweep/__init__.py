"""gridsweep: did the network grow a grid, or did its target put it there?

Trains path-integrating networks many at a time, scores every hidden unit for lattices, commits the scores
to a Parquet store, and answers questions of it. Importing this package imports neither JAX nor Ray.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from gridsweep.kept import load_run
    from gridsweep.spec import load_sweep
    from gridsweep.store import open_store

_WHERE = {
    "open_store": "gridsweep.store",
    "load_run": "gridsweep.kept",
    "load_sweep": "gridsweep.spec",
    "figures": "gridsweep.figures",
    "analysis": "gridsweep.analysis",
}
__all__ = ["__version__", "load_run", "load_sweep", "open_store"]


def __getattr__(name: str) -> Any:
    """Imports what is asked for when it is asked for."""
    if name not in _WHERE:
        raise AttributeError(f"module 'gridsweep' has no attribute {name!r}")
    module = importlib.import_module(_WHERE[name])
    return module if _WHERE[name] == f"gridsweep.{name}" else getattr(module, name)
