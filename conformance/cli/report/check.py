"""What people read: reports as tables and lines.  No checker knows of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.audit.run import AuditReport
from conformance.observe.finding import Difference, describe, name_of
from conformance.observe.recorded import Recorded
from conformance.observe.show import show
from conformance.release.verify import VerifyReport
from conformance.simulation.check import LONG_RUN, Report
from conformance.simulation.replay import ReplayReport
from conformance.trace.errors import shown
from spec.witnesses import SOMETIMES


def print_events(console: Console, records: Iterable[Recorded]) -> None:
    """The events of a schedule, and the actions that came of each."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("node", "seq", "event", "role", "actions executed"):
        table.add_column(name, overflow="fold")
    for record in records:
        role = f"{record.state.role} t{record.state.current_term} c{record.state.commit_index}"
        actions = "(not drained)" if record.actions is None else show(record.actions)
        table.add_row(
            str(record.node), str(record.seq), escape(show(record.event)), role, escape(actions)
        )
    console.print(table)


def print_difference(console: Console, found: Difference) -> None:
    """What the specification says and what the subject did, side by side."""
    event = "the drain" if found.event is None else show(found.event)
    console.print(f"\n[bold]First difference[/]: node {found.node}, {escape(event)}: {found.what}")
    table = Table(header_style="bold")
    table.add_column("specified", overflow="fold", ratio=1)
    table.add_column("found", overflow="fold", ratio=1)
    left, right = show(found.specified).split("\n"), show(found.found).split("\n")
    if len(left) == len(right) == 1 and hasattr(found.specified, "_fields"):
        names = [n for n in getattr(found.specified, "_fields", ()) if n != "leader_given"]
        left = [f"{name} {show(getattr(found.specified, name))}" for name in names]
        right = [f"{name} {show(getattr(found.found, name))}" for name in names]
    for row in range(max(len(left), len(right))):
        one = left[row] if row < len(left) else ""
        other = right[row] if row < len(right) else ""
        style = "" if one == other else "bold red"
        table.add_row(escape(one), escape(other), style=style)
    console.print(table)


def print_check(console: Console, report: Report, trace: Path | None) -> None:
    console.print(
        f"{report.events:,} events in {report.episodes:,} episodes, {report.steps:,} steps, "
        f"{report.seconds:.1f} s, seed {report.options.seed}"
    )
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(3):
        table.add_column(justify="right", no_wrap=True)
        table.add_column(overflow="fold")
    cells = [(witness.name, report.witnesses[witness.name]) for witness in SOMETIMES]
    for row in range(0, len(cells), 3):
        three = cells[row : row + 3]
        table.add_row(
            *(
                text
                for name, count in three
                for text in (f"{count:>8,}", f"[{'yellow' if not count else 'dim'}]{name}[/]")
            )
        )
    console.print("\n[bold]Seen[/] (SOMETIMES)")
    console.print(table)
    if report.events >= LONG_RUN and report.never_seen:
        console.print(f"[yellow]warning:[/] never seen: {', '.join(report.never_seen)}")
    if report.found is None:
        console.print("\n[bold green]conforms[/]: no difference, no property broken")
        return
    found = report.found
    console.print(
        f"\n[bold red]{name_of(found.finding)}[/] after {found.events_before:,} events; "
        f"{found.length_before} steps of {found.nodes} nodes shrunk to {len(found.choices)}:\n"
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
        console.print(f"\nThe trace: {escape(str(trace))}")
    nodes = f" --nodes {report.options.nodes}" if report.options.nodes else ""
    console.print(
        "Reproduce: conformance check "
        f"--seed {report.options.seed} --episode {found.episode}{nodes}",
        soft_wrap=True,
    )


def print_replay(console: Console, path: Path, report: ReplayReport) -> None:
    if not report.events:
        console.print(f"{escape(str(path))}: [yellow]inconclusive[/], there are no events")
        return
    if report.difference is None:
        console.print(
            f"{escape(str(path))}: {report.events:,} events, specification and library agree"
        )
        return
    console.print(
        f"{escape(str(path))}: they differ at node {report.difference.node}, seq {report.seq} "
        f"(event {report.events:,} of the file)"
    )
    print_difference(console, report.difference)


STYLES = {"conforms": "green", "violation": "red", "bad_input": "red", "inconclusive": "yellow"}


def print_audit(console: Console, report: AuditReport, most: int = 20) -> None:
    for file in report.files:
        console.print(
            f"{escape(file.path)}: {file.events:,} events, {file.level} level"
            + (f" ({escape(shown(file.implementation)[1:-1])})" if file.implementation else ""),
            soft_wrap=True,
        )
        if file.error is not None:
            console.print(f"[red]{escape(file.error)}[/]", soft_wrap=True)
    for problem in report.problems[:most]:
        where = "" if problem.node is None else f" node {problem.node}"
        where += "" if problem.seq is None else f", seq {problem.seq}"
        console.print(
            f"[bold red]{problem.property}[/]{where}: {escape(problem.detail)}", soft_wrap=True
        )
    if len(report.problems) > most:
        console.print(f"... and {len(report.problems) - most} more")
    style = STYLES[report.verdict]
    console.print(f"[bold {style}]{report.verdict}[/] ({report.seconds:.1f} s)")


def print_verified(console: Console, report: VerifyReport) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "trace", "events", "verdict", "what it shows"):
        table.add_column(name, justify="right" if name == "events" else "left")
    condemned = Counter[str]()
    for trace in report.traces:
        fine = trace.as_expected
        if fine and trace.expected.verdict == "violation":  # there are many, and all is well
            condemned[trace.report.problems[0].property] += 1
            continue
        names = sorted({problem.property for problem in trace.report.problems})
        verdict = trace.report.verdict + (f": {', '.join(names)}" if names else "")
        if not fine:
            verdict += f" (expected {trace.expected.verdict}: {trace.expected.property})"
        table.add_row(
            "[green]as expected[/]" if fine else "[bold red]NOT as expected[/]",
            escape(f"{trace.path.parent.name}/{trace.path.name}"),
            f"{trace.report.events:,}",
            escape(verdict),
            escape(trace.expected.what),
        )
    console.print(table)
    if condemned:
        named = ", ".join(f"{name} {count}" for name, count in condemned.most_common())
        console.print(
            f"[green]as expected[/]  {condemned.total()} recordings of broken libraries: "
            + escape(named),
            soft_wrap=True,
        )
    for complaint in report.complaints:
        console.print(f"[bold red]{escape(complaint)}[/]")
    right = sum(trace.as_expected for trace in report.traces)
    console.rule("Summary")
    lockstep = "agrees with its specification" if report.check.found is None else "DISAGREES"
    console.print(f"library    {lockstep} on {report.check.events:,} events")
    if report.explored is not None:
        states = sum(run.distinct for run in report.explored.runs.values())
        verdict = report.explored.verdict
        console.print(f"states     {verdict}: {states:,} distinct ones explored")
    if report.proofs is not None:
        proved = len(report.proofs.proved)
        console.print(f"proofs     {report.proofs.verdict}: {proved:,} obligations")
    console.print(f"audits     {right} of {len(report.traces)} traces judged as expected")
    if report.exit_code == 0:
        console.print("[bold green]verified[/]")
    else:
        console.print("[bold red]NOT verified[/]")
