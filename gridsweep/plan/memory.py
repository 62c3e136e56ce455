"""The memory a worker takes for a program, from a run's tree alone; nothing is compiled.

The model of a system's lanes is the system's own (``System.work_bytes``): a cohort keeps the states of all
its lanes, and beside them what the lanes of one micro-batch want at work.
"""

from gridsweep.spec import Run


def peak_bytes(run: Run, *, lanes: int, width: int) -> float | None:
    """Returns the predicted peak of a cohort, in bytes; None where the system says nothing.

    Args:
        run: any run of the program.
        lanes: runs in the cohort.
        width: lanes computed together.
    """
    work_bytes = run.system.work_bytes()
    if work_bytes is None:
        return None
    return max(lanes, width) * run.system.state_bytes() + width * work_bytes
