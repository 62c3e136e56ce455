"""The panel and the plain lines say what was reported, and count runs, not cohorts."""

import io

from rich.console import Console

from gridsweep.drive.progress import ProgressPanel
from gridsweep.drive.work import Progress


def progress(state, **changes):
    said = {
        "cohort_id": "aa" * 8, "runs": 4, "done_updates": 50, "total_updates": 100,
        "updates_per_s": 120.0, "loss": 5.4321, "diverged": 0, "state": state,
    }  # fmt: skip
    return Progress(**(said | changes))


def test_off_a_terminal_each_cohort_leaves_one_plain_line():
    out = io.StringIO()
    with ProgressPanel("demo", runs=8, committed=4, console=Console(file=out, width=200)) as panel:
        panel.report(progress("training"))
        panel.report(progress("committed", diverged=1))
        panel.report(progress("failed", message="RuntimeError: no"))
    assert out.getvalue().splitlines() == [
        "[8/8] cohort aaaaaaaaaaaaaaaa, committed, 4 runs, 120 updates/s, loss 5.4321, 1 diverged",
        "[8/8] cohort aaaaaaaaaaaaaaaa, failed, 4 runs, 120 updates/s, loss 5.4321, RuntimeError: no",
    ]
    assert panel.failed == 1


def test_on_a_terminal_the_panel_shows_networks_rate_loss_and_divergence():
    console = Console(file=io.StringIO(), width=140, force_terminal=True, record=True)
    panel = ProgressPanel("demo", runs=8, committed=4, console=console)
    panel.report(progress("training"))
    console.print(panel)
    shown = console.export_text()
    for part in ("demo", "4/8 networks", "120 network-updates/s", "0 diverged", "loss 5.4321", "50%"):
        assert part in shown


def test_a_notice_stands_at_the_foot_of_the_panel_until_there_is_another():
    console = Console(file=io.StringIO(), width=140, force_terminal=True, record=True)
    panel = ProgressPanel("demo", runs=8, committed=0, console=console)
    console.print(panel)
    assert "starting workers" in console.export_text()
    panel.report(progress("training"))
    panel.notice("stopping after this chunk")
    console.print(panel)
    shown = console.export_text()
    assert "stopping after this chunk" in shown
    assert "starting workers" not in shown
