"""What people read of a replay."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from conformance.cli.report.parts import print_difference
from conformance.cli.text import escape
from conformance.simulation.replay import ReplayReport


def print_replay(console: Console, path: Path, report: ReplayReport) -> None:
    name = escape(str(path))
    if not report.events:
        console.print(f"{name}: [yellow]inconclusive[/], there are no events")
    elif report.difference is None:
        console.print(f"{name}: {report.events:,} events, specification and library agree")
    else:
        console.print(
            f"{name}: they differ at node {report.difference.node}, seq {report.seq} "
            f"(event {report.events:,} of the file)"
        )
        print_difference(console, report.difference)
