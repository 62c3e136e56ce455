"""Where finished cohorts go when the store's disk stays full: to a store on another disk, to come home later.

It is a store like any other, with the plan that the cohort is of, so `gridsweep merge` brings its cohorts
home, checked byte by byte, and nothing needs to know what a spilled cohort is.
"""

from pathlib import Path

from gridsweep.store import Store, StoreError


def spill_store(store: Store, folder: Path, plan: int) -> tuple[Store, int]:
    """Returns the store in ``folder``, made if need be, and the number that a plan of ``store`` has there.

    Raises:
        StoreError: the folder is the store itself, or cannot be written.
    """
    if folder.resolve() == store.path.resolve():
        raise StoreError(f"--spill-dir: {folder} is the store itself, expected a folder on another disk")
    spilled = Store.open_or_create(folder)
    return spilled, spilled.add_plan(store.plan(plan).document)


def how_to_bring_home(store: Store, folder: Path) -> str:
    """Returns what to do with spilled cohorts."""
    return f"gridsweep merge {folder} into {store.path}"
