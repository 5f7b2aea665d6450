"""What people read of a check in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from rich.console import Console
from rich.table import Table

from conformance.cli.report.parts import print_again, print_difference, print_events
from conformance.cli.text import escape
from conformance.observe.finding import Difference, describe, name_of
from conformance.simulation.check import LIVE, LONG_RUN, Found, Options, Report
from conformance.simulation.coverage import AT, LEAST
from spec.witnesses import SOMETIMES


def progress_line(now: Report) -> str:
    if now.shrinking is not None:
        again = f"--seed {now.options.seed} --episode {now.shrinking}"
        return f"checking: a finding is being shrunk; reproduce: conformance check {again}"
    return f"checking: {now.events:,} events in {now.episodes:,} episodes"


def print_check(
    console: Console,
    report: Report,
    trace: Path | None,
    seen: bool = True,
    again: str = "",
    others: Sequence[Path | None] = (),
) -> None:
    """`trace`: where the finding was written; `others`: the other findings, in their order.

    `seen`: print the table of witnesses.  `again`: the options of the command that finds the same.
    """
    console.print(
        f"{report.events:,} events in {report.episodes:,} episodes, {report.steps:,} steps, "
        f"{report.seconds:.1f} s, seed {report.options.seed}"
    )
    if seen:
        _print_seen(console, report)
    if report.options.coverage:
        _print_coverage(console, report)
    for line in report.unread:
        console.print(f"[yellow]not compared:[/] {escape(line)}", soft_wrap=True)
    for line in report.not_judged:
        console.print(f"[yellow]not judged:[/] {escape(line)}", soft_wrap=True)
    if report.found is not None:
        traces = (trace, *others)
        for found, path in zip((report.found, *report.others), traces, strict=True):
            _print_found(console, found, report.options, path, again)
    elif report.unread:
        console.print("\n[yellow]inconclusive[/]: no difference in what was compared")
    else:
        alone = report.options.run is LIVE or "alone" in report.options.lacks
        difference = "" if alone else "no difference, "
        console.print(f"\n[bold green]conforms[/]: {difference}no property broken")


def _print_seen(console: Console, report: Report) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(3):
        table.add_column(justify="right", no_wrap=True)
        table.add_column(overflow="fold")
    seen = {witness.name: report.witnesses[witness.name] for witness in SOMETIMES}
    if "alone" in report.options.lacks:  # where a subject does not show it, it may have happened
        seen = {name: count for name, count in seen.items() if count}
    cells = [
        (f"{count:>8,}", f"[{'dim' if count else 'yellow'}]{name}[/]")
        for name, count in seen.items()
    ]
    for row in range(0, len(cells), 3):
        table.add_row(*chain.from_iterable(cells[row : row + 3]))
    console.print("\n[bold]Seen[/] (SOMETIMES)")
    console.print(table)
    if report.events >= LONG_RUN and report.never_seen and not report.options.lacks:
        console.print(f"[yellow]warning:[/] never seen: {', '.join(report.never_seen)}")


def _print_coverage(console: Console, report: Report) -> None:
    """Each situation, and the least that is expected of as many events."""
    missing = report.coverage.missing(report.events)
    table = Table(box=None, pad_edge=False)
    for name in ("seen", "at least"):
        table.add_column(name, justify="right")
    table.add_column("situation")
    for name, least in LEAST.items():
        style = "yellow" if name in missing else ""
        expected = f"{least * report.events // AT:,}"
        table.add_row(f"{report.coverage.counts[name]:,}", expected, name, style=style)
    console.print(f"\n[bold]Situations[/], and what {report.events:,} events should come by")
    console.print(table)
    if missing:
        console.print(f"[yellow]warning:[/] less than expected: {', '.join(missing)}")


def _print_found(
    console: Console, found: Found, options: Options, trace: Path | None, again: str
) -> None:
    console.print(
        f"\n[bold red]{name_of(found.finding)}[/] after {found.events_before:,} events; "
        f"{found.length_before} steps of {found.nodes_before} nodes shrunk to "
        f"{len(found.choices)} of {found.nodes}:\n"
    )
    print_events(console, found.recorder.records)
    if isinstance(found.finding, Difference):
        print_difference(console, found.finding)
    else:
        console.print(
            f"\n[bold]{found.finding.property}[/] at node {found.finding.node}: "
            f"{escape(describe(found.finding))}"
        )
    if trace is not None:
        console.print()
    nodes = f" --nodes {options.nodes}" if options.nodes else ""
    again += "".join(f" --ignore {name}" for name in sorted(found.ignored))
    print_again(
        console, trace, f"check --seed {options.seed} --episode {found.episode}{nodes}{again}"
    )
