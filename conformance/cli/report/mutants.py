"""The kill matrix, for people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from conformance.cli.report.parts import STYLES, print_trace
from conformance.cli.text import escape
from conformance.mutants.matrix.run import Progress, Report
from conformance.mutants.matrix.trial import Trial


def progress_line(now: Progress) -> str:
    return f"{now.done} of {now.planned} trials, {now.latest}"


def print_mutants(console: Console, report: Report, traces: Mapping[str, Path]) -> None:
    """`traces`: where the shortest runs were written, by the mutant."""
    _print_matrix(console, report)
    for trace in traces.values():
        print_trace(console, trace)
    for warning in report.warnings:
        console.print(f"[yellow]warning:[/] {escape(warning)}", soft_wrap=True)
    for fate in report.survivors:
        console.print(f"[red]survivor[/] {fate.mutant.name}: {escape(fate.mutant.what)}")
    killed = len(report.fates) - len(report.survivors)
    median = report.median_seconds
    console.print(
        f"\n[bold {STYLES[report.verdict]}]{killed} of {len(report.fates)} mutants killed[/], "
        f"{report.killed_by_at_least(2)} by two methods or more, "
        f"{report.killed_by_at_least(3)} by three or more; "
        + (f"median time of the fastest method {median:.2f} s; " if median is not None else "")
        + f"{report.seconds:.0f} s in all, level {report.options.level}"
    )


def _print_matrix(console: Console, report: Report) -> None:
    """Seconds to the kill; a dot: it survived; a tilde: the time was up before that was clear."""
    table = Table(
        box=None,
        pad_edge=False,
        header_style="bold",
        caption="Seconds to the kill. · survived. ~ the time was up. "
        "By comparison with the specification, and (alone) by the properties.",
        caption_justify="left",
    )
    table.add_column("mutant", no_wrap=True)
    for method in report.methods:
        table.add_column(method.name, justify="right")
    table.add_column("breaks")
    for fate in report.fates:
        name = fate.mutant.name if fate.kills else f"[red]{fate.mutant.name}[/]"
        table.add_row(name, *map(_cell, fate.trials), fate.mutant.breaks)
    table.add_row("[bold]killed[/]", *(str(report.kills_of(method)) for method in report.methods))
    console.print(table)


def _cell(trial: Trial) -> str:
    if trial.killed:
        return f"{trial.seconds:.1f}"
    return "[yellow]~[/]" if trial.stopped is not None else "[dim]·[/]"
