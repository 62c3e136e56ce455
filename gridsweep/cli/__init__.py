"""The commands. Each is thin, prints, and composes functions that anyone can call from a notebook.

JAX, Ray, pandas and the rest are imported inside the commands that use them, so that ``--help`` is quick.
"""

import typer

from gridsweep.cli.bench import bench
from gridsweep.cli.data import query, score
from gridsweep.cli.export import export
from gridsweep.cli.figure import figure, figures
from gridsweep.cli.gallery import gallery
from gridsweep.cli.inspect import diff, logs, show, status
from gridsweep.cli.keep import compact, merge, revoke, snapshot, verify
from gridsweep.cli.measure import measure
from gridsweep.cli.neural import neural
from gridsweep.cli.paper import paper
from gridsweep.cli.plan import plan
from gridsweep.cli.report import report
from gridsweep.cli.run import retry, run

app = typer.Typer(
    name="gridsweep",
    help="Train thousands of path-integrating networks, score every unit for lattices, and ask the results.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (
    bench,
    *(plan, run, retry, status, logs, show, diff, query, figure, figures, score),
    *(paper, report),
    *(verify, revoke, compact, snapshot, merge, measure),
    *(neural,),
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(export, name="export")
app.add_typer(gallery, name="gallery")


def main() -> None:
    """Runs the command line."""
    app()
