"""What people read of a campaign."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from conformance.campaign.case import USUAL
from conformance.campaign.features import is_situation
from conformance.campaign.run import Report
from conformance.cli.report.parts import STYLES, columns, print_again, print_page
from conformance.cli.terminal import Progress
from conformance.cli.text import escape
from conformance.simulation.coverage import LEAST

RAREST = 5
"""So many features that few cases came by are named."""


def progress_line(now: Report) -> str:
    seen = ""
    if "lockstep" in now.options.kinds:
        seen = f", {now.situations} of {len(LEAST)} situations, {now.transitions} transitions"
    found = f", {len(now.found)} findings" if now.found else ""
    return (
        f"campaign: {now.tasks:,} of {now.options.tasks:,} tasks, "
        f"{', '.join(amounts(now)) or 'nothing yet'}{seen}{found}"
    )


def amounts(report: Report) -> list[str]:
    """How much was done, of each kind that was asked for and can be counted."""
    told = {
        "lockstep": f"{report.events:,} events in lockstep",
        "explore": f"{report.states:,} states explored",
        "mutants": f"{report.kinds['mutants']:,} hunts for mutants",
    }
    return [said for kind, said in told.items() if kind in report.options.kinds]


class LiveTable:
    """Shows `report` on a terminal, as it is when something is told."""

    def __init__(self) -> None:
        self.report: Report | None = None

    @contextmanager
    def __call__(self, console: Console, said: str, quiet: bool) -> Iterator[Progress]:
        if quiet or not console.is_terminal:
            yield lambda said, done=None, total=None: None
            return
        with Live(console=console, transient=True, refresh_per_second=4) as live:

            def tell(said: str, _done: float | None = None, _total: float | None = None, /) -> None:
                live.update(escape(said) if self.report is None else _totals(self.report))

            tell(said)
            yield tell


def _totals(report: Report) -> Table:
    table = columns("", "so far", right=("so far",))
    table.add_row("tasks", f"{report.tasks:,} of {report.options.tasks:,}")
    table.add_row("cases", f"{report.cases:,}")
    for amount in amounts(report):
        count, _, what = amount.partition(" ")
        table.add_row(what, count)
    if "lockstep" in report.options.kinds:
        table.add_row("situations", f"{report.situations} of {len(LEAST)}")
        table.add_row("transitions", f"{report.transitions:,}")
    table.add_row("findings", f"{len(report.found):,}")
    table.add_row("tasks not judged", f"{len(report.not_judged):,}")
    return table


def print_campaign(
    console: Console, report: Report, traces: Sequence[Path | None], page: str | None
) -> None:
    """`traces`: of each finding, None where there is none.  `page`: where the page is."""
    console.print(
        f"{report.tasks:,} tasks of {report.options.tasks:,}, "
        f"{', '.join([f'{report.cases:,} cases', *amounts(report)])}, {report.seconds:.1f} s "
        f"({report.cpu_seconds:.1f} s of CPU time), seed {report.options.plan.seed}"
    )
    if report.resumed:
        console.print(f"{report.resumed:,} tasks were done before, and noted in the corpus")
    if report.inherited:
        console.print(f"{report.inherited:,} features were reached by other campaigns")
    if report.hunters:
        hunters = ", ".join(f"{name} {count:,}" for name, count in report.hunters.most_common())
        console.print(f"mutants found, by the first method that did: {hunters}")
    if report.seen:
        _print_growth(console, report)
        _print_missing(console, report)
    for why in report.not_judged:
        console.print(f"[yellow]not judged:[/] {escape(why)}", soft_wrap=True)
    for one, trace in zip(report.findings, traces, strict=True):
        console.print(
            f"\n[bold red]{escape(' / '.join(one.signature))}[/] in {report.times(one):,} cases, "
            f"first in case {one.found.case} ({one.found.kind})"
            f"{'' if one.found.node is None else f', node {one.found.node}'}:"
        )
        console.print(escape(one.found.detail), soft_wrap=True)
        shortest = one.shortest
        if shortest is not None:
            console.print(
                f"{shortest.length_before} steps of {shortest.nodes_before} nodes shrunk to "
                f"{len(shortest.choices)} of {shortest.nodes}"
            )
        print_again(console, trace, one.again or again(report))
    if report.not_shrunk:
        console.print(f"\n{len(report.not_shrunk)} findings more, which were not shrunk:")
    for found in report.not_shrunk:
        console.print(f"  case {found.case}: {escape(' / '.join(found.signature))}")
    if page is not None:
        console.print()
        print_page(console, page)
    if report.stopped:
        console.print("[yellow]stopped[/] before all tasks were done")
    console.print(f"[bold {STYLES[report.verdict]}]{report.verdict}[/]")


def again(report: Report) -> str:
    """The command that finds the same once more."""
    options, plan = report.options, report.options.plan
    command = f"campaign --seed {plan.seed} --tasks {options.tasks} --round {options.round}"
    if plan.nodes:
        command += f" --nodes {plan.nodes}"
    if plan.foreign is not None:
        command += f" --subject {shlex.quote(plan.foreign.command)} --level {plan.foreign.level}"
    elif options.kinds != USUAL:
        command += "".join(f" --only {kind}" for kind in options.kinds)
    return command


def _print_growth(console: Console, report: Report) -> None:
    """Each time that there are twice as many tasks, and the end."""
    table = columns(
        *("tasks", "events", "situations", "transitions"),
        right=("tasks", "events", "situations", "transitions"),
    )
    least = 0
    for now in report.growth:
        if now.tasks >= least or now is report.growth[-1]:
            table.add_row(
                f"{now.tasks:,}", f"{now.events:,}", str(now.situations), str(now.transitions)
            )
            least = 2 * now.tasks
    console.print("\n[bold]Seen[/]")
    console.print(table)


def _print_missing(console: Console, report: Report) -> None:
    missing = [name for name in LEAST if not report.seen[name]]
    if missing:
        console.print(f"not seen: {escape(', '.join(missing))}")
    seen = sorted((count, name) for name, count in report.seen.items() if is_situation(name))
    rarest = ", ".join(f"{name} ({count})" for count, name in seen[:RAREST])
    console.print(f"rarest, by cases: {escape(rarest)}")
