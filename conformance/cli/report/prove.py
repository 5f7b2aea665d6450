"""What people read of proofs."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from conformance.cli.report.parts import columns, print_again, print_states
from conformance.cli.text import escape
from conformance.observe.show import describe_owed, describe_server, show
from conformance.prove.runner.obligation import Counterexample, Verdict
from conformance.prove.runner.run import Proved, Report, is_vacuous

SHOWN = 5
"""So many of one kind are told in full; of the rest, how many there are."""
WRONG: Final[dict[Verdict, str]] = {"refuted": "red", "unknown": "yellow"}


def print_proofs(console: Console, report: Report, traces: Mapping[str, Path]) -> None:
    """`traces`: where counterexamples were written, by the obligation."""
    counts = ("obligations", "cached", "paths", "live", "queries", "seconds")
    table = columns("proof", *counts, "", right=counts)
    for name, group in report.groups.items():
        results = [one.result for one in group]
        table.add_row(
            escape(name),
            f"{len(group):,}",
            f"{sum(one.cached for one in group):,}",
            f"{sum(result.paths for result in results):,}",
            f"{sum(result.live for result in results):,}",
            f"{sum(result.queries for result in results):,}",
            f"{sum(result.seconds for result in results):.1f}",
            _verdict(group),
        )
    console.print(table)
    for warning in report.warnings:
        console.print(f"[yellow]warning:[/] {escape(warning)}", soft_wrap=True)
    for name in report.vacuous:
        console.print(
            f"[bold red]vacuous[/]: {escape(name)}: no numbers meet its hypotheses, so it says "
            "nothing",
            soft_wrap=True,
        )
    _print_unknown(console, report)
    for one, found in report.found[:SHOWN]:
        _print_found(console, report, one, found, traces.get(one.obligation.name))
    refuted = [one for one in report.proved if one.result.result == "refuted"]
    for one in refuted:
        if one.result.found is None:
            console.print(f"\n[bold red]refuted[/]: {escape(_told(one))}", soft_wrap=True)
    if len(report.found) > SHOWN:
        console.print(f"\n... and {len(report.found) - SHOWN} more that are refuted")
    for one in report.nearest if report.options.level != "quick" else report.nearest[:1]:
        console.print(
            f"{one.result.work:.1%} of what z3 may do for an answer: "
            f"{escape(one.obligation.name)}: {escape(one.result.hardest)}",
            soft_wrap=True,
            highlight=False,
        )
    console.print(f"\n{summary(report)}", soft_wrap=True)


def _verdict(group: Sequence[Proved]) -> str:
    if is_vacuous(group):
        return "[bold red]vacuous[/]"
    counts = Counter(one.result.result for one in group)
    wrong = [
        f"[bold {style}]{counts[name]:,} {name}[/]" for name, style in WRONG.items() if counts[name]
    ]
    fine = [name for name in counts if name not in WRONG]
    return ", ".join(wrong) if wrong else f"[green]{' and '.join(fine)}[/]"


def _print_unknown(console: Console, report: Report) -> None:
    """Why, and of which, the first of each."""
    unknown: dict[str, list[Proved]] = {}
    for one in report.proved:
        if one.result.result == "unknown":
            unknown.setdefault(one.result.detail, []).append(one)
    for detail, some in list(unknown.items())[:SHOWN]:
        more = f" and {len(some) - 1:,} more" if len(some) > 1 else ""
        console.print(
            f"[bold yellow]unknown[/]: {escape(some[0].obligation.name)}{more}: {escape(detail)}",
            soft_wrap=True,
        )
    if len(unknown) > SHOWN:
        console.print(f"... and for {len(unknown) - SHOWN} other reasons")


def _print_found(
    console: Console, report: Report, one: Proved, found: Counterexample, trace: Path | None
) -> None:
    console.print(f"\n[bold red]refuted[/]: {escape(_told(one))}", soft_wrap=True)
    for line in narrate(found):
        console.print(escape(line), soft_wrap=True, highlight=False)
    print_states(console, "that", found.turn.before, found.turn.after)
    only = shlex.quote(one.obligation.name)
    print_again(console, trace, f"prove --level {report.options.level} --only {only}")


def _told(one: Proved) -> str:
    bounds = ", ".join(f"{name} {value}" for name, value in one.obligation.bounds.items())
    told = one.obligation.name + (f" ({bounds})" if bounds else "")
    return f"{told}: {one.result.detail}" if one.result.detail else told


def narrate(found: Counterexample) -> Iterator[str]:
    """A server, what happened to it, and what is wrong with that."""
    turn = found.turn
    yield f"  node {turn.node} is {describe_server(turn.before)}"
    owed = describe_owed(turn.before.pending)
    if owed:
        yield f"  it owes {owed}"
    yield from (f"  {line}" for line in found.others)
    if turn.event is not None:
        yield f"  it takes {show(turn.event)}"
        if turn.outcome is not None:
            yield f"  and answers {show(turn.outcome)}"
    if turn.owed is not None:
        for done in turn.executed:
            yield f"  it executes {show(done.action)}"
    if not turn.after.up:
        yield "  it crashes"
    yield f"  then it is {describe_server(turn.after)}"
    if turn.event is not None:
        owed = describe_owed(turn.after.pending)
        if owed:
            yield f"  and owes {owed}"
    yield from (f"  {line}" for line in found.wrong or (found.what,))
    yield (
        "  (run again on these numbers, it is wrong as well)"
        if found.replays
        else "  (run again on these numbers, nothing is wrong: the hypotheses are too weak for z3)"
    )


def summary(report: Report) -> str:
    totals = report.totals()
    counted = f"{totals['obligations']:,} obligations, {totals['live']:,} paths"
    before = f", {totals['cached']:,} of them in earlier runs" if totals["cached"] else ""
    clock = f"{report.seconds:.1f} s"
    if report.verdict == "conforms":
        return f"[bold green]proved[/]: {counted}, for all terms and indices{before} ({clock})"
    if report.verdict == "violation":
        return f"[bold red]violation[/]: {totals['refuted']:,} of {counted} refuted ({clock})"
    fine = totals["proved"] + totals["witnessed"]
    return f"[bold yellow]inconclusive[/]: {fine:,} of {counted} proved{before} ({clock})"
