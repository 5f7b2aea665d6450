"""What people read of mechanical mutants."""

from __future__ import annotations

from rich.console import Console

from conformance.cli.report.parts import STYLES
from conformance.cli.text import escape
from conformance.mutants.mechanical.run import Report


def print_mutated(console: Console, report: Report) -> None:
    for stage, count in report.killed.most_common():
        console.print(f"{count:>8,}  killed by {stage}")
    for rule, count in report.left_out.items():
        console.print(f"{count:>8,}  left out: {rule}")
    for title, keys in (
        ("Survives, and is not explained", report.unexplained),
        ("Explained, and does not survive", report.stale),
        ("Not judged, for the machine failed", report.unjudged),
    ):
        if keys:
            console.print(f"\n[bold]{title}[/]")
        for key in keys:
            console.print(f"  {escape(str(key))}", soft_wrap=True)
    said = (
        f"{report.killed.total():,} of {report.judged:,} mutants killed ({report.score:.1%}), "
        f"{len(report.explained)} survive and are explained, {len(report.unexplained)} are not"
    )
    stopped = ", stopped" if report.stopped else ""
    console.print(
        f"\n[{STYLES[report.verdict]}]{report.verdict}[/]: {said} ({report.seconds:.0f} s{stopped})"
    )
