"""What people read of a judged history."""

from __future__ import annotations

from typing import Final

from rich.console import Console

from conformance.cli.report.parts import STYLES, print_page
from conformance.cli.text import escape
from conformance.linearize import Report
from conformance.linearize.check import Judged, Violation

SHOWN: Final = 20
"""So many findings are told, and of each so many operations."""


def print_linearize(console: Console, report: Report, page: str | None) -> None:
    """`page`: where one can look at the findings."""
    for file in report.files:
        _print_file(console, file)
    shown = report.violations[:SHOWN]
    for violation in shown:
        _print_violation(console, violation)
    if len(report.violations) > len(shown):
        console.print(f"... and {len(report.violations) - len(shown)} more")
    print_page(console, page)
    console.print(f"[bold {STYLES[report.verdict]}]{report.verdict}[/] ({report.seconds:.1f} s)")


def _print_file(console: Console, file: Judged) -> None:
    if file.error is not None:
        console.print(f"[red]{escape(file.error)}[/]", soft_wrap=True)
        return
    keys = "" if file.model == "register" else f", {file.keys:,} keys"
    console.print(
        f"{escape(file.path)}: {file.operations:,} operations, {file.unknown:,} of unknown outcome"
        f"{keys}: {file.verdict}",
        soft_wrap=True,
    )
    for key in file.unjudged:
        which = "" if key is None else f"key {escape(key)}: "
        console.print(f"[yellow]not judged[/]: {which}the budget was spent", soft_wrap=True)


def _print_violation(console: Console, violation: Violation) -> None:
    why = violation.explanation
    key = "" if violation.key is None else f" key {escape(violation.key)},"
    least = "" if why.is_least else " (the budget was spent before there were as few as can be)"
    console.print(
        f"[bold red]not linearizable[/]:{key} {escape(violation.path)}:{why.breaks_at}: "
        "there is an order of all before this line, and with it none of these "
        f"{len(why.core)} operations, wherever the others took effect{least}",
        soft_wrap=True,
    )
    for one in why.core[:SHOWN]:
        lines = f"{one.called}-{one.returned if one.returned is not None else '?'}"
        console.print(
            f"  lines {lines:<11} process {escape(one.process):<4} {escape(str(one.call))}",
            soft_wrap=True,
        )
    if len(why.core) > SHOWN:
        console.print(f"  ... and {len(why.core) - SHOWN} more")
