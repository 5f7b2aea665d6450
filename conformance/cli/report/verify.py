"""What people read of the main job: of each part its own report, and the sum of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from conformance.cli.report.check import print_check
from conformance.cli.report.explore import print_suite
from conformance.cli.report.measure import print_measured
from conformance.cli.report.parts import columns
from conformance.cli.report.prove import print_proofs
from conformance.cli.text import escape
from conformance.release.verify import FOUND_BY_TESTS, VerifyReport


class Saved(NamedTuple):
    """Where the findings of each part were written."""

    checked: Path | None
    live: Path | None
    explored: Path | None
    refuted: Mapping[str, Path]
    measured: Mapping[str, Path]

    @property
    def paths(self) -> list[Path]:
        every = [self.checked, self.live, self.explored]
        every += [*self.refuted.values(), *self.measured.values()]
        return [path for path in every if path is not None]


def print_verified(console: Console, report: VerifyReport, saved: Saved) -> None:
    console.rule("Lockstep: library and specification")
    print_check(console, report.check, saved.checked)
    if report.live is not None:
        console.rule("Live: the library's nodes alone, judged by the properties")
        print_check(console, report.live, saved.live, seen=False, again=" --live")
    if report.explored is not None:
        console.rule("Exploration: every state within bounds")
        print_suite(console, report.explored, saved.explored)
    if report.proofs is not None:
        console.rule("Proofs: all terms and indices")
        print_proofs(console, report.proofs, saved.refuted)
    if report.measured is not None:
        console.rule("Network: a cluster in virtual time")
        print_measured(console, report.measured, saved.measured)
    console.rule("Audit: traces with known verdicts")
    _print_audits(console, report)
    console.rule("Summary")
    _print_summary(console, report)


def _print_audits(console: Console, report: VerifyReport) -> None:
    table = columns("", "trace", "events", "verdict", "what it shows", right=["events"])
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


def _print_summary(console: Console, report: VerifyReport) -> None:
    lockstep = "agrees with its specification" if report.check.found is None else "DISAGREES"
    console.print(f"library    {lockstep} on {report.check.events:,} events")
    if report.live is not None:
        console.print(f"live       {report.live.verdict}: {report.live.events:,} events")
    if report.explored is not None:
        states = sum(run.distinct for run in report.explored.runs.values())
        console.print(f"states     {report.explored.verdict}: {states:,} distinct ones explored")
    if report.proofs is not None:
        proved = len(report.proofs.proved)
        console.print(f"proofs     {report.proofs.verdict}: {proved:,} obligations")
    if report.measured is not None:
        scenarios = len(report.measured.measured)
        console.print(f"network    {report.measured.verdict}: {scenarios} scenarios")
    right = sum(trace.as_expected for trace in report.traces)
    console.print(f"audits     {right} of {len(report.traces)} traces judged as expected")
    for line in report.check.unread:
        console.print(f"[yellow]not compared, explored or proved:[/] {escape(line)}")
    fine = report.verdict == "conforms"
    console.print(f"make test finds more: {FOUND_BY_TESTS}", soft_wrap=True)
    console.print("[bold green]verified[/]" if fine else "[bold red]NOT verified[/]")
