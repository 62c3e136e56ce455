"""``python -m gridsweep``: the same as the command."""

from gridsweep.cli import main

main()
