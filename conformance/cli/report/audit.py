"""What people read of an audit."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final

from rich.console import Console

from conformance.audit.both import SAID, BothReport
from conformance.audit.follow import Told
from conformance.audit.run import AuditReport
from conformance.cli.report.parts import STYLES, print_page
from conformance.cli.terminal import output
from conformance.cli.text import escape
from conformance.trace.errors import shown

SHOWN: Final = 20
"""So many problems are told; of the rest, how many there are."""

NAMES: Final = 10
"""So many nodes' names are told."""


def print_audit(console: Console, report: AuditReport, page: str | None = None) -> None:
    """`page`: where one can look at what is wrong."""
    for file in report.files:
        console.print(
            f"{escape(file.path)}: {file.events:,} events, {file.level} level"
            + (f" ({escape(shown(file.implementation)[1:-1])})" if file.implementation else ""),
            soft_wrap=True,
        )
        if file.names:
            console.print(names_line(file.names), soft_wrap=True)
        if file.error is not None:
            style = "dim" if file.continued else "yellow" if file.cut else "red"
            console.print(f"[{style}]{escape(file.error)}[/]", soft_wrap=True)
    for problem in report.problems[:SHOWN]:
        where = "" if problem.node is None else f" node {problem.node}"
        where += "" if problem.seq is None else f", seq {problem.seq}"
        console.print(
            f"[bold red]{problem.property}[/]{where}: {escape(problem.detail)}", soft_wrap=True
        )
    if len(report.problems) > SHOWN:
        console.print(f"... and {len(report.problems) - SHOWN} more")
    for name, reasons in report.unjudged.items():
        for reason, count in reasons.items():
            console.print(f"{name}: {count:,} not judged: {reason}", soft_wrap=True)
    if report.verdict != "bad_input":
        _print_missing(console, report)
    if report.never_compared:
        names = ", ".join(report.never_compared)
        console.print(f"[yellow]never compared[/]: {names}", soft_wrap=True)
    if quickly := report.judged.get("fast_path"):
        rest = report.judged["specification"]
        console.print(
            f"judged by the fast path: {quickly:,}; by the specification itself: {rest:,}"
        )
    print_page(console, page)
    console.print(f"[bold {STYLES[report.verdict]}]{report.verdict}[/] ({report.seconds:.1f} s)")


def print_both(console: Console, report: BothReport, page: str | None = None) -> None:
    """Each level's report, then whether they agree, and the verdict: the worse of the two."""
    print_audit(console, report.exact)
    print_audit(console, report.safety)
    style = "bold red" if report.agreement == "disagree" else "bold"
    console.print(f"[{style}]{SAID[report.agreement]}[/]", soft_wrap=True)
    print_page(console, page)
    seconds = report.exact.seconds + report.safety.seconds
    console.print(f"[bold {STYLES[report.verdict]}]{report.verdict}[/] ({seconds:.1f} s)")


def names_line(names: Mapping[str, int]) -> str:
    """What the recorded system calls the nodes that the report names by numbers."""
    said = [f"{node} is {escape(shown(name))}" for name, node in sorted(names.items())]
    more = len(said) - NAMES
    return "nodes: " + ", ".join(said[:NAMES]) + (f", and {more} more" if more > 0 else "")


def print_told(told: Told) -> None:
    """A finding of --follow, at once."""
    style = {"violation": "bold red", "bad_input": "red", "missing": "yellow"}.get(told.kind)
    if told.kind == "verdict":
        style = f"bold {STYLES[told.text.split(':')[0]]}"
    where = ""
    if told.kind == "violation":
        where = f"{told.property} node {told.node}, seq {told.seq}: "
    text = f"{told.kind}: {where}{escape(told.text)}".replace("\n", "\\n")
    output().print(f"[{style}]{text}[/]" if style else text, soft_wrap=True)
    sys.stdout.flush()


def _print_missing(console: Console, report: AuditReport) -> None:
    for missing in report.missing:
        records = f"records {missing.first:,} to {missing.last:,}"
        if missing.between:
            console.print(f"[yellow]missing[/]: {records} of node {missing.node}")
        else:
            console.print(f"node {missing.node} is judged from {missing.last + 1:,} on")
    if report.unrecorded:
        names = ", ".join(map(str, report.unrecorded[:SHOWN]))
        more = len(report.unrecorded) - SHOWN
        names += f" and {more} more" if more > 0 else ""
        console.print(f"no recording of members: {names}")
